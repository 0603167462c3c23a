//! What questions and jobs are, as plain sets.
//! Invariant: a step that does not happen changes nothing.
//! It must not know the store.

use std::collections::{BTreeMap, BTreeSet};

use corvid_core::wire::{Answer, Answerer, Role, Scope};

use crate::hands::person;

/// One step of a history. Questions and jobs are numbers; a question of an even number may be allowed for the
/// session, each may be answered by owners and by `1001` until the time 100.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Ask(u8),
    Answer {
        process: usize,
        question: u8,
        answer: Answer,
        by: Who,
        at: i64,
    },
    Say {
        by: Who,
        text: &'static str,
    },
    Timer(i64),
    Stop,
    Reply,
    Begin {
        process: usize,
        job: u8,
    },
    End {
        process: usize,
        job: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Owner,
    Named,
    Other,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Answered,
    Expired,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) questions: BTreeMap<u8, Fate>,
    pub(super) granted: BTreeSet<String>,
    /// Each with whether it is open.
    pub(super) jobs: BTreeMap<u8, bool>,
}

impl Who {
    pub(super) fn answerer(self) -> Answerer {
        match self {
            Self::Owner => person("1000", Role::Owner),
            Self::Named => person("1001", Role::Member),
            Self::Other => person("1002", Role::Member),
        }
    }
}

impl Model {
    fn end(&mut self, fate: Fate) {
        for state in self.questions.values_mut() {
            if *state == Fate::Open {
                *state = fate;
            }
        }
    }

    /// Whether the step happens; if it does, the model moves on.
    pub(super) fn happens(&mut self, step: &Step) -> bool {
        match step {
            Step::Ask(question) => {
                self.questions.insert(*question, Fate::Open);
                true
            }
            Step::Answer {
                question,
                answer,
                by,
                at,
                ..
            } => {
                let fits = match answer {
                    Answer::Allow { scope } => match scope {
                        Scope::Once => true,
                        Scope::Session => question % 2 == 0,
                        Scope::Earlier => false,
                    },
                    Answer::Deny { .. } => true,
                    Answer::Text { .. } => false,
                };
                let open = self.questions.get(question) == Some(&Fate::Open);
                let acts = open && fits && *by != Who::Other && *at < 100;
                if acts {
                    self.questions.insert(*question, Fate::Answered);
                    let session = Answer::Allow {
                        scope: Scope::Session,
                    };
                    if *answer == session {
                        self.granted.insert(format!("binding of {question}"));
                    }
                }
                acts
            }
            Step::Say { by, text } => {
                if *by != Who::Other && !text.is_empty() {
                    self.end(Fate::Answered);
                }
                true
            }
            Step::Timer(due_at) => {
                if *due_at >= 100 {
                    self.end(Fate::Expired);
                }
                true
            }
            Step::Stop | Step::Reply => {
                self.end(Fate::Closed);
                true
            }
            Step::Begin { job, .. } => {
                let new = !self.jobs.contains_key(job);
                self.jobs.entry(*job).or_insert(true);
                new
            }
            Step::End { job, .. } => self.jobs.get_mut(job).is_some_and(std::mem::take),
        }
    }
}
