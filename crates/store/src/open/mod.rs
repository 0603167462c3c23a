//! Opening the store's file: the fast way where it is up to date, else through the migrations.
//! Invariant: no connection leaves here to a file that is newer, foreign, or served by an unsafe `SQLite`; the
//! fast way writes nothing.
//! It must not know the tables.

mod migrate;

use std::path::Path;
use std::time::Duration;

use rustix::fs::Access;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};

use crate::config::state_folder;
use crate::error::{OpenError, primary_code};

pub(crate) use migrate::VERSION;

/// Marks a file as ours in `SQLite`'s header: "Crvd".
const APPLICATION_ID: i64 = 0x4372_7664;

/// Write-ahead logs could be corrupted by a reset in 3.7.0 to 3.51.2.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// How long a statement waits for another process's transaction; theirs take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages (of 4 KiB) in the log before a commit folds it into the file. The first process to open a store reads
/// the whole log again, at 1.7 µs a page, so a short log is what one-shot starts want.
const CHECKPOINT_PAGES: &str = "256";

/// Tells a connection that it writes much: folding every 256 pages would cost it a fifth of its time.
pub(crate) const FOLD_RARELY: &str = "PRAGMA wal_autocheckpoint = 2000";

/// Folds the whole log into the file and empties it, unless somebody reads from it for long.
pub(crate) const FOLD: &str =
    "PRAGMA busy_timeout = 200; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 10000";

/// Statements that each connection keeps prepared; an append's shape depends on what it holds.
const PREPARED_STATEMENTS: usize = 128;

/// What the header of a file says.
struct Header {
    application: i64,
    version: i64,
    sqlite: String,
}

/// Opens the file for writing, made and migrated if need be.
///
/// # Errors
/// See [`OpenError`].
pub(crate) async fn open(path: &Path) -> Result<SqliteConnection, OpenError> {
    let there = std::fs::metadata(path);
    if there.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
        return Err(OpenError::NotAStore {
            path: path.to_owned(),
            reason: "it is a folder".to_owned(),
        });
    }
    if there.is_ok_and(|file| file.len() > 0) {
        check_writable(path)?;
        if let Some(connection) = open_migrated(path).await? {
            return Ok(connection);
        }
    }
    migrate::migrate(path).await
}

/// Opens one more connection to a file that [`open`] has seen.
///
/// # Errors
/// `SQLite`'s.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).connect().await
}

/// Opens one more connection that cannot write.
///
/// # Errors
/// `SQLite`'s.
pub(crate) async fn connect_to_read(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).read_only(true).connect().await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        // No table declares a foreign key, so the pragma would be a round trip for nothing.
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // What is deleted is overwritten: it was somebody's, and they wanted it gone.
        .pragma("secure_delete", "ON")
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .disable_statement_logging()
}

async fn open_migrated(path: &Path) -> Result<Option<SqliteConnection>, OpenError> {
    let looked = async {
        let mut connection = connect(path).await?;
        let header = read_header(&mut connection).await?;
        Ok::<_, sqlx::Error>((connection, header))
    };
    match looked.await {
        Ok((connection, header)) => {
            let current = check(path, &header)?;
            Ok(current.then_some(connection))
        }
        // Somebody is migrating; their lock is waited for on the slow way.
        Err(error) if primary_code(&error) == Some(libsqlite3_sys::SQLITE_BUSY) => Ok(None),
        Err(error) => Err(OpenError::of(path, &error)),
    }
}

/// Says at the start, in the system's words, what `SQLite` would say at the first write in its own.
fn check_writable(path: &Path) -> Result<(), OpenError> {
    for place in [state_folder(path), path] {
        rustix::fs::access(place, Access::WRITE_OK)
            .map_err(|error| OpenError::of_io(path, &error.into()))?;
    }
    Ok(())
}

async fn read_header(connection: &mut SqliteConnection) -> Result<Header, sqlx::Error> {
    let sql = "PRAGMA application_id; PRAGMA user_version; SELECT sqlite_version()";
    let rows = sqlx::raw_sql(sql).fetch_all(connection).await?;
    match rows.as_slice() {
        [application, version, sqlite] => Ok(Header {
            application: application.try_get(0)?,
            version: version.try_get(0)?,
            sqlite: sqlite.try_get(0)?,
        }),
        _ => Err(sqlx::Error::RowNotFound),
    }
}

/// Whether the file is up to date; false if it is older or empty.
fn check(path: &Path, header: &Header) -> Result<bool, OpenError> {
    if !is_safe(&header.sqlite) {
        return Err(OpenError::OldSqlite {
            found: header.sqlite.clone(),
        });
    }
    if header.application != APPLICATION_ID && (header.application, header.version) != (0, 0) {
        return Err(foreign(path));
    }
    if header.version > VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found: header.version,
            known: VERSION,
        });
    }
    Ok(header.version == VERSION)
}

fn foreign(path: &Path) -> OpenError {
    OpenError::NotAStore {
        path: path.to_owned(),
        reason: "it is another program's database".to_owned(),
    }
}

fn is_safe(version: &str) -> bool {
    let numbers: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    numbers.is_ok_and(|numbers| numbers.as_slice() >= OLDEST_SQLITE.as_slice())
}

/// Whether a file without our mark holds nothing yet.
async fn is_empty(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let row: SqliteRow = sqlx::query("SELECT count(*) FROM sqlite_schema")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get::<i64, _>(0)? == 0)
}

/// How a fresh store would find what statements ask for, a line for each table.
#[cfg(test)]
pub(crate) async fn plan(statements: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let opened = open(&folder.path().join("corvid.db")).await;
    let mut connection = opened.expect("the store opens");
    let mut lines = Vec::new();
    for statement in statements.split(';') {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = sqlx::query(explain).fetch_all(&mut connection).await;
        let detail = |row: &SqliteRow| row.try_get(3).expect("a line of the plan");
        lines.extend(rows.expect("it can be asked").iter().map(detail));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_leaves_the_time_out_as_it_was() {
        let restored = format!("busy_timeout = {}", BUSY_TIMEOUT.as_millis());
        assert!(FOLD.ends_with(&restored), "{FOLD}");
    }

    #[test]
    fn only_a_safe_sqlite_will_do() {
        let check = |version, safe| assert_eq!(is_safe(version), safe, "{version}");
        check("3.51.3", true);
        check("3.52.0", true);
        check("4.0.0", true);
        check("3.51.2", false);
        check("3.7.0", false);
        check("unknown", false);
    }
}
