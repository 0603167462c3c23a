//! What a group of appends writes: events, and the rows that follow from them. Pure.
//! Invariant: every row is derived from events and from what earlier events left, so that the tables could be
//! made anew from the journal.
//! It must not know whether an append may happen.

use corvid_core::wire::{EventBody, OwnerId, Part, ReplyComposed, SessionId, Verdict};
use corvid_core::{Appended, ClaimSeen};
use serde_json::{Value as Json, json};

use super::batch::{Batch, Value};
use super::decide::{InputKey, InputSeen, Prepared, Seen, SessionSeen};

/// Characters of a session's title.
const TITLE_CHARACTERS: usize = 80;

/// The tables that follow from events: for each the statement that takes its rows as one JSON array. In this
/// order they never miss what another has to write first.
const STATEMENTS: [(Table, &str); 7] = [
    (
        Table::Session,
        "INSERT INTO session (id, working_dir, opened_at, last_at, head, turns, transcript_bytes, title) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
         FROM json_each(?) WHERE true ON CONFLICT (id) DO UPDATE SET \
         last_at = max(last_at, excluded.last_at), head = excluded.head, turns = excluded.turns, \
         transcript_bytes = excluded.transcript_bytes, title = coalesce(title, excluded.title)",
    ),
    (
        Table::Claim,
        "INSERT INTO claim (resource, owner, epoch) \
         SELECT 'session/' || (value ->> 0), value ->> 1, value ->> 2 \
         FROM json_each(?) WHERE true ON CONFLICT (resource) DO UPDATE SET \
         owner = excluded.owner, epoch = excluded.epoch",
    ),
    (
        Table::Input,
        "INSERT INTO input (id, session, seq, at, channel, account, external_id, body_hash, owner) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8 \
         FROM json_each(?)",
    ),
    (
        Table::Answer,
        "UPDATE input SET answered_by = k.value ->> 1 FROM json_each(?) AS k WHERE input.id = k.value ->> 0",
    ),
    (
        Table::Delivery,
        "INSERT INTO delivery (id, session, seq, state, owner) \
         SELECT value ->> 0, value ->> 1, value ->> 2, 'prepared', (SELECT owner FROM input WHERE input.id = value ->> 3) \
         FROM json_each(?)",
    ),
    (
        Table::Rest,
        "INSERT INTO rest (session, transcript_bytes, seq, turn) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
    ),
    (
        Table::Failure,
        "UPDATE delivery SET state = 'failed', owner = NULL, reason = k.value ->> 1 \
         FROM json_each(?) AS k WHERE delivery.id = k.value ->> 0",
    ),
];

const INSERT_EVENTS: &str = "INSERT INTO event (session, seq, at, kind, version, payload) VALUES";

/// What follows from events, one name for each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Session,
    Claim,
    Input,
    Answer,
    Delivery,
    Rest,
    Failure,
}

/// The rows of a group.
#[derive(Debug, Default)]
pub(super) struct Rows {
    events: Vec<[Value; 6]>,
    derived: Vec<(Table, Json)>,
}

