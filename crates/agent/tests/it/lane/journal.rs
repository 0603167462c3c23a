//! A journal in memory, as strict as the contract in `core`: each fence is checked, each append is whole.
//! Invariant: what another process writes lands at a moment that the test names.
//! It must not know what an event leads to, but for finding a place of rest.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use corvid_agent::fold::{State, apply};
use corvid_core::wire::{Event, EventBody, Millis, SessionId};
use corvid_core::{Append, AppendError, Appended, ClaimSeen, Fence, Grant, Journal, Loaded};

use crate::script::{AMPLE, START};

/// The journal of the one session that a test has.
#[derive(Default)]
pub(super) struct MemoryJournal {
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    claim: Option<ClaimSeen>,
    /// Kinds of each append that succeeded.
    commits: Vec<Vec<&'static str>>,
    /// Appends that were tried by lanes.
    tried: usize,
    /// What others write just before the try of that number, from 1.
    intrusions: VecDeque<(usize, Vec<EventBody>)>,
    /// The try at which the process dies, and whether its append gets through.
    death: Option<(usize, Death)>,
}

/// The moment of a process's death around an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Nothing of it is kept.
    BeforeCommit,
    /// All of it is kept, and the process never hears of it.
    AfterCommit,
}

impl MemoryJournal {
    /// A session that other processes have written so far.
    pub(super) fn written(bodies: impl IntoIterator<Item = EventBody>) -> Self {
        let journal = Self::default();
        journal.lock().write(START, bodies);
        journal
    }

    /// Lets another process write these just before the lanes' append of that number, from 1.
    pub(super) fn intrude(&self, before: usize, bodies: impl IntoIterator<Item = EventBody>) {
        let bodies = bodies.into_iter().collect();
        self.lock().intrusions.push_back((before, bodies));
    }

    /// Lets the process die at the lanes' append of that number, from 1.
    pub(super) fn die(&self, at: usize, death: Death) {
        self.lock().death = Some((at, death));
    }

    /// Whether the death that was planned is still to come.
    pub(super) fn death_is_ahead(&self) -> bool {
        self.lock().death.is_some()
    }

    /// Lets another process write these now.
    pub(super) fn write(&self, bodies: impl IntoIterator<Item = EventBody>) {
        self.lock().write(START, bodies);
    }

    /// Every event in order.
    pub(super) fn events(&self) -> Vec<EventBody> {
        self.lock()
            .events
            .iter()
            .map(|event| event.body.clone())
            .collect()
    }

