//! What a group of appends writes: events, and the rows that follow from them. Pure.
//! Invariant: every row is derived from events and from what earlier events left, so that the tables could be
//! made anew from the journal.
//! It must not know whether an append may happen.

use std::collections::HashMap;

use corvid_core::faults::defect;
use corvid_core::wire::{Admission, EventBody, Millis, OwnerId, ReplyComposed, SessionId};
use corvid_core::{Appended, ClaimSeen};
use serde_json::{Value as Json, json};

use super::batch::{Batch, Value};
use super::decide::Prepared;
use super::question::{ends, granted};
use super::seen::{InputKey, InputSeen, JobSeen, QuestionSeen, Seen, SessionSeen};
use super::tables::{STATEMENTS, Table};
use super::text::{clip_title, message_bytes, transcript_bytes};

const INSERT_EVENTS: &str = "INSERT INTO event (session, seq, at, kind, version, payload) VALUES";

/// The rows of a group.
#[derive(Debug, Default)]
pub(super) struct Rows {
    events: Vec<[Value; 6]>,
    derived: Vec<(Table, Json)>,
}

/// Where an event goes, and who writes it when.
struct Place<'a> {
    session: &'a SessionId,
    seq: u64,
    at: Millis,
    me: &'a OwnerId,
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
            let place = Place {
                session,
                seq,
                at: append.at,
                me,
            };
            self.follow(&place, event, encoded.body_hash.as_deref(), seen);
        }
        let lane = seen.sessions.entry(session.clone()).or_default();
        lane.head = place.head;
        let working_dir = match append.events.first() {
            Some(EventBody::SessionOpened { working_dir }) => working_dir,
            // The row is there, and keeps its own.
            _ => "",
        };
        let title = prepared
            .admissions()
            .find(|(admission, _)| admission.job.is_none())
            .map(|(admission, _)| clip_title(&admission.parts));
        let (head, turns, bytes) = (lane.head, lane.turns, lane.transcript_bytes);
        let row = json!([session, working_dir, append.at, head, turns, bytes, title]);
        self.derive(Table::Session, row);
    }

    /// Adds what follows from one event.
    fn follow(
        &mut self,
        place: &Place<'_>,
        event: &EventBody,
        body_hash: Option<&str>,
        seen: &mut Seen,
    ) {
        let (session, seq) = (place.session, place.seq);
        self.end_questions(place, event, seen);
        let lane = seen.sessions.entry(session.clone()).or_default();
        lane.transcript_bytes += transcript_bytes(event);
        match event {
            EventBody::InputAdmitted(admission) => {
                lane.open.insert(admission.input.clone());
                self.admit(place, admission, body_hash, &mut seen.inputs);
            }
            EventBody::LaneClaimed { epoch, owner } => {
                let (owner, epoch) = (owner.clone(), *epoch);
                self.derive(Table::Claim, json!([session, owner, epoch]));
                lane.claim = Some(ClaimSeen { owner, epoch });
            }
            EventBody::TurnStarted(start) => lane.turns = start.turn.into(),
            EventBody::ReplyComposed(reply) => self.compose(place, reply, lane),
            EventBody::DeliveryFailed { delivery, reason } => {
                seen.sending.remove(delivery);
                self.derive(Table::Failure, json!([delivery, reason]));
            }
            EventBody::QuestionAsked(question) => {
                self.derive(Table::Question, json!([question.question, session, seq]));
                lane.questions.push((**question).clone());
            }
            EventBody::JobStarted(start) => {
                let row = json!([start.job, session, seq, place.me]);
                self.derive(Table::Job, row);
                seen.jobs.insert(start.job.clone(), JobSeen::open(session));
            }
            EventBody::JobFinished(end) if !defect("admit-job-twice") => {
                self.derive(Table::JobEnd, json!([end.job, seq]));
                seen.jobs.insert(end.job.clone(), JobSeen::ended(session));
            }
            _ => {}
        }
    }

    /// Ends the questions of the session that the event answers or makes void.
    fn end_questions(&mut self, place: &Place<'_>, event: &EventBody, seen: &mut Seen) {
        let Some(lane) = seen.sessions.get_mut(place.session) else {
            return;
        };
        for question in lane
            .questions
            .extract_if(.., |question| ends(event, question))
        {
            if let Some(binding) = granted(event, &question) {
                self.derive(Table::Granted, json!([place.session, binding, place.seq]));
            }
            if let (EventBody::InputAdmitted(reason), Some(_)) = (event, question.approval()) {
                // The model is shown it as a message, and as the reason of a denial.
                lane.transcript_bytes += message_bytes(&reason.parts) as u64;
            }
            let id = question.question;
            self.derive(Table::QuestionEnd, json!([id, place.seq]));
            let ended = QuestionSeen {
                session: place.session.clone(),
                ended: Some(event.kind().to_owned()),
            };
            seen.questions.insert(id, ended);
        }
    }

    fn admit(
        &mut self,
        place: &Place<'_>,
        admission: &Admission,
        body_hash: Option<&str>,
        inputs: &mut HashMap<InputKey, InputSeen>,
    ) {
        let known = InputSeen {
            session: place.session.clone(),
            input: admission.input.clone(),
            body_hash: body_hash.unwrap_or_default().to_owned(),
        };
        let known = inputs.insert(InputKey::of(admission), known);
        if known.is_some() && defect("admit-job-twice") {
            // The journal has it twice now; the table could not take it.
            return;
        }
        let row = json!([
            admission.input,
            place.session,
            place.seq,
            place.at,
            admission.origin.channel,
            admission.origin.account,
            admission.external_id,
            body_hash,
            place.me,
            admission.job,
        ]);
        self.derive(Table::Input, row);
        if admission.job.is_none() {
            let origin = &admission.origin;
            let row = json!([
                origin.channel,
                admission.requester.id,
                place.session,
                origin.account,
                origin.conversation,
            ]);
            self.derive(Table::Speaker, row);
        }
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

    fn compose(&mut self, place: &Place<'_>, reply: &ReplyComposed, lane: &mut SessionSeen) {
        let (session, seq) = (place.session, place.seq);
        for input in &reply.inputs {
            if lane.open.remove(input) {
                self.derive(Table::Answer, json!([input, seq]));
            }
        }
        for draft in &reply.deliveries {
            let row = json!([
                draft.delivery,
                session,
                seq,
                draft.inputs.last(),
                draft.to.channel,
                draft.to.account,
                draft.to.conversation,
                place.at,
            ]);
            self.derive(Table::Delivery, row);
        }
        if lane.open.is_empty() {
            let row = json!([session, lane.transcript_bytes, seq, reply.turn]);
            self.derive(Table::Rest, row);
        }
    }
}
