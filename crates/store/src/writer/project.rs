//! What an append writes: its events, and the rows that follow from them. Pure.
//! Invariant: every row is derived from the events alone, so that the tables could be made anew from them.
//! It must not know whether the append may happen.

use corvid_core::wire::{Admission, EventBody, Part, ReplyComposed, Verdict};
use corvid_core::{Append, Appended};

use super::batch::{Batch, Value};
use super::decide::Prepared;

/// Characters of a session's title.
const TITLE_CHARACTERS: usize = 80;

/// The statements for an append whose place is known, without a savepoint. The payloads go into them.
pub(super) fn project(prepared: &mut Prepared, place: Appended) -> Batch {
    let payloads = prepared.take_payloads();
    let append = &prepared.append;
    let session = append.session.as_str();
    let mut batch = Batch::default();
    if let Some(EventBody::SessionOpened { working_dir }) = append.events.first() {
        batch.push(
            "INSERT INTO session (id, working_dir, opened_at, last_at, head, turns, transcript_bytes) VALUES (?, ?, ?, ?, 0, 0, 0)",
            [session.into(), working_dir.as_str().into(), append.at.into(), append.at.into()],
        );
    }
    insert_events(&mut batch, append, payloads, place);
    let mut growth = Growth::default();
    let mut body_hashes = prepared.admissions().map(|(_, hash)| hash);
    for (seq, event) in (place.first..).zip(&append.events) {
        growth.add(event);
        match event {
            EventBody::InputAdmitted(admission) => {
                let body_hash = body_hashes.next();
                admit(&mut batch, append, seq, admission, body_hash);
            }
            EventBody::LaneClaimed { epoch, owner } => batch.push(
                "INSERT INTO claim (resource, owner, epoch) VALUES ('session/' || ?, ?, ?) ON CONFLICT (resource) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch",
                [session.into(), owner.as_str().into(), (*epoch).into()],
            ),
            EventBody::ReplyComposed(reply) => compose(&mut batch, session, seq, reply, &growth),
            EventBody::DeliveryFailed { delivery, reason } => batch.push(
                "UPDATE delivery SET state = 'failed', owner = NULL, reason = ? WHERE id = ? AND state <> 'sent'",
                [reason.as_str().into(), delivery.as_str().into()],
            ),
            _ => {}
        }
    }
    batch.push(
        "UPDATE session SET head = ?, last_at = max(last_at, ?), turns = max(turns, ?), transcript_bytes = transcript_bytes + ?, title = coalesce(title, ?) WHERE id = ?",
        [
            place.head.into(),
            append.at.into(),
            growth.turn.into(),
            growth.bytes.into(),
            growth.title.into(),
            session.into(),
        ],
    );
    batch
}

/// What the events of an append add to their session.
#[derive(Default)]
struct Growth {
    bytes: u64,
    turn: u32,
    title: Option<String>,
}

impl Growth {
    fn add(&mut self, event: &EventBody) {
        self.bytes += transcript_bytes(event);
        match event {
            EventBody::TurnStarted(start) => self.turn = start.turn,
            EventBody::InputAdmitted(admission) if self.title.is_none() => {
                self.title = Some(title(&admission.parts));
            }
            _ => {}
        }
    }
}

fn insert_events(batch: &mut Batch, append: &Append, payloads: Vec<String>, place: Appended) {
    let rows = (place.first..)
        .zip(append.events.iter().zip(payloads))
        .map(|(seq, (event, payload))| {
            vec![
                append.session.as_str().into(),
                seq.into(),
                append.at.into(),
                event.kind().into(),
                event.version().into(),
                Value::Text(payload),
            ]
        })
        .collect();
    batch.push_rows(
        "INSERT INTO event (session, seq, at, kind, version, payload) VALUES",
        "(?, ?, ?, ?, ?, ?)",
        rows,
    );
}

fn admit(
    batch: &mut Batch,
    append: &Append,
    seq: u64,
    admission: &Admission,
    body_hash: Option<&str>,
) {
    batch.push(
        "INSERT INTO input (id, session, seq, at, channel, account, external_id, body_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            admission.input.as_str().into(),
            append.session.as_str().into(),
            seq.into(),
            append.at.into(),
            admission.origin.channel.as_str().into(),
            admission.origin.account.as_str().into(),
            admission.external_id.as_str().into(),
            body_hash.into(),
        ],
    );
}

fn compose(batch: &mut Batch, session: &str, seq: u64, reply: &ReplyComposed, growth: &Growth) {
    for input in &reply.inputs {
        batch.push(
            "UPDATE input SET answered_by = ? WHERE id = ? AND session = ? AND answered_by IS NULL",
            [seq.into(), input.as_str().into(), session.into()],
        );
    }
    let rows: Vec<Vec<Value>> = reply
        .deliveries
        .iter()
        .map(|draft| vec![draft.delivery.as_str().into(), session.into(), seq.into()])
        .collect();
    batch.push_rows(
        "INSERT INTO delivery (id, session, seq, state) VALUES",
        "(?, ?, ?, 'prepared')",
        rows,
    );
    batch.push(
        "INSERT INTO rest (session, transcript_bytes, seq, turn) SELECT id, transcript_bytes + ?, ?, ? FROM session WHERE id = ? AND NOT EXISTS (SELECT 1 FROM input WHERE input.session = session.id AND answered_by IS NULL)",
        [growth.bytes.into(), seq.into(), reply.turn.into(), session.into()],
    );
}

/// Bytes of text that the model is shown because of this event, the measure of `Message::bytes`.
fn transcript_bytes(event: &EventBody) -> u64 {
    let bytes = match event {
        EventBody::InputAdmitted(admission) => admission
            .parts
            .iter()
            .map(|part| part.as_text().len())
            .sum(),
        EventBody::ModelAnswered(answer) => answer
            .calls
            .iter()
            .map(|call| call.name.len() + call.arguments.len())
            .sum::<usize>()
            .saturating_add(answer.text.len()),
        EventBody::ToolFinished { outcome, .. } => outcome.text.len(),
        EventBody::CallDecided(decision) => match &decision.verdict {
            Verdict::Allow { .. } => 0,
            Verdict::Deny { reason, .. }
            | Verdict::Invalid { reason }
            | Verdict::Repeated { reason } => reason.len(),
        },
        _ => 0,
    };
    bytes as u64
}

/// The first characters of a message, on one line.
fn title(parts: &[Part]) -> String {
    let mut title = String::new();
    for word in parts
        .iter()
        .flat_map(|part| part.as_text().split_whitespace())
    {
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(TITLE_CHARACTERS));
        // At most four bytes a character: enough is read, however long the message.
        if title.len() > 4 * TITLE_CHARACTERS {
            break;
        }
    }
    let clipped: String = title.chars().take(TITLE_CHARACTERS).collect();
    clipped.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        let check = |text: &str, expect: &str| assert_eq!(title(&[Part::text(text)]), expect);
        check("what's in\n  this folder?", "what's in this folder?");
        check("", "");
        check(&"ü".repeat(100), &"ü".repeat(80));
        check(&"word ".repeat(10_000), "word ".repeat(16).trim_end());
    }
}
