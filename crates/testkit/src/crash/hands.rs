//! What is wrong with approvals and jobs in a trial's evidence.
//! Invariant: pure; who answered is taken from the outputs of those who did, what ran from the journal and files.
//! It must not know how a trial was run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::breach::Breach;
use super::evidence::Evidence;
use super::run::question;
use crate::process::Output;
use crate::state_file::Recorded;

/// A process that answered a question.
#[derive(Clone, Debug)]
pub(super) struct Approval {
    /// The question.
    pub(super) question: String,
    /// What it left.
    pub(super) output: Output,
}

/// Everything that is wrong, each kind once.
pub(super) fn breaches(evidence: &Evidence) -> BTreeSet<Breach> {
    let journal = Journal(&evidence.events);
    let mut found = BTreeSet::new();
    let mut check = |broken: bool, breach: Breach| {
        if broken {
            found.insert(breach);
        }
    };
    check(journal.ran_unasked(), Breach::RanUnasked);
    for asked in journal.of("question.asked") {
        let answers = journal.answers(&asked.payload["question"]).count();
        check(answers > 1, Breach::AnsweredTwice);
    }
    for given in evidence
        .approvals
        .iter()
        .filter(|given| given.output.is_success())
    {
        let answers = journal
            .answers(&Value::from(given.question.as_str()))
            .count();
        check(answers == 0, Breach::AnswerLost);
    }
    for started in journal.of("job.started") {
        let job = &started.payload["job"];
        let told = journal
            .of("input.admitted")
            .filter(|admitted| admitted.payload["job"] == *job);
        let told: Vec<&Recorded> = told.collect();
        check(told.is_empty(), Breach::JobUntold);
        check(told.len() > 1, Breach::JobToldTwice);
        for admitted in told {
            let reply = journal.reply_to(&admitted.payload["input"]);
            check(reply.is_none(), Breach::Unanswered);
            let unshown = reply.is_some_and(|text| {
                let shown: usize = evidence.runs.iter().map(|run| run.says(text)).sum();
                shown < journal.composed(text)
            });
            check(unshown, Breach::JobUnshown);
        }
        let done = journal
            .of("job.finished")
            .any(|ended| ended.payload["job"] == *job && ended.payload["status"] == "ok");
        let title = started.payload["title"].as_str().unwrap_or_default();
        let asked_by = evidence
            .runs
            .iter()
            .find(|run| title.contains(&question(&run.id)));
        let lines = asked_by.map_or(0, |run| evidence.jobs.matches(&question(&run.id)).count());
        check(lines > 1, Breach::CommandRepeated);
        check(done && lines == 0, Breach::CommandLost);
    }
    found
}

/// The journal as anybody reads it.
struct Journal<'a>(&'a [Recorded]);

impl<'a> Journal<'a> {
    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'a Recorded> + use<'a> {
        self.0.iter().filter(move |event| event.kind == kind)
    }

