//! Reading: through connections that cannot write, or through the writer's own while it has nothing to do.
//! Invariant: every question is one statement, so that each answer is of one moment.
//! It must not know what is being written.

mod inputs;
mod jobs;
mod journal;
mod questions;
mod rows;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Row as _, Sqlite};
use tokio::sync::Semaphore;

use crate::error::StoreError;
use crate::open;
use crate::writer::{Value, Writer, bind};

pub use inputs::OpenInput;
pub use jobs::{JobInputRow, JobRow};
pub(crate) use journal::Encoded;
pub use questions::{QuestionRow, QuestionState};
pub use rows::{Health, InputRow, SessionRow};
pub(crate) use rows::{reply, select_session, session};

/// Questions that are answered at once; each connection costs a thread.
const CONNECTIONS: usize = 4;

/// The connections, none of them opened before it is needed.
pub(crate) struct Readers {
    path: PathBuf,
    writer: Arc<Writer>,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A question with its values.
type Question = Query<'static, Sqlite, SqliteArguments>;

impl Readers {
    /// Will read the file at `path`, which [`open::open`] has seen and `writer` writes to.
    pub(crate) fn new(path: PathBuf, writer: Arc<Writer>) -> Self {
        Self {
            path,
            writer,
            permits: Semaphore::new(CONNECTIONS),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Asks something that is answered within milliseconds.
    async fn rows(&self, question: Question) -> Result<Vec<SqliteRow>, StoreError> {
        if self.idle().is_empty()
            && let Some(mut lent) = self.writer.lend()
            && let Some(connection) = lent.connection()
        {
            let answered = question.fetch_all(connection).await;
            return answered.map_err(|error| self.failed(&error));
        }
        self.rows_apart(question).await
    }

    /// Asks on a connection of the readers' own, which holds nobody up.
    async fn rows_apart(&self, question: Question) -> Result<Vec<SqliteRow>, StoreError> {
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

    /// The ids that a question for a prefix and a limit finds.
    async fn ids(
        &self,
        question: &'static str,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let question = sqlx::query(question).bind(prefix.to_owned()).bind(limit);
        let rows = self.rows(question).await?;
        let ids = rows.iter().map(|row| row.try_get(0));
        ids.map(|id| self.decoded(id)).collect()
    }

    async fn row(&self, question: Question) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.rows(question).await?.into_iter().next())
    }

    /// Asks something that is answered within milliseconds and reads each row of the answer.
    pub(crate) async fn ask<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(bind(sqlx::query(sql), values)).await?;
        rows.iter().map(|row| self.decoded(read(row))).collect()
    }

    /// The same for a question that has one answer at most.
    pub(crate) async fn ask_one<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.ask(sql, values, read).await?.into_iter().next())
    }

    /// The same for a question that takes longer; it holds nobody up.
    pub(crate) async fn ask_apart<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows_apart(bind(sqlx::query(sql), values)).await?;
        rows.iter().map(|row| self.decoded(read(row))).collect()
    }

    /// What was read, or why it cannot be.
    pub(crate) fn decoded<T>(&self, read: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        read.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
