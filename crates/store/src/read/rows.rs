//! Reading what is derived from events: sessions, inputs, replies; and the file's health.
//! Invariant: a reply's words come from its event alone, never from a copy.
//! It must not know why it is asked.

use corvid_core::wire::{EventBody, InputId, Millis, ReplyComposed, SessionId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Readers;
use super::journal::{Encoded, misplaced};
use crate::error::StoreError;
use crate::open::VERSION;

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub id: SessionId,
    /// The folder in which it was opened.
    pub working_dir: String,
    /// When it was opened.
    pub opened_at: Millis,
    /// When its newest event was recorded.
    pub last_at: Millis,
    /// The newest event's position.
    pub head: u64,
    /// Turns begun.
    pub turns: u64,
    /// The first input's text on one line, at most 80 characters; empty while there is none.
    pub title: String,
    /// Inputs that no reply has answered yet.
    pub open_inputs: u64,
}

/// An input that was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRow {
    /// Its session.
    pub session: SessionId,
    /// The input.
    pub input: InputId,
    /// The position of its admission.
    pub seq: u64,
    /// SHA-256, hex, over what the person sent.
    pub body_hash: String,
    /// The position of the reply, once there is one.
    pub answered_by: Option<u64>,
}

/// What `agent doctor` shows of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The version of `SQLite`.
    pub sqlite: String,
    /// The version of the tables.
    pub version: u64,
    /// Sessions kept.
    pub sessions: u64,
    /// Events kept.
    pub events: u64,
    /// What the integrity check found, one sentence each; empty if all is well.
    pub problems: Vec<String>,
}

/// Selects what [`session`] reads.
macro_rules! select_session {
    ($rest:literal) => {
        concat!(
            "SELECT id, working_dir, opened_at, last_at, head, turns, coalesce(title, ''), ",
            "(SELECT count(*) FROM input WHERE input.session = session.id AND answered_by IS NULL) ",
            "FROM session ",
            $rest
        )
    };
}
pub(crate) use select_session;

const INPUT: &str = "SELECT session, id, seq, body_hash, answered_by FROM input \
     WHERE channel = ? AND account = ? AND external_id = ?";

const REPLY: &str = "SELECT e.seq, e.kind, e.version, e.payload FROM input AS i \
     JOIN event AS e ON e.session = i.session AND e.seq = i.answered_by WHERE i.id = ?";

const LATEST: &str = "SELECT session FROM input WHERE channel = ? AND account = ? AND job IS NULL ORDER BY at DESC LIMIT 1";

const COUNTS: &str = "SELECT sqlite_version(), (SELECT count(*) FROM session), (SELECT coalesce(sum(head), 0) FROM session)";

impl Readers {
    /// One session.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Option<SessionRow>, StoreError> {
        let question = sqlx::query(select_session!("WHERE id = ?")).bind(id.as_str().to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(session(&row))).transpose()
    }

    /// The sessions that were active last, newest first.
    pub(crate) async fn sessions(&self, limit: u32) -> Result<Vec<SessionRow>, StoreError> {
        let question =
            sqlx::query(select_session!("ORDER BY last_at DESC, id LIMIT ?")).bind(limit);
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.decoded(session(row))).collect()
    }

    /// The session of the newest input from an account.
    pub(crate) async fn latest_session(
        &self,
        channel: &str,
        account: &str,
    ) -> Result<Option<SessionId>, StoreError> {
        let question = sqlx::query(LATEST)
            .bind(channel.to_owned())
            .bind(account.to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(row.try_get::<String, _>(0).map(SessionId::new)))
            .transpose()
    }

    /// An input by what makes it the same.
    pub(crate) async fn input(
        &self,
        channel: &str,
        account: &str,
        external_id: &str,
    ) -> Result<Option<InputRow>, StoreError> {
        let question = sqlx::query(INPUT)
            .bind(channel.to_owned())
            .bind(account.to_owned())
            .bind(external_id.to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(input(&row))).transpose()
    }

    /// The reply to an input and its position.
    pub(crate) async fn reply(
        &self,
        input: &InputId,
    ) -> Result<Option<(u64, ReplyComposed)>, StoreError> {
        let question = sqlx::query(REPLY).bind(input.as_str().to_owned());
        let Some(row) = self.row(question).await? else {
            return Ok(None);
        };
        let seq: i64 = self.decoded(row.try_get(0))?;
        let encoded = self.decoded(Encoded::of(&row, 1))?;
        let reply = self.decoded(reply(&encoded))?;
        Ok(Some((seq.cast_unsigned(), reply)))
    }

    /// Reads the whole file and says what is wrong with it.
    pub(crate) async fn health(&self) -> Result<Health, StoreError> {
        let counts = self.rows_apart(sqlx::query(COUNTS)).await?;
        let rows = self
            .rows_apart(sqlx::query("PRAGMA integrity_check"))
            .await?;
        let findings: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        let mut problems = self.decoded(findings)?;
        problems.retain(|finding| finding != "ok");
        let counted = |row: &SqliteRow| -> Result<_, sqlx::Error> {
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        };
        let first = counts.first().ok_or(sqlx::Error::RowNotFound);
        let (sqlite, sessions, events): (String, i64, i64) =
            self.decoded(first.and_then(counted))?;
        Ok(Health {
            sqlite,
            version: VERSION.cast_unsigned(),
            sessions: sessions.cast_unsigned(),
            events: events.cast_unsigned(),
            problems,
        })
    }
}

/// A session as [`select_session`] has it.
pub(crate) fn session(row: &SqliteRow) -> Result<SessionRow, sqlx::Error> {
    Ok(SessionRow {
        id: SessionId::new(row.try_get::<String, _>(0)?),
        working_dir: row.try_get(1)?,
        opened_at: row.try_get(2)?,
        last_at: row.try_get(3)?,
        head: row.try_get::<i64, _>(4)?.cast_unsigned(),
        turns: row.try_get::<i64, _>(5)?.cast_unsigned(),
        title: row.try_get(6)?,
        open_inputs: row.try_get::<i64, _>(7)?.cast_unsigned(),
    })
}

fn input(row: &SqliteRow) -> Result<InputRow, sqlx::Error> {
    Ok(InputRow {
        session: SessionId::new(row.try_get::<String, _>(0)?),
        input: InputId::new(row.try_get::<String, _>(1)?),
        seq: row.try_get::<i64, _>(2)?.cast_unsigned(),
        body_hash: row.try_get(3)?,
        answered_by: row.try_get::<Option<i64>, _>(4)?.map(i64::cast_unsigned),
    })
}

/// The reply that an event is.
pub(crate) fn reply(encoded: &Encoded<'_>) -> Result<ReplyComposed, sqlx::Error> {
    match encoded.decode()? {
        EventBody::ReplyComposed(reply) => Ok(reply),
        other => Err(misplaced("a reply", other.kind())),
    }
}
