//! Beginning a transaction and reading what its requests must be checked against, in one trip.
//! Invariant: the write lock is held from before the reading on, so that what was seen stays true.
//! It must not know how it is decided.

use corvid_core::ClaimSeen;
use corvid_core::wire::{
    DeliveryId, EventBody, InputId, JobId, OwnerId, Question, QuestionId, SessionId,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Error, Row as _};

use super::batch::Batch;
use super::decide::Prepared;
use super::seen::{InputKey, InputSeen, JobSeen, QuestionSeen, Seen, SessionSeen};

/// One row that holds all sessions as JSON: a row each would wake the asker once a session.
const SESSIONS: &str = "SELECT 'sessions', json_group_array(json_array(id, head, turns, transcript_bytes, owner, epoch, \
     json((SELECT json_group_array(input.id) FROM input WHERE input.session = session.id AND answered_by IS NULL)), \
     json((SELECT json_group_array(json_array(e.kind, e.version, e.payload)) FROM question AS q \
     JOIN event AS e ON e.session = q.session AND e.seq = q.seq WHERE q.session = session.id AND q.ended_by IS NULL)))) \
     FROM session LEFT JOIN claim ON resource = 'session/' || id \
     WHERE id IN (SELECT value FROM json_each(?))";

/// One row that holds all inputs as JSON.
const INPUTS: &str = "SELECT 'inputs', json_group_array(json_array(i.channel, i.account, i.external_id, i.session, i.id, i.body_hash)) \
     FROM json_each(?) AS k JOIN input AS i \
     ON i.channel = k.value ->> 0 AND i.account = k.value ->> 1 AND i.external_id = k.value ->> 2";

/// One row that holds the deliveries that are being sent as JSON.
const DELIVERIES: &str = "SELECT 'deliveries', json_group_array(json_array(id, owner)) FROM delivery \
     WHERE state = 'sending' AND id IN (SELECT value FROM json_each(?))";

/// One row that holds the questions that were asked before, with what ended them, as JSON.
const QUESTIONS: &str = "SELECT 'questions', json_group_array(json_array(q.id, q.session, e.kind)) FROM question AS q \
     LEFT JOIN event AS e ON e.session = q.session AND e.seq = q.ended_by WHERE q.id IN (SELECT value FROM json_each(?))";

/// One row that holds jobs as JSON.
const JOBS: &str = "SELECT 'jobs', json_group_array(json_array(id, session, ended_by)) FROM job \
     WHERE id IN (SELECT value FROM json_each(?))";

/// A session as [`SESSIONS`] has it.
type Session = (
    SessionId,
    u64,
    u64,
    u64,
    Option<OwnerId>,
    Option<u64>,
    Vec<InputId>,
    Vec<Body>,
);

/// An event's body as its row has it: kind, version, payload.
type Body = (String, u32, String);

/// An input as [`INPUTS`] has it.
type Input = (String, String, String, SessionId, InputId, String);

/// Takes the write lock and reads whatever the appends name.
///
/// # Errors
/// `SQLite`'s; busy if another process keeps the lock.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    appends: &[&Prepared],
) -> Result<Seen, Error> {
    let mut batch = Batch::default();
    batch.push("BEGIN IMMEDIATE", []);
    ask(connection, batch, appends).await
}

/// Reads that again within the transaction.
///
/// # Errors
/// `SQLite`'s.
pub(super) async fn look(
    connection: &mut SqliteConnection,
    appends: &[&Prepared],
) -> Result<Seen, Error> {
    ask(connection, Batch::default(), appends).await
}

async fn ask(
    connection: &mut SqliteConnection,
    mut batch: Batch,
    appends: &[&Prepared],
) -> Result<Seen, Error> {
    let mut sessions: Vec<&str> = Vec::new();
    let mut inputs: Vec<[&str; 3]> = Vec::new();
    for prepared in appends {
        sessions.push(prepared.append.session.as_str());
        for (admission, _) in prepared.admissions() {
            let origin = &admission.origin;
            inputs.push([&origin.channel, &origin.account, &admission.external_id]);
        }
    }
    let failed: Vec<&DeliveryId> = appends
        .iter()
        .flat_map(|append| append.failures())
        .collect();
    let answered: Vec<&QuestionId> = appends
        .iter()
        .flat_map(|append| append.answered())
        .collect();
    let jobs: Vec<&JobId> = appends.iter().flat_map(|append| append.jobs()).collect();
    if !sessions.is_empty() {
        batch.push(SESSIONS, [json!(sessions).to_string().into()]);
    }
    if !inputs.is_empty() {
        batch.push(INPUTS, [json!(inputs).to_string().into()]);
    }
    if !failed.is_empty() {
        batch.push(DELIVERIES, [json!(failed).to_string().into()]);
    }
    if !answered.is_empty() {
        batch.push(QUESTIONS, [json!(answered).to_string().into()]);
    }
    if !jobs.is_empty() {
        batch.push(JOBS, [json!(jobs).to_string().into()]);
    }
    seen(&batch.run(connection).await?)
}

fn seen(rows: &[SqliteRow]) -> Result<Seen, Error> {
    let sessions = listed(rows, "sessions")?.into_iter().map(session);
    let inputs = listed(rows, "inputs")?.into_iter().map(input);
    let sending = listed(rows, "deliveries")?.into_iter();
    let questions = listed(rows, "questions")?.into_iter();
    let jobs = listed(rows, "jobs")?.into_iter();
    Ok(Seen {
        sessions: sessions.collect::<Result<_, _>>()?,
        inputs: inputs.collect(),
        sending: sending.collect(),
        questions: questions
            .map(|(question, session, ended)| (question, QuestionSeen { session, ended }))
            .collect(),
        jobs: jobs
            .map(|(job, session, ended): (_, _, Option<u64>)| {
                let ended = ended.is_some();
                (job, JobSeen { session, ended })
            })
            .collect(),
    })
}

/// What the row of that name lists; nothing where it was not asked for.
fn listed<T: DeserializeOwned>(rows: &[SqliteRow], name: &str) -> Result<Vec<T>, Error> {
    for row in rows {
        if row.try_get::<&str, _>(0)? == name {
            return serde_json::from_str(row.try_get(1)?)
                .map_err(|error| Error::Decode(error.into()));
        }
    }
    Ok(Vec::new())
}

fn session(row: Session) -> Result<(SessionId, SessionSeen), Error> {
    let (session, head, turns, transcript_bytes, owner, epoch, open, asked) = row;
    let claim = owner.zip(epoch);
    let seen = SessionSeen {
        head,
        claim: claim.map(|(owner, epoch)| ClaimSeen { owner, epoch }),
        turns,
        transcript_bytes,
        open: open.into_iter().collect(),
        questions: asked.into_iter().map(question).collect::<Result<_, _>>()?,
    };
    Ok((session, seen))
}

fn question((kind, version, payload): Body) -> Result<Question, Error> {
    match EventBody::decode(&kind, version, &payload) {
        Ok(EventBody::QuestionAsked(question)) => Ok(*question),
        Ok(_) => Err(Error::Decode(
            format!("a question's place holds `{kind}`").into(),
        )),
        Err(error) => Err(Error::Decode(error.into())),
    }
}

fn input(row: Input) -> (InputKey, InputSeen) {
    let (channel, account, external_id, session, input, body_hash) = row;
    let key = InputKey {
        channel,
        account,
        external_id,
    };
    let seen = InputSeen {
        session,
        input,
        body_hash,
    };
    (key, seen)
}
