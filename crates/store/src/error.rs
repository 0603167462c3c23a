//! Why the store could not do something, in sentences for a person.
//! Invariant: every error names the file and, where there is one, the fix; `SQLite`'s result codes end here.
//! It must not know what was asked of the store.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use corvid_core::AppendError;
use corvid_core::wire::{DecodeError, DeliveryId};
use libsqlite3_sys as sqlite;
use rustix::process::{Resource, getrlimit};

use crate::config::state_folder;

/// Below this many free bytes a failed write is put down to a full disk: `SQLite`'s shared index of the log
/// grows by 32 KiB at a time.
const CRAMPED_BYTES: u64 = 64 * 1024;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer Corvid has migrated this store.
    #[error(
        "the store `{path}` has version {found}, but this Corvid knows only up to {known}; update Corvid, or set `store.url` to another file"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file is something else, or damaged.
    #[error(
        "`{path}` is not a Corvid store or is damaged ({reason}); move it away or set `store.url` to another one"
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// In `SQLite`'s words.
        reason: String,
    },
    /// The file or its folder cannot be written.
    #[error(
        "the store `{path}` cannot be written ({reason}); make its folder writable or set `store.url` to another file"
    )]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// In the system's words.
        reason: String,
    },
    /// There is no space for the store.
    #[error("the disk is full: `{path}`; {fix}")]
    Full {
        /// The database file.
        path: PathBuf,
        /// What makes space.
        fix: &'static str,
    },
    /// The `SQLite` in this program can corrupt the store.
    #[error(
        "SQLite {found} can corrupt a store; this program needs 3.51.3 or later, build it anew"
    )]
    OldSqlite {
        /// The version found.
        found: String,
    },
    /// Anything else.
    #[error("the store `{path}` cannot be opened: {reason}")]
    Failed {
        /// The database file.
        path: PathBuf,
        /// In the system's words.
        reason: String,
    },
}

/// Why the store could not read or write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no space left.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The file or its folder cannot be written.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// The file's contents are broken.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// Anything else.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// What `SQLite`'s error means for the file at `path`.
    pub(crate) fn of(path: &Path, error: &sqlx::Error) -> Self {
        let shown = path.display();
        match primary_code(error) {
            Some(sqlite::SQLITE_FULL) => Self::full(path),
            Some(sqlite::SQLITE_IOERR | sqlite::SQLITE_CANTOPEN) if cramped(path) => {
                Self::full(path)
            }
            Some(sqlite::SQLITE_READONLY | sqlite::SQLITE_CANTOPEN) => Self::read_only(path, error),
            Some(sqlite::SQLITE_CORRUPT | sqlite::SQLITE_NOTADB) => Self::damaged(path, error),
            Some(sqlite::SQLITE_BUSY | sqlite::SQLITE_LOCKED) => Self::Failed(format!(
                "another process keeps `{shown}` locked; end it or try again"
            )),
            _ => match error {
                sqlx::Error::Decode(why) if !is_of_a_newer(&**why) => Self::damaged(path, error),
                sqlx::Error::ColumnDecode { .. } => Self::damaged(path, error),
                _ => Self::Failed(format!("`{shown}`: {error}")),
            },
        }
    }

    /// What the system's error means for the file or folder at `path`.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::full(path)
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::read_only(path, error)
            }
            _ => Self::Failed(format!("`{}`: {error}", path.display())),
        }
    }

    fn full(path: &Path) -> Self {
        Self::Full(format!("`{}`; {}", path.display(), full_fix()))
    }

    fn damaged(path: &Path, error: &sqlx::Error) -> Self {
        Self::Damaged(format!(
            "`{}` ({error}); keep a copy of it; `agent doctor` checks the whole file",
            path.display()
        ))
    }

    fn read_only(path: &Path, error: &dyn std::error::Error) -> Self {
        Self::ReadOnly(format!(
            "`{}` ({error}); make the file and its folder writable",
            path.display()
        ))
    }
}

impl OpenError {
    /// What `SQLite`'s error means while `path` is being opened.
    pub(crate) fn of(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match StoreError::of(&path, error) {
            StoreError::Full(_) => Self::full(path),
            StoreError::ReadOnly(_) => Self::ReadOnly { path, reason },
            StoreError::Damaged(_) => Self::NotAStore { path, reason },
            StoreError::Failed(_) => Self::Failed { path, reason },
        }
    }

    /// What the system's error means while `path` is being made or locked.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match StoreError::of_io(&path, error) {
            StoreError::Full(_) => Self::full(path),
            StoreError::ReadOnly(_) => Self::ReadOnly { path, reason },
            StoreError::Damaged(_) | StoreError::Failed(_) => Self::Failed { path, reason },
        }
    }

    fn full(path: PathBuf) -> Self {
        let fix = full_fix();
        Self::Full { path, fix }
    }
}

impl StoreError {
    /// This process did not begin the delivery, or has ended it already.
    pub(crate) fn not_in_hand(delivery: &DeliveryId) -> Self {
        Self::Failed(format!(
            "delivery `{delivery}` is not in this process's hands; begin it first"
        ))
    }
}

impl From<StoreError> for AppendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(text) => Self::Full(text),
            StoreError::ReadOnly(text) => Self::ReadOnly(text),
            StoreError::Damaged(text) => Self::Failed(format!("it is damaged: {text}")),
            StoreError::Failed(text) => Self::Failed(text),
        }
    }
}

/// `SQLite`'s primary result code, without what extends it.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// What a newer program wrote is whole, though this one cannot read it.
fn is_of_a_newer(why: &(dyn std::error::Error + 'static)) -> bool {
    matches!(why.downcast_ref(), Some(DecodeError::Newer { .. }))
}

fn cramped(path: &Path) -> bool {
    let disk = rustix::fs::statvfs(state_folder(path));
    disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < CRAMPED_BYTES)
        || longest_file().is_some_and(|most| largest(path).saturating_add(CRAMPED_BYTES) > most)
}

/// The bytes of the larger of the file and its log.
fn largest(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let files = [path, Path::new(&log)].map(std::fs::metadata);
    files.iter().flatten().map(Metadata::len).max().unwrap_or(0)
}

/// How many bytes this process may write into one file, where that is limited.
fn longest_file() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

fn full_fix() -> &'static str {
    if longest_file().is_some() {
        "this process may write only so much into a file: raise `ulimit -f`, or free some space if that is not it"
    } else {
        "free some space, or set `store.url` to a file elsewhere"
    }
}
