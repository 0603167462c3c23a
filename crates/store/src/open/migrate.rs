//! Making the store's file and bringing it up to date.
//! Invariant: one process migrates at a time, under a file lock; each step commits whole with its number.
//! It must not know what the steps hold.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::{APPLICATION_ID, check, connect, foreign, is_empty, read_header};
use crate::config::state_folder;
use crate::error::OpenError;

/// The steps in order; a step's number is its place, from 1.
const STEPS: &[&str] = &[
    include_str!("../../../../migrations/0001_journal.sql"),
    include_str!("../../../../migrations/0002_people.sql"),
];

/// The version of an up-to-date file.
#[expect(
    clippy::cast_possible_wrap,
    reason = "a constant can only be cast, and the steps are few"
)]
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Makes the file if it is not there, and takes whatever steps it lacks.
///
/// # Errors
/// See [`OpenError`].
pub(super) async fn migrate(path: &Path) -> Result<SqliteConnection, OpenError> {
    let file = path.to_owned();
    let made = tokio::task::spawn_blocking(move || make_and_lock(&file)).await;
    let lock = made
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| OpenError::of_io(path, &error))?;
    let migrated = take_steps(path).await;
    drop(lock);
    migrated
}

async fn take_steps(path: &Path) -> Result<SqliteConnection, OpenError> {
    let failed = |error: sqlx::Error| OpenError::of(path, &error);
    let mut connection = connect(path).await.map_err(failed)?;
    let header = read_header(&mut connection).await.map_err(failed)?;
    if check(path, &header)? {
        return Ok(connection);
    }
    if header.version == 0 && !is_empty(&mut connection).await.map_err(failed)? {
        return Err(foreign(path));
    }
    sqlx::raw_sql("PRAGMA journal_mode = WAL")
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    for (number, step) in (1_i64..).zip(STEPS) {
        if number > header.version {
            let sql = format!(
                "BEGIN IMMEDIATE; {step}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT"
            );
            // A step that fails takes its connection with it, and so its transaction is rolled back.
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .map_err(failed)?;
        }
    }
    Ok(connection)
}

/// Makes folder and file for this user alone, and waits for the lock.
fn make_and_lock(path: &Path) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state_folder(path))?;
    let lock = private().create(true).open(lock_path(path))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    // Never opened if it is there: closing any handle on the file would release the locks that SQLite holds
    // on it elsewhere in this process.
    match private().create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(lock),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
