//! What a trial has left behind, and what is wrong with it.
//! Invariant: pure; a verdict rests on outputs, the fakes' ledgers and the files, never on the program's word
//! that all is well.
//! It must not know how a trial was run, nor which defect was seeded.

use std::collections::BTreeSet;

use serde_json::Value;

use super::breach::Breach;
use super::hands::{self, Approval};
use super::run::{Run, question};
use crate::effect_server::EffectCall;
use crate::state_file::Recorded;

/// Everything that a trial has left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// Every process, in the order of their ends.
    pub(super) runs: Vec<Run>,
    /// The marks at the effect server.
    pub(super) marks: Vec<EffectCall>,
    /// The lines that commands have written, each naming its input.
    pub(super) commands: String,
    /// The lines that edits have added to a file, each naming its input.
    pub(super) edits: String,
    /// The ids whose reply has a delivery that is still open at the end.
    pub(super) undelivered: Vec<String>,
    /// The journal at the end.
    pub(super) events: Vec<Recorded>,
    /// The lines that background jobs have written, each naming its input.
    pub(super) jobs: String,
    /// Every answer that a process gave to a question.
    pub(super) approvals: Vec<Approval>,
    /// What the integrity check says at the end.
    pub(super) integrity: String,
    /// What the model server objected to.
    pub(super) objections: Vec<String>,
}

impl Evidence {
    /// Everything that is wrong, each kind once.
    pub(super) fn breaches(&self) -> BTreeSet<Breach> {
        let mut found = BTreeSet::new();
        let mut check = |broken: bool, breach: Breach| {
            if broken {
                found.insert(breach);
            }
        };
        check(
            self.runs
                .iter()
                .any(|run| run.acknowledged() && !run.is_stored()),
            Breach::AcknowledgedTooEarly,
        );
        check(
            self.runs
                .iter()
                .any(|run| run.replies() > 1 || run.notes() > 1),
            Breach::PrintedTwice,
        );
        for id in self.ids() {
            check(!self.is_answered(id), Breach::Unanswered);
            check(
                self.runs_of(id).filter(|run| run.delivered()).count() > 1,
                Breach::DeliveredTwice,
            );
            check(
                self.marks_of(id, "probe.unsafe").count() > 1,
                Breach::UnsafeRepeated,
            );
            check(
                self.undelivered.iter().any(|open| open == id),
                Breach::DeliveryOpen,
            );
            let commands = self.commands.matches(&question(id)).count();
            check(commands > 1, Breach::CommandRepeated);
            check(
                commands == 0 && self.records(id, "system.run"),
                Breach::CommandLost,
            );
            let edits = self.edits.matches(&question(id)).count();
            check(edits > 1, Breach::EditRepeated);
            check(
                edits == 0 && self.records(id, "file.edit"),
                Breach::EditLost,
            );
            let keys: BTreeSet<_> = self
                .marks_of(id, "probe.idempotent")
                .map(|mark| &mark.key)
                .collect();
            check(keys.is_empty(), Breach::IdempotentLost);
            check(keys.len() > 1, Breach::IdempotentTwice);
        }
        found.extend(hands::breaches(self));
        let mut check = |broken: bool, breach: Breach| {
            if broken {
                found.insert(breach);
            }
        };
        check(self.hides_an_unknown(), Breach::UnknownHidden);
        check(self.integrity != "ok", Breach::Corrupt);
        check(!self.objections.is_empty(), Breach::BadRequest);
        found
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.runs.iter().map(|run| run.id.as_str()).collect()
    }

