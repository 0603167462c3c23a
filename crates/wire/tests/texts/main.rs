//! Proves of `EventBody::texts_mut` that no text of a journal entry is forgotten: one entry of every kind, with every
//! field and every variant that holds text, is shown to it, and whatever string it leaves alone must be listed here.

mod entries;

use std::collections::BTreeSet;

use corvid_wire::{EventBody, KINDS};
use serde_json::{Value, json};

use entries::{entries, job_start};

/// What the visitor leaves behind in every text.
const SEEN: &str = "¤";

/// The strings that are no text: ids, hashes, names of models and registered tools, closed sets.
const STRUCTURE: &[&str] = &[
    "call.decided.call",
    "call.decided.effect",
    "call.decided.verdict.verdict",
    "delivery.failed.delivery",
    "input.admitted.external_id",
    "input.admitted.flags.model",
    "input.admitted.input",
    "input.admitted.job",
    "input.admitted.mode",
    "input.admitted.origin.account",
    "input.admitted.origin.channel",
    "input.admitted.origin.conversation",
    "input.admitted.parts.form",
    "input.admitted.parts.type",
    "input.admitted.replaces",
    "input.admitted.requester.id",
    "input.admitted.requester.role",
    "input.admitted.together",
    "input.admitted.zone",
    "input.steered.inputs",
    "job.finished.cancelled_by.id",
    "job.finished.cancelled_by.role",
    "job.finished.job",
    "job.finished.status",
    "job.started.call",
    "job.started.job",
    "job.started.origin.account",
    "job.started.origin.channel",
    "job.started.origin.conversation",
    "job.started.requester.id",
    "job.started.requester.role",
    "job.started.tool",
    "lane.claimed.owner",
    "model.answered.calls.id",
    "model.answered.calls.provider_id",
    "model.answered.finish",
    "model.failed.fault",
    "model.requested.model",
    "model.requested.prompt_hash",
    "outcome.answered.answer",
    "outcome.answered.by",
    "outcome.answered.call",
    "question.answered.answer.answer",
    "question.answered.answer.scope",
    "question.answered.by.channel",
    "question.answered.by.person.id",
    "question.answered.by.person.role",
    "question.answered.question",
    "question.asked.call",
    "question.asked.question",
    "question.asked.shown_in.account",
    "question.asked.shown_in.channel",
    "question.asked.shown_in.conversation",
    "question.asked.subject.binding",
    "question.asked.subject.card.form",
    "question.asked.subject.subject",
    "question.asked.subject.tool",
    "question.asked.to.channel",
    "question.asked.to.id",
    "reply.composed.deliveries.delivery",
    "reply.composed.deliveries.inputs",
    "reply.composed.deliveries.to.account",
    "reply.composed.deliveries.to.channel",
    "reply.composed.deliveries.to.conversation",
    "reply.composed.ending",
    "reply.composed.inputs",
    "stop.requested.by.id",
    "stop.requested.by.role",
    "tool.finished.call",
    "tool.finished.outcome.output.call",
    "tool.finished.outcome.status",
    "tool.started.call",
    "tool.started.key",
    "turn.parked.reason",
    "turn.started.inputs",
    "turn.started.limits.patience",
    "turn.started.model",
    "turn.undone.by.id",
    "turn.undone.by.role",
];

#[test]
fn every_string_is_a_text_or_known_to_be_none() {
    let mut left = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for mut body in entries() {
        body.texts_mut(&mut |text| text.push_str(SEEN));
        kinds.insert(body.kind());
        let payload = body.payload().expect("an entry is JSON");
        let payload: Value = serde_json::from_str(&payload).expect("it is JSON");
        collect(body.kind(), &payload, &mut left);
    }
    assert_eq!(kinds, KINDS.iter().map(|(kind, _)| *kind).collect());
    let structure: BTreeSet<String> = STRUCTURE.iter().map(ToString::to_string).collect();
    assert_eq!(left, structure);
}

#[test]
fn the_keys_of_arguments_are_texts_too() {
    let mut body = EventBody::JobStarted(Box::new(job_start()));
    body.texts_mut(&mut |text| text.push_str(SEEN));
    let EventBody::JobStarted(start) = body else {
        panic!("the kind stays");
    };
    assert_eq!(
        start.arguments,
        json!({ "command¤": ["a¤", { "deep¤": "b¤" }], "number¤": 1 })
    );
}

/// Adds the paths of the strings that were not seen.
fn collect(path: &str, value: &Value, left: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if !text.ends_with(SEEN) => {
            left.insert(path.to_owned());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(path, item, left)),
        Value::Object(members) => {
            for (key, member) in members {
                collect(&format!("{path}.{key}"), member, left);
            }
        }
        _ => {}
    }
}