impl Rows {
    /// Adds what an append of the process `me` writes at its place, and brings what is known up to date with it.
    pub(super) fn add(
        &mut self,
        prepared: &Prepared,
        place: Appended,
        me: &OwnerId,
        seen: &mut Seen,
    ) {
        let append = &prepared.append;
        let session = &append.session;
        let mut hashes = Vec::new();
        for (admission, body_hash) in prepared.admissions() {
            let known = InputSeen {
                session: session.clone(),
                input: admission.input.clone(),
                body_hash: body_hash.to_owned(),
            };
            seen.inputs.insert(InputKey::of(admission), known);
            hashes.push(body_hash);
        }
        let mut hashes = hashes.into_iter();
        let mut title = None;
        let lane = seen.sessions.entry(session.clone()).or_default();
        lane.head = place.head;
        let events = append.events.iter().zip(&prepared.encoded);
        for (seq, (event, encoded)) in (place.first..).zip(events) {
            self.events.push([
                session.as_str().into(),
                seq.into(),
                append.at.into(),
                event.kind().into(),
                event.version().into(),
                encoded.payload.as_str().into(),
            ]);
            lane.transcript_bytes += transcript_bytes(event);
            match event {
                EventBody::InputAdmitted(admission) => {
                    title = title.or_else(|| Some(clip_title(&admission.parts)));
                    lane.open.insert(admission.input.clone());
                    let row = json!([
                        admission.input,
                        session,
                        seq,
                        append.at,
                        admission.origin.channel,
                        admission.origin.account,
                        admission.external_id,
                        hashes.next(),
                        me,
                    ]);
                    self.derive(Table::Input, row);
                }
                EventBody::LaneClaimed { epoch, owner } => {
                    let (owner, epoch) = (owner.clone(), *epoch);
                    self.derive(Table::Claim, json!([session, owner, epoch]));
                    lane.claim = Some(ClaimSeen { owner, epoch });
                }
                EventBody::TurnStarted(start) => lane.turns = start.turn.into(),
                EventBody::ReplyComposed(reply) => self.compose(session, seq, reply, lane),
                EventBody::DeliveryFailed { delivery, reason } => {
                    seen.sending.remove(delivery);
                    self.derive(Table::Failure, json!([delivery, reason]));
                }
                _ => {}
            }
        }
        let working_dir = match append.events.first() {
            Some(EventBody::SessionOpened { working_dir }) => working_dir,
            // The row is there, and keeps its own.
            _ => "",
        };
        let (head, turns, bytes) = (lane.head, lane.turns, lane.transcript_bytes);
        let row = json!([session, working_dir, append.at, head, turns, bytes, title]);
        self.derive(Table::Session, row);
    }

    /// The statements that write the rows; none if there are none.
    pub(super) fn into_batch(self) -> Option<Batch> {
        if self.events.is_empty() {
            return None;
        }
        let mut batch = Batch::default();
        batch.push_rows(INSERT_EVENTS, self.events);
        for (table, statement) in STATEMENTS {
            let rows: Vec<&Json> = self
                .derived
                .iter()
                .filter_map(|(of, row)| (*of == table).then_some(row))
                .collect();
            if !rows.is_empty() {
                batch.push(statement, [json!(rows).to_string().into()]);
            }
        }
        Some(batch)
    }

    fn derive(&mut self, table: Table, row: Json) {
        self.derived.push((table, row));
    }

    fn compose(
        &mut self,
        session: &SessionId,
        seq: u64,
        reply: &ReplyComposed,
        lane: &mut SessionSeen,
    ) {
        for input in &reply.inputs {
            if lane.open.remove(input) {
                self.derive(Table::Answer, json!([input, seq]));
            }
        }
        for draft in &reply.deliveries {
            let row = json!([draft.delivery, session, seq, draft.inputs.last()]);
            self.derive(Table::Delivery, row);
        }
        if lane.open.is_empty() {
            let row = json!([session, lane.transcript_bytes, seq, reply.turn]);
            self.derive(Table::Rest, row);
        }
    }
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
            Verdict::Allow { .. } | Verdict::Ask { .. } | Verdict::Inquire { .. } => 0,
            Verdict::Deny { reason, .. }
            | Verdict::Invalid { reason }
            | Verdict::Repeated { reason } => reason.len(),
        },
        _ => 0,
    };
    bytes as u64
}

/// The first characters of a message, on one line.
fn clip_title(parts: &[Part]) -> String {
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
        let check = |text: &str, expect: &str| assert_eq!(clip_title(&[Part::text(text)]), expect);
        check("what's in\n  this folder?", "what's in this folder?");
        check("", "");
        check(&"ü".repeat(100), &"ü".repeat(80));
        check(&"word ".repeat(10_000), "word ".repeat(16).trim_end());
    }
}
