//! Reading: a few connections that cannot write, opened at the first need and kept.
//! Invariant: every question is one statement, so that each answer is of one moment.
//! It must not know who is writing.

mod journal;
mod rows;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use tokio::sync::Semaphore;

use crate::error::StoreError;
use crate::open;

pub use rows::{Health, InputRow, SessionRow};

/// Questions that are answered at once; each connection costs a thread.
const CONNECTIONS: usize = 4;

/// The connections.
pub(crate) struct Readers {
    path: PathBuf,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A question with its values.
type Question = Query<'static, Sqlite, SqliteArguments>;

impl Readers {
    /// Will read the file at `path`, which [`open::open`] has seen.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            permits: Semaphore::new(CONNECTIONS),
            idle: Mutex::new(Vec::new()),
        }
    }

    async fn rows(&self, question: Question) -> Result<Vec<SqliteRow>, StoreError> {
        // The semaphore is never closed; without a permit there would only be one connection more.
        let permit = self.permits.acquire().await;
        let idle = self.idle().pop();
        let answered = async {
            let mut connection = match idle {
                Some(connection) => connection,
                None => open::connect_to_read(&self.path).await?,
            };
            let rows = question.fetch_all(&mut connection).await?;
            // After an error (or a caller that left) the connection is dropped rather than kept.
            self.idle().push(connection);
            Ok(rows)
        };
        let rows = answered.await;
        drop(permit);
        rows.map_err(|error| self.failed(&error))
    }

    async fn row(&self, question: Question) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.rows(question).await?.into_iter().next())
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