    fn runs_of(&self, id: &str) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.id == id)
    }

    fn marks_of(&self, id: &str, name: &str) -> impl Iterator<Item = &EffectCall> {
        let note = question(id);
        self.marks
            .iter()
            .filter(move |mark| mark.name == name && mark.note.contains(&note))
    }

    /// The last process of an id was left alone: it must have printed the answer, and the store must agree.
    fn is_answered(&self, id: &str) -> bool {
        self.runs_of(id).last().is_some_and(|last| {
            let input = last.stored.iter().find(|input| input.external_id == id);
            last.output.is_success()
                && last.replies() + last.notes() > 0
                && input.is_some_and(|input| input.answered_by.is_some())
        })
    }

    /// Whether a call of this tool on behalf of this id is recorded as done.
    fn records(&self, id: &str, tool: &str) -> bool {
        let asked = |call: &&Value| {
            let arguments = call["arguments"].as_str().unwrap_or_default();
            let is_job = arguments.contains("background");
            call["name"] == tool && !is_job && arguments.contains(&question(id))
        };
        let is_done = |call: &Value| {
            let of_call = |event: &&Recorded| {
                event.kind == "tool.finished"
                    && event.payload["call"] == call["id"]
                    && event.payload["outcome"]["status"] == "ok"
            };
            self.events.iter().any(|event| of_call(&event))
        };
        let answers = self.events.iter().filter(|e| e.kind == "model.answered");
        answers
            .filter_map(|answer| answer.payload["calls"].as_array())
            .flatten()
            .filter(asked)
            .any(is_done)
    }

    /// An unknown outcome is told where the reply is read: beside it, with the tool's name.
    fn hides_an_unknown(&self) -> bool {
        let unknown = |event: &&Recorded| {
            event.kind == "tool.finished" && event.payload["outcome"]["status"] == "unknown"
        };
        let told = |run: &&Run| {
            run.replies() + run.notes() > 0 && run.output.all().contains("probe.unsafe")
        };
        self.events.iter().any(|event| unknown(&event)) && !self.runs.iter().any(|run| told(&run))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::run::reply;
    use super::*;
    use crate::process::Output;
    use crate::state_file::RecordedInput;

    fn live(event: &Value) -> String {
        let event = json!({ "type": "committed", "event": event });
        json!({ "frame": "live", "session": "s", "event": event }).to_string()
    }

    fn said(repeated: bool) -> String {
        let frame = json!({ "frame": "reply", "text": reply("a"), "repeated": repeated });
        frame.to_string()
    }

    fn run(lines: &[String]) -> Run {
        Run {
            id: "a".to_owned(),
            json: true,
            output: Output {
                code: Some(0),
                signal: None,
                stdout: lines.join("\n"),
                stderr: String::new(),
            },
            stored: vec![RecordedInput {
                external_id: "a".to_owned(),
                session: "s".to_owned(),
                answered_by: Some(9),
            }],
        }
    }

    fn mark(name: &str, key: &str) -> EffectCall {
        EffectCall {
            name: name.to_owned(),
            key: key.to_owned(),
            note: question("a"),
        }
    }

    fn recorded(kind: &str, payload: Value) -> Recorded {
        Recorded {
            session: "s".to_owned(),
            seq: 7,
            kind: kind.to_owned(),
            payload,
        }
    }

    fn outcome(call: &str, status: &str) -> Recorded {
        let payload = json!({ "call": call, "outcome": { "status": status } });
        recorded("tool.finished", payload)
    }

    fn asked() -> Recorded {
        let call = |id: &str, name: &str| {
            let arguments = json!({ "any": question("a") }).to_string();
            json!({ "id": id, "name": name, "arguments": arguments })
        };
        let calls = [call("1.3.0", "system.run"), call("1.4.0", "file.edit")];
        recorded("model.answered", json!({ "calls": calls }))
    }

    /// A turn that was killed once and then answered, all promises kept.
    fn kept() -> Evidence {
        let admitted = json!({ "kind": "input.admitted", "payload": { "external_id": "a" } });
        let mut killed = run(&[live(&admitted)]);
        killed.output.code = None;
        killed.output.signal = Some(9);
        Evidence {
            runs: vec![killed, run(&[said(false)])],
            marks: vec![mark("probe.idempotent", "k"), mark("probe.unsafe", "l")],
            commands: question("a") + "\n",
            edits: question("a") + "\n",
            undelivered: Vec::new(),
            jobs: String::new(),
            approvals: Vec::new(),
            events: vec![asked(), outcome("1.3.0", "ok"), outcome("1.4.0", "ok")],
            integrity: "ok".to_owned(),
            objections: Vec::new(),
        }
    }

    fn check(break_it: impl FnOnce(&mut Evidence), expect: Breach) {
        let mut evidence = kept();
        break_it(&mut evidence);
        assert_eq!(
            evidence.breaches(),
            BTreeSet::from([expect]),
            "{evidence:#?}"
        );
    }

    #[test]
    fn kept_promises_are_no_breach() {
        assert_eq!(kept().breaches(), BTreeSet::new());
    }

    #[test]
    fn every_broken_promise_is_seen_and_named() {
        check(|e| e.runs[0].stored.clear(), Breach::AcknowledgedTooEarly);
        check(|e| drop(e.runs.pop()), Breach::Unanswered);
        check(
            |e| e.runs[1].stored[0].answered_by = None,
            Breach::Unanswered,
        );
        check(
            |e| e.runs[1] = run(&[said(true), said(true)]),
            Breach::PrintedTwice,
        );
        check(|e| e.runs.push(run(&[said(false)])), Breach::DeliveredTwice);
        check(
            |e| e.marks.push(mark("probe.unsafe", "l")),
            Breach::UnsafeRepeated,
        );
        check(|e| e.commands += &question("a"), Breach::CommandRepeated);
        check(|e| e.commands = question("b"), Breach::CommandLost);
        check(|e| e.edits += &question("a"), Breach::EditRepeated);
        check(|e| e.edits = question("b"), Breach::EditLost);
        check(|e| e.undelivered.push("a".to_owned()), Breach::DeliveryOpen);
        check(|e| drop(e.marks.remove(0)), Breach::IdempotentLost);
        check(
            |e| e.marks.push(mark("probe.idempotent", "m")),
            Breach::IdempotentTwice,
        );
        check(
            |e| e.events.push(outcome("1.2.0", "unknown")),
            Breach::UnknownHidden,
        );
        check(
            |e| e.integrity = "row 3 missing".to_owned(),
            Breach::Corrupt,
        );
        check(
            |e| e.objections.push("no model".to_owned()),
            Breach::BadRequest,
        );
    }

    #[test]
    fn an_idempotent_effect_may_come_twice_under_one_key() {
        let mut evidence = kept();
        evidence.marks.push(mark("probe.idempotent", "k"));
        assert_eq!(evidence.breaches(), BTreeSet::new());
    }
}
