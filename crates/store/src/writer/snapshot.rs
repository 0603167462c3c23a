//! Beginning a transaction and reading what its jobs must be checked against, in one trip.
//! Invariant: the write lock is held from before the reading on, so that what was seen stays true.
//! It must not know how it is decided.

use corvid_core::ClaimSeen;
use corvid_core::wire::{DeliveryId, InputId, OwnerId, SessionId};
use serde::de::DeserializeOwned;
use serde_json::json;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Error, Row as _};

use super::batch::Batch;
use super::decide::{InputKey, InputSeen, Prepared, Seen, SessionSeen};

/// One row that holds all sessions as JSON: a row each would wake the asker once a session.
const SESSIONS: &str = "SELECT 'sessions', json_group_array(json_array(id, head, turns, transcript_bytes, owner, epoch, \
     json((SELECT json_group_array(input.id) FROM input WHERE input.session = session.id AND answered_by IS NULL)))) \
     FROM session LEFT JOIN claim ON resource = 'session/' || id \
     WHERE id IN (SELECT value FROM json_each(?))";

/// One row that holds all inputs as JSON.
const INPUTS: &str = "SELECT 'inputs', json_group_array(json_array(i.channel, i.account, i.external_id, i.session, i.id, i.body_hash)) \
     FROM json_each(?) AS k JOIN input AS i \
     ON i.channel = k.value ->> 0 AND i.account = k.value ->> 1 AND i.external_id = k.value ->> 2";

/// One row that holds the deliveries that are being sent as JSON.
const DELIVERIES: &str = "SELECT 'deliveries', json_group_array(json_array(id, owner)) FROM delivery \
     WHERE state = 'sending' AND id IN (SELECT value FROM json_each(?))";

/// A session as [`SESSIONS`] has it.
type Session = (
    SessionId,
    u64,
    u64,
    u64,
    Option<OwnerId>,
    Option<u64>,
    Vec<InputId>,
);

/// An input as [`INPUTS`] has it.
type Input = (String, String, String, SessionId, InputId, String);

/// Takes the write lock and reads the sessions and inputs that the appends name.
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

/// Reads them again within the transaction.
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
    if !sessions.is_empty() {
        batch.push(SESSIONS, [json!(sessions).to_string().into()]);
    }
    if !inputs.is_empty() {
        batch.push(INPUTS, [json!(inputs).to_string().into()]);
    }
    if !failed.is_empty() {
        batch.push(DELIVERIES, [json!(failed).to_string().into()]);
    }
    let rows = batch.run(connection).await?;
    let sessions = listed(&rows, "sessions")?.into_iter().map(session);
    let inputs = listed(&rows, "inputs")?.into_iter().map(input);
    let sending = listed(&rows, "deliveries")?.into_iter();
    Ok(Seen {
        sessions: sessions.collect(),
        inputs: inputs.collect(),
        sending: sending.collect(),
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

fn session(row: Session) -> (SessionId, SessionSeen) {
    let (session, head, turns, transcript_bytes, owner, epoch, open) = row;
    let claim = owner.zip(epoch);
    let seen = SessionSeen {
        head,
        claim: claim.map(|(owner, epoch)| ClaimSeen { owner, epoch }),
        turns,
        transcript_bytes,
        open: open.into_iter().collect(),
    };
    (session, seen)
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