    fn answers(&self, question: &Value) -> impl Iterator<Item = &'a Recorded> {
        self.of("question.answered")
            .filter(move |answered| answered.payload["question"] == *question)
    }

    /// The text of the reply that answers an input.
    fn reply_to(&self, input: &Value) -> Option<&str> {
        let answers = |reply: &&Recorded| {
            let inputs = reply.payload["inputs"].as_array();
            inputs.is_some_and(|inputs| inputs.contains(input))
        };
        let reply = self.of("reply.composed").find(answers);
        reply.map(|reply| reply.payload["text"].as_str().unwrap_or_default())
    }

    /// How many replies have this text.
    fn composed(&self, text: &str) -> usize {
        let replies = self.of("reply.composed");
        replies
            .filter(|reply| reply.payload["text"] == text)
            .count()
    }

    /// Whether a call was started that a person was to be asked about and had not allowed by then.
    fn ran_unasked(&self) -> bool {
        let asks = self
            .of("call.decided")
            .filter(|decided| decided.payload["verdict"]["verdict"] == "ask");
        asks.map(|decided| &decided.payload["call"]).any(|call| {
            let mut starts = self
                .of("tool.started")
                .filter(|started| started.payload["call"] == *call);
            starts.any(|started| !self.allowed_before(call, started.seq))
        })
    }

    fn allowed_before(&self, call: &Value, seq: i64) -> bool {
        let mut asked = self
            .of("question.asked")
            .filter(|asked| asked.payload["call"] == *call);
        asked.any(|asked| {
            self.answers(&asked.payload["question"]).any(|answered| {
                answered.seq < seq && answered.payload["answer"]["answer"] == "allow"
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::run::{NOTED, Run};
    use super::*;

    /// One approved call and one job, all promises kept.
    fn kept() -> Vec<(&'static str, Value)> {
        let allow = json!({ "answer": "allow", "scope": "once" });
        vec![
            (
                "call.decided",
                json!({ "call": "1.1.0", "verdict": { "verdict": "ask" } }),
            ),
            (
                "question.asked",
                json!({ "question": "q-1", "call": "1.1.0" }),
            ),
            (
                "question.answered",
                json!({ "question": "q-1", "answer": allow }),
            ),
            ("tool.started", json!({ "call": "1.1.0" })),
            ("job.started", json!({ "job": "j-1", "title": "make" })),
            ("job.finished", json!({ "job": "j-1", "status": "stopped" })),
            ("input.admitted", json!({ "job": "j-1", "input": "i-1" })),
            (
                "reply.composed",
                json!({ "inputs": ["i-1"], "text": NOTED }),
            ),
        ]
    }

    fn check(break_it: impl FnOnce(&mut Vec<(&'static str, Value)>), expect: &[Breach]) {
        let mut events = kept();
        break_it(&mut events);
        let events = (1_i64..)
            .zip(events)
            .map(|(seq, (kind, payload))| Recorded {
                session: "s".to_owned(),
                seq,
                kind: kind.to_owned(),
                payload,
            });
        let evidence = Evidence {
            events: events.collect(),
            runs: vec![shown_once()],
            ..Evidence::default()
        };
        assert_eq!(breaches(&evidence), expect.iter().cloned().collect());
    }

    /// A process that printed what came of one job.
    fn shown_once() -> Run {
        Run {
            id: "a".to_owned(),
            json: false,
            output: Output {
                code: Some(0),
                signal: None,
                stdout: NOTED.to_owned(),
                stderr: String::new(),
            },
            stored: Vec::new(),
        }
    }

    #[test]
    fn kept_promises_are_no_breach() {
        check(|_| {}, &[]);
    }

    #[test]
    fn every_broken_promise_is_seen_and_named() {
        check(|events| drop(events.remove(2)), &[Breach::RanUnasked]);
        check(|events| events.swap(2, 3), &[Breach::RanUnasked]);
        check(
            |events| events[2].1["answer"]["answer"] = json!("deny"),
            &[Breach::RanUnasked],
        );
        check(
            |events| events.push(events[2].clone()),
            &[Breach::AnsweredTwice],
        );
        check(|events| drop(events.remove(6)), &[Breach::JobUntold]);
        check(
            |events| events.push(events[6].clone()),
            &[Breach::JobToldTwice],
        );
        check(|events| drop(events.pop()), &[Breach::Unanswered]);
        check(
            |events| events[7].1["text"] = json!("something else"),
            &[Breach::JobUnshown],
        );
        check(
            |events| events.push(("reply.composed", json!({ "inputs": [], "text": NOTED }))),
            &[Breach::JobUnshown],
        );
        check(
            |events| events[5].1["status"] = json!("ok"),
            &[Breach::CommandLost],
        );
    }

    #[test]
    fn an_answer_that_was_told_must_be_stored() {
        let given = Approval {
            question: "q-9".to_owned(),
            output: Output {
                code: Some(0),
                signal: None,
                stdout: String::new(),
                stderr: String::new(),
            },
        };
        let evidence = Evidence {
            approvals: vec![given],
            ..Evidence::default()
        };
        assert_eq!(breaches(&evidence), BTreeSet::from([Breach::AnswerLost]));
    }
}
