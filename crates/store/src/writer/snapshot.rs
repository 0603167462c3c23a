//! Beginning a transaction and reading what its jobs must be checked against, in one trip.
//! Invariant: the write lock is held from before the reading on, so that what was seen stays true.
//! It must not know how it is decided.

use corvid_core::ClaimSeen;
use corvid_core::wire::{InputId, OwnerId, SessionId};
use serde_json::json;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Error, Row as _};

use super::batch::Batch;
use super::decide::{InputKey, InputSeen, Prepared, Seen, SessionSeen};

const SESSIONS: &str = "SELECT id, head, owner, epoch, turns, transcript_bytes, \
     (SELECT json_group_array(input.id) FROM input WHERE input.session = session.id AND answered_by IS NULL) \
     FROM session LEFT JOIN claim ON resource = 'session/' || id \
     WHERE id IN (SELECT value FROM json_each(?))";

const INPUTS: &str = "SELECT i.session, i.id, i.body_hash, i.channel, i.account, i.external_id \
     FROM json_each(?) AS k JOIN input AS i \
     ON i.channel = k.value ->> 0 AND i.account = k.value ->> 1 AND i.external_id = k.value ->> 2";

/// Columns of a row of [`SESSIONS`]; those of [`INPUTS`] have fewer.
const SESSION_COLUMNS: usize = 7;

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
    if !sessions.is_empty() {
        batch.push(SESSIONS, [json!(sessions).to_string().into()]);
    }
    if !inputs.is_empty() {
        batch.push(INPUTS, [json!(inputs).to_string().into()]);
    }
    let mut seen = Seen::default();
    for row in batch.run(connection).await? {
        if row.len() == SESSION_COLUMNS {
            let (session, found) = session(&row)?;
            seen.sessions.insert(session, found);
        } else {
            let (key, found) = input(&row)?;
            seen.inputs.insert(key, found);
        }
    }
    Ok(seen)
}

fn session(row: &SqliteRow) -> Result<(SessionId, SessionSeen), Error> {
    let owner: Option<String> = row.try_get(2)?;
    let epoch: Option<i64> = row.try_get(3)?;
    let seen = SessionSeen {
        head: row.try_get::<i64, _>(1)?.cast_unsigned(),
        claim: owner.zip(epoch).map(|(owner, epoch)| ClaimSeen {
            owner: OwnerId::new(owner),
            epoch: epoch.cast_unsigned(),
        }),
        turns: row.try_get::<i64, _>(4)?.cast_unsigned(),
        transcript_bytes: row.try_get::<i64, _>(5)?.cast_unsigned(),
        open: serde_json::from_str(row.try_get(6)?).map_err(|error| Error::Decode(error.into()))?,
    };
    Ok((SessionId::new(row.try_get::<String, _>(0)?), seen))
}

fn input(row: &SqliteRow) -> Result<(InputKey, InputSeen), Error> {
    let seen = InputSeen {
        session: SessionId::new(row.try_get::<String, _>(0)?),
        input: InputId::new(row.try_get::<String, _>(1)?),
        body_hash: row.try_get(2)?,
    };
    let key = InputKey {
        channel: row.try_get(3)?,
        account: row.try_get(4)?,
        external_id: row.try_get(5)?,
    };
    Ok((key, seen))
}
