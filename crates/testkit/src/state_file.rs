//! A state folder's database as anybody can read it from outside, with SQL of its own.
//! Invariant: read only; what it says does not depend on the code under test, only on the file's tables.
//! It must not know the store.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::runtime::Runtime;

/// How long a reader waits for a writer's lock.
const BUSY: Duration = Duration::from_secs(10);

/// What every database file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes of the log's own header, and of the header of each of its frames.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// An open database file.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    runtime: Runtime,
    connection: SqliteConnection,
}

/// A place in the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogMark {
    salts: Option<(u32, u32)>,
    commits: usize,
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The session.
    pub session: String,
    /// The position in it.
    pub seq: i64,
    /// The kind of event.
    pub kind: String,
    /// The payload.
    pub payload: Value,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedInput {
    /// The id that the channel gave it.
    pub external_id: String,
    /// The session.
    pub session: String,
    /// The position of its reply, if it has one.
    pub answered_by: Option<i64>,
}

impl StateFile {
    /// Opens the one database file in a state folder.
    ///
    /// # Errors
    /// If there is none, or it is no database.
    pub fn open(state: &Path) -> io::Result<Self> {
        let path = database_in(state)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .busy_timeout(BUSY);
        let mut connection = runtime.block_on(options.connect()).map_err(other)?;
        // SQLite opens the log at the first read, and only then counts as somebody who has the file open.
        let read = sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection);
        runtime.block_on(read).map_err(other)?;
        Ok(Self {
            path,
            runtime,
            connection,
        })
    }

    /// What `PRAGMA integrity_check` says: `ok`, or everything that is wrong.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn integrity(&mut self) -> io::Result<String> {
        let query = sqlx::query("PRAGMA integrity_check").fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(query).map_err(other)?;
        let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(lines.map_err(other)?.join("; "))
    }

    /// All events, session by session, in order.
    ///
    /// # Errors
    /// If the file cannot be read or a payload is no JSON.
    pub fn events(&mut self) -> io::Result<Vec<Recorded>> {
        let query = "SELECT session, seq, kind, payload FROM event ORDER BY session, seq";
        let query = sqlx::query(query).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(query).map_err(other)?;
        rows.iter()
            .map(|row| {
                let payload: &str = row.try_get("payload").map_err(other)?;
                Ok(Recorded {
                    session: row.try_get("session").map_err(other)?,
                    seq: row.try_get("seq").map_err(other)?,
                    kind: row.try_get("kind").map_err(other)?,
                    payload: serde_json::from_str(payload)?,
                })
            })
            .collect()
    }

    /// All inputs, in the order of their admission.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn inputs(&mut self) -> io::Result<Vec<RecordedInput>> {
        let query = "SELECT external_id, session, answered_by FROM input ORDER BY at, session, seq";
        let query = sqlx::query(query).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(query).map_err(other)?;
        rows.iter()
            .map(|row| {
                Ok(RecordedInput {
                    external_id: row.try_get("external_id").map_err(other)?,
                    session: row.try_get("session").map_err(other)?,
                    answered_by: row.try_get("answered_by").map_err(other)?,
                })
            })
            .collect()
    }

    /// The external ids of the inputs whose reply has a delivery that is neither sent nor failed.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn undelivered(&mut self) -> io::Result<Vec<String>> {
        let query = "SELECT i.external_id FROM delivery AS d \
             JOIN input AS i ON i.session = d.session AND i.answered_by = d.seq \
             WHERE d.state IN ('prepared', 'sending')";
        let query = sqlx::query(query).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(query).map_err(other)?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(other))
            .collect()
    }

    /// A place in the write-ahead log, to count commits from. While this file is open nobody else is the last
    /// to close it, so that the log stays.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log_mark(&self) -> io::Result<LogMark> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        match fs::read(log) {
            Ok(bytes) => Ok(LogMark::of(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LogMark::default()),
            Err(error) => Err(error),
        }
    }

    /// Commits since a place in the log, as long as the log was begun anew at most once since (which happens
    /// when all of it has been copied into the database).
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn commits_since(&self, mark: LogMark) -> io::Result<usize> {
        let now = self.log_mark()?;
        let before = if now.salts == mark.salts {
            mark.commits
        } else {
            0
        };
        Ok(now.commits - before)
    }

    /// Closes the file.
    ///
    /// # Errors
    /// If SQLite refuses.
    pub fn close(self) -> io::Result<()> {
        let Self {
            runtime,
            connection,
            ..
        } = self;
        runtime.block_on(connection.close()).map_err(other)
    }
}

