//! Deleting sessions whole.
//! Invariant: nothing of a deleted session is left in any table, and nothing that somebody waits for or works on is
//! deleted.
//! It must not know files outside the store.

use corvid_core::wire::{OwnerId, SessionId};
use serde_json::{Value as Json, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Value;

/// What became of the wish to delete a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Deleted,
    /// There is no such session.
    Unknown,
    /// An input waits for its answer.
    Open,
    /// A process that lives is at work in it.
    Busy(OwnerId),
}

/// A session as one who would delete it finds it.
struct Found {
    owner: Option<OwnerId>,
    epoch: Option<i64>,
    open_inputs: i64,
    /// The processes that have jobs of it.
    workers: Vec<OwnerId>,
}

const FIND: &str = "SELECT c.owner, c.epoch, \
     (SELECT count(*) FROM input AS i WHERE i.session = s.id AND i.answered_by IS NULL), \
     (SELECT json_group_array(j.owner) FROM job AS j WHERE j.session = s.id AND j.ended_by IS NULL) \
     FROM session AS s LEFT JOIN claim AS c ON c.resource = 'session/' || s.id WHERE s.id = $1";

/// Deletes from tables what is left of sessions that are gone.
macro_rules! rest_of {
    ($($table:literal)*) => {
        concat!($(
            "; DELETE FROM ", $table, " WHERE session IN ",
            "(SELECT value ->> 0 FROM json_each($1) WHERE value ->> 0 NOT IN (SELECT id FROM session))"
        ),*)
    };
}

/// Deletes the sessions of `$1` (JSON: id, epoch, number of open jobs) that are still as they were found and wait for
/// nothing; with a person (`$2 $3`), those in which nobody else has spoken. Once a session's row is gone, everything
/// of it goes.
macro_rules! delete_statements {
    () => {
        concat!(
            "DELETE FROM session WHERE id IN (SELECT k.value ->> 0 FROM json_each($1) AS k ",
            "LEFT JOIN claim AS c ON c.resource = 'session/' || (k.value ->> 0) WHERE c.epoch IS k.value ->> 1 AND ",
            "(SELECT count(*) FROM job AS j WHERE j.session = k.value ->> 0 AND j.ended_by IS NULL) = k.value ->> 2) ",
            "AND NOT EXISTS (SELECT 1 FROM input AS i WHERE i.session = session.id AND i.answered_by IS NULL) ",
            "AND ($2 IS NULL OR NOT EXISTS (SELECT 1 FROM speaker AS s WHERE s.session = session.id ",
            "AND (s.channel, s.person) IS NOT ($2, $3))) RETURNING 'deleted', id; ",
            "DELETE FROM mark WHERE (post, part) IN (SELECT m.post, m.part FROM json_each($1) AS k JOIN mark AS m ON ",
            "(m.post >= 'turn ' || (k.value ->> 0) || ' ' AND m.post < 'turn ' || (k.value ->> 0) || '!') OR ",
            "(m.post >= 'outcome ' || (k.value ->> 0) || ' ' AND m.post < 'outcome ' || (k.value ->> 0) || '!') ",
            "WHERE k.value ->> 0 NOT IN (SELECT id FROM session)); ",
            "DELETE FROM mark WHERE post IN (SELECT 'question ' || q.id FROM json_each($1) AS k JOIN question AS q ",
            "ON q.session = k.value ->> 0 WHERE q.session NOT IN (SELECT id FROM session)); ",
            "DELETE FROM claim WHERE resource IN (SELECT 'session/' || (value ->> 0) FROM json_each($1) ",
            "WHERE value ->> 0 NOT IN (SELECT id FROM session))",
            rest_of!(
                "event" "rest" "input" "speaker" "delivery" "question" "granted" "job" "binding" "chosen"
            )
        )
    };
}
pub(crate) use delete_statements;
pub(crate) use rest_of;

const DELETE: &str = delete_statements!();

/// Attempts at a session that changes each time between the look and the deletion.
const ATTEMPTS: u32 = 3;

impl Store {
    /// Deletes a session with everything that the store has of it, its bindings, choices and undelivered replies
    /// included, unless somebody waits for an answer in it or a living process is at work there. A claim of this
    /// process does not count: who asks sees to its own lane. Files outside the store are the caller's.
    pub async fn delete_session(&self, session: &SessionId) -> Result<Deletion, StoreError> {
        for _ in 0..ATTEMPTS {
            let found = match self.deletable(session).await? {
                Ok(found) => found,
                Err(refusal) => return Ok(refusal),
            };
            let values = vec![json!([found]).to_string().into(), Value::Null, Value::Null];
            let rows = self.edit(DELETE, values).await?;
            if !self.gone(&rows)?.is_empty() {
                self.fold().await;
                return Ok(Deletion::Deleted);
            }
        }
        Ok(Deletion::Open)
    }

    /// A session as [`delete_statements`] takes it, or why it cannot be deleted.
    pub(crate) async fn deletable(
        &self,
        session: &SessionId,
    ) -> Result<Result<Json, Deletion>, StoreError> {
        let values = vec![session.as_str().into()];
        let Some(found) = self.readers().ask_one(FIND, values, found).await? else {
            return Ok(Err(Deletion::Unknown));
        };
        if found.open_inputs > 0 {
            return Ok(Err(Deletion::Open));
        }
        let holder = found.owner.filter(|owner| owner != self.owner());
        let mut at_work = holder.iter().chain(&found.workers);
        if let Some(owner) = at_work.find(|owner| self.is_alive(owner)) {
            return Ok(Err(Deletion::Busy(owner.clone())));
        }
        Ok(Ok(json!([session, found.epoch, found.workers.len()])))
    }

    /// The sessions that [`delete_statements`] deleted.
    pub(crate) fn gone(&self, rows: &[SqliteRow]) -> Result<Vec<SessionId>, StoreError> {
        let ids = rows.iter().map(|row| row.try_get::<String, _>(1));
        let ids: Result<Vec<String>, _> = ids.collect();
        let ids = self.readers().decoded(ids)?;
        Ok(ids.into_iter().map(SessionId::new).collect())
    }
}

fn found(row: &SqliteRow) -> Result<Found, sqlx::Error> {
    let workers = serde_json::from_str(row.try_get(3)?);
    Ok(Found {
        owner: row.try_get::<Option<String>, _>(0)?.map(OwnerId::new),
        epoch: row.try_get(1)?,
        open_inputs: row.try_get(2)?,
        workers: workers.map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}