    /// The kinds of event in each commit of a lane.
    pub(super) fn commits(&self) -> Vec<Vec<&'static str>> {
        self.lock().commits.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn head(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    fn write(&mut self, at: Millis, bodies: impl IntoIterator<Item = EventBody>) {
        for body in bodies {
            if let EventBody::LaneClaimed { epoch, owner } = &body {
                let (epoch, owner) = (*epoch, owner.clone());
                self.claim = Some(ClaimSeen { owner, epoch });
            }
            let seq = self.head() + 1;
            self.events.push(Event { seq, at, body });
        }
    }

    fn intrude(&mut self) {
        self.tried += 1;
        while let Some((_, bodies)) = self
            .intrusions
            .pop_front_if(|(before, _)| *before <= self.tried)
        {
            self.write(START, bodies);
        }
    }

    fn allows(&self, append: &Append) -> Result<(), AppendError> {
        let current = self.head();
        let head = match &append.fence {
            Fence::Open => current,
            Fence::Take {
                owner, seen, head, ..
            } => {
                if *seen != self.claim {
                    return Err(AppendError::Fenced);
                }
                let epoch = seen.as_ref().map_or(0, |claim| claim.epoch) + 1;
                let owner = owner.clone();
                let claimed = EventBody::LaneClaimed { epoch, owner };
                assert!(append.events.contains(&claimed), "a take must claim");
                *head
            }
            Fence::Lane { epoch, head } => {
                let is_claim = |body: &EventBody| matches!(body, EventBody::LaneClaimed { .. });
                assert!(!append.events.iter().any(is_claim), "a lane claims once");
                if self
                    .claim
                    .as_ref()
                    .is_none_or(|claim| claim.epoch != *epoch)
                {
                    return Err(AppendError::Fenced);
                }
                *head
            }
        };
        if head != current {
            return Err(AppendError::Conflict { head: current });
        }
        self.admits(append)
    }

    fn admits(&self, append: &Append) -> Result<(), AppendError> {
        for (index, body) in append.events.iter().enumerate() {
            let EventBody::InputAdmitted(admission) = body else {
                let opens = matches!(body, EventBody::SessionOpened { .. });
                let is_first = self.events.is_empty() && index == 0;
                assert_eq!(
                    opens, is_first,
                    "a session is opened once, at its beginning"
                );
                continue;
            };
            let before = self.events.iter().find_map(|event| match &event.body {
                EventBody::InputAdmitted(known) if known.external_id == admission.external_id => {
                    Some(known.input.clone())
                }
                _ => None,
            });
            if let Some(input) = before {
                let session = append.session.clone();
                return Err(AppendError::AlreadyAdmitted { session, input });
            }
        }
        Ok(())
    }

    /// Strict about answers: the question must be open, and this a way for this person to answer it.
    fn hears(&self, append: &Append) -> Result<(), AppendError> {
        let mut state = State::replay(AMPLE, &self.events);
        for (seq, body) in (self.head() + 1..).zip(&append.events) {
            if let EventBody::QuestionAnswered {
                question,
                answer,
                by,
            } = body
            {
                let open = state.turn.as_ref().and_then(|turn| turn.question());
                let fits = open.is_some_and(|open| {
                    open.question == *question
                        && open.takes(answer)
                        && append.at < open.expires_at
                        && by.as_ref().is_none_or(|by| open.may_be_answered_by(by))
                });
                if !fits {
                    return Err(AppendError::NotOpen {
                        question: question.clone(),
                        reason: "was answered already".to_owned(),
                    });
                }
            }
            let (at, body) = (append.at, body.clone());
            apply(&mut state, &Event { seq, at, body });
        }
        Ok(())
    }

    fn grants(&self) -> Vec<Grant> {
        let state = State::replay(AMPLE, &self.events);
        let grants = state.grants.into_iter();
        grants.map(|(binding, by)| Grant { binding, by }).collect()
    }

    /// The newest place of rest after which at least one turn follows.
    fn rest(&self) -> usize {
        let mut state = State::new(AMPLE);
        let mut rests = vec![0];
        let mut newest = 0;
        for (index, event) in self.events.iter().enumerate() {
            apply(&mut state, event);
            if let EventBody::TurnStarted(_) = event.body {
                newest = rests.last().copied().unwrap_or(0);
            }
            if state.at_rest() {
                rests.push(index + 1);
            }
        }
        newest
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let mut log = self.lock();
        assert!(!append.events.is_empty(), "an append is never empty");
        log.intrude();
        let tried = log.tried;
        let death = log.death.take_if(|(at, _)| *at == tried);
        let died = || AppendError::Failed("the process died".to_owned());
        if let Some((_, Death::BeforeCommit)) = death {
            return Err(died());
        }
        log.allows(&append)?;
        log.hears(&append)?;
        let first = log.head() + 1;
        log.commits
            .push(append.events.iter().map(EventBody::kind).collect());
        log.write(append.at, append.events);
        if death.is_some() {
            return Err(died());
        }
        let head = log.head();
        Ok(Appended { first, head })
    }

    async fn read(
        &self,
        _session: &SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, AppendError> {
        let log = self.lock();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let later = log.events.iter().filter(|event| event.seq > after);
        Ok(later.take(limit).cloned().collect())
    }

    async fn load(&self, session: &SessionId, _context_bytes: u64) -> Result<Loaded, AppendError> {
        let log = self.lock();
        if log.events.is_empty() {
            return Err(AppendError::NoSuchSession(session.clone()));
        }
        Ok(Loaded {
            events: log.events[log.rest()..].to_vec(),
            head: log.head(),
            claim: log.claim.clone(),
            grants: log.grants(),
        })
    }
}