impl LogMark {
    /// Counts the frames that end a commit: those that name the database's size after it, and bear the salts
    /// of the log's header (frames behind them are left over from before the log was begun anew).
    fn of(log: &[u8]) -> Self {
        let word = |at: usize| {
            let bytes = log.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let Some(page) = word(8).and_then(|size| usize::try_from(size).ok()) else {
            return Self::default();
        };
        let salts = word(16).zip(word(20));
        let commits = (LOG_HEADER..log.len())
            .step_by(FRAME_HEADER + page)
            .take_while(|at| word(at + 8).zip(word(at + 12)) == salts)
            .filter(|at| word(at + 4).is_some_and(|size_after| size_after > 0))
            .count();
        Self { salts, commits }
    }
}

fn database_in(state: &Path) -> io::Result<PathBuf> {
    for entry in fs::read_dir(state)? {
        let path = entry?.path();
        if path.is_file() && begins_as_database(&path)? {
            return Ok(path);
        }
    }
    let reason = format!("no database in {}", state.display());
    Err(io::Error::new(io::ErrorKind::NotFound, reason))
}

fn begins_as_database(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    let length = MAGIC.len().try_into().map_err(io::Error::other)?;
    File::open(path)?.take(length).read_to_end(&mut beginning)?;
    Ok(beginning == MAGIC)
}

fn other(error: sqlx::Error) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteJournalMode;

    use super::*;

    /// Makes a database with two commits in its log, and returns what keeps the log there.
    fn written(state: &Path) -> Result<(Runtime, SqliteConnection), Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let options = SqliteConnectOptions::new()
            .filename(state.join("any.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .create_if_missing(true);
        let mut connection = runtime.block_on(options.connect())?;
        for statement in [
            "CREATE TABLE event (session TEXT, seq INTEGER, kind TEXT, payload TEXT)",
            "INSERT INTO event VALUES ('s', 1, 'k', '{\"a\":1}')",
        ] {
            runtime.block_on(sqlx::query(statement).execute(&mut connection))?;
        }
        Ok((runtime, connection))
    }

    #[test]
    fn a_state_folder_is_read_from_outside() -> Result<(), Box<dyn std::error::Error>> {
        let state = tempfile::tempdir()?;
        let (runtime, mut writer) = written(state.path())?;
        let mut file = StateFile::open(state.path())?;
        assert_eq!(file.integrity()?, "ok");
        let expect = Recorded {
            session: "s".to_owned(),
            seq: 1,
            kind: "k".to_owned(),
            payload: serde_json::json!({ "a": 1 }),
        };
        assert_eq!(file.events()?, [expect]);
        let before = file.log_mark()?;
        let insert = "INSERT INTO event VALUES ('s', 2, 'k', '{}')";
        runtime.block_on(sqlx::query(insert).execute(&mut writer))?;
        assert_eq!(file.commits_since(before)?, 1);
        // Once all of the log is in the database, the next commit begins it anew.
        for statement in ["PRAGMA wal_checkpoint(TRUNCATE)", insert, insert] {
            runtime.block_on(sqlx::query(statement).execute(&mut writer))?;
        }
        assert_eq!(file.commits_since(before)?, 2);
        Ok(())
    }

    #[test]
    fn a_folder_without_a_database_is_named() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        let error = StateFile::open(state.path()).err();
        let expect = format!("no database in {}", state.path().display());
        assert_eq!(error.map(|error| error.to_string()), Some(expect));
        Ok(())
    }
}
