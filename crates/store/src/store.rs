//! The handle on the store: one for the whole program, cheaply cloned.
//! Invariant: everything that writes goes through the one writer, everything that reads through the readers.
//! It must not show that there is SQL behind it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Event, InputId, JobId, OwnerId, QuestionId, ReplyComposed, SessionId};
use corvid_core::{Append, AppendError, Appended, Fence, Journal, Loaded, Tasks};
use sqlx::sqlite::SqliteRow;
use tokio::sync::oneshot;

use crate::config::{Config, state_folder};
use crate::error::{OpenError, StoreError};
use crate::open;
use crate::owner::Owners;
use crate::read::{
    Health, InputRow, JobInputRow, JobRow, OpenInput, QuestionRow, Readers, SessionRow,
};
use crate::writer::{Edit, Prepared, Request, Swap, Value, Writer};

/// A handle on the store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    owners: Owners,
    writer: Arc<Writer>,
    readers: Readers,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("owner", self.owner())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store, made (its folder for this user alone) or brought up to date if need be. Writes go
    /// through `tasks`: shutting those down waits for what was asked for.
    ///
    /// # Errors
    /// See [`OpenError`]; each names the file and the fix.
    pub async fn open(config: &Config, tasks: &Tasks) -> Result<Self, OpenError> {
        let path = config.path.clone();
        let connection = open::open(&path).await?;
        let owners = Owners::new(state_folder(&path));
        let writer = Writer::new(connection, path.clone(), owners.id().clone(), tasks);
        let writer = Arc::new(writer);
        let readers = Readers::new(path, Arc::clone(&writer));
        Ok(Self {
            inner: Arc::new(Inner {
                owners,
                writer,
                readers,
            }),
        })
    }

    /// This process, as it appears in claims. Nothing tells others that it lives before its first claim.
    pub fn owner(&self) -> &OwnerId {
        self.inner.owners.id()
    }

    /// Whether that process still runs; the answer "no" is final. Looks at one file.
    pub fn is_alive(&self, owner: &OwnerId) -> bool {
        self.inner.owners.is_alive(owner)
    }

    /// Where that process hears others. The file goes when its process is found dead.
    pub fn owner_socket(&self, owner: &OwnerId) -> PathBuf {
        self.inner.owners.socket(owner)
    }

    /// One session.
    ///
    /// # Errors
    /// See [`StoreError`], here and in every other question.
    pub async fn session(&self, session: &SessionId) -> Result<Option<SessionRow>, StoreError> {
        self.inner.readers.session(session).await
    }

    /// The sessions that were active last, newest first.
    pub async fn sessions(&self, limit: u32) -> Result<Vec<SessionRow>, StoreError> {
        self.inner.readers.sessions(limit).await
    }

    /// The session to which an account wrote last.
    pub async fn latest_session(
        &self,
        channel: &str,
        account: &str,
    ) -> Result<Option<SessionId>, StoreError> {
        self.inner.readers.latest_session(channel, account).await
    }

    /// The input that came under this id.
    pub async fn input(
        &self,
        channel: &str,
        account: &str,
        external_id: &str,
    ) -> Result<Option<InputRow>, StoreError> {
        self.inner
            .readers
            .input(channel, account, external_id)
            .await
    }

    /// The reply that answers an input, and its position in the session.
    pub async fn reply(&self, input: &InputId) -> Result<Option<(u64, ReplyComposed)>, StoreError> {
        self.inner.readers.reply(input).await
    }

    /// The questions that wait for an answer, in one session or in all of them; who asked first comes first.
    pub async fn open_questions(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        self.inner.readers.open_questions(session).await
    }

    /// One question, open or not.
    pub async fn question(&self, question: &QuestionId) -> Result<Option<QuestionRow>, StoreError> {
        self.inner.readers.question(question).await
    }

    /// The ids of at most `limit` questions that begin with this text, open or not.
    pub async fn question_ids(
        &self,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<QuestionId>, StoreError> {
        self.inner.readers.question_ids(prefix, limit).await
    }

    /// The jobs of one session or of all of them, the newest first.
    pub async fn jobs(&self, session: Option<&SessionId>) -> Result<Vec<JobRow>, StoreError> {
        self.inner.readers.jobs(session).await
    }

    /// The jobs whose end is not in the journal, in one session or in all of them, the newest first; costs what
    /// there are of them.
    pub async fn open_jobs(&self, session: Option<&SessionId>) -> Result<Vec<JobRow>, StoreError> {
        self.inner.readers.open_jobs(session).await
    }

    /// One job, open or not.
    pub async fn job(&self, job: &JobId) -> Result<Option<JobRow>, StoreError> {
        self.inner.readers.job(job).await
    }

    /// The inputs from an account's conversations that no reply has answered, oldest first; costs what there are of
    /// them.
    pub async fn open_inputs(
        &self,
        channel: &str,
        account: &str,
    ) -> Result<Vec<OpenInput>, StoreError> {
        self.inner.readers.open_inputs(channel, account).await
    }

    /// The inputs of a session that no reply has answered, oldest first; costs what there are of them.
    pub async fn session_open_inputs(
        &self,
        session: &SessionId,
    ) -> Result<Vec<OpenInput>, StoreError> {
        self.inner.readers.session_open_inputs(session).await
    }

    /// The inputs of a session that tell of the end of jobs and that no reply has answered, in the order of their
    /// admission; costs what there are of them.
    pub async fn open_job_inputs(
        &self,
        session: &SessionId,
    ) -> Result<Vec<JobInputRow>, StoreError> {
        self.inner.readers.open_job_inputs(session).await
    }

    /// One input, answered or not, if it tells of the end of a job.
    pub async fn job_input(&self, input: &InputId) -> Result<Option<JobInputRow>, StoreError> {
        self.inner.readers.job_input(input).await
    }

    /// The ids of at most `limit` jobs that begin with this text, open or not.
    pub async fn job_ids(&self, prefix: &str, limit: u32) -> Result<Vec<JobId>, StoreError> {
        self.inner.readers.job_ids(prefix, limit).await
    }

    /// Checks the whole file; takes long on a large one.
    pub async fn check(&self) -> Result<Health, StoreError> {
        self.inner.readers.health().await
    }

    /// Transactions that this process has committed since it opened the store.
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    /// Makes this process seen as alive, as its first claim would. Its socket may stand from then on.
    ///
    /// # Errors
    /// [`StoreError`] where the owners' folder cannot be written.
    pub fn hold(&self) -> Result<(), StoreError> {
        let held = self.inner.owners.hold();
        held.map_err(|error| StoreError::of_io(self.inner.owners.folder(), &error))
    }

    /// What reads.
    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// Folds the log into the file, so that what was deleted is in neither. Best effort: a later fold does it too.
    pub(crate) async fn fold(&self) {
        self.inner.writer.fold().await;
    }

    /// Has a delivery's state compared and set.
    pub(crate) async fn swap(&self, swap: Swap) -> Result<bool, StoreError> {
        let (waiter, outcome) = oneshot::channel();
        let request = Request::Swap(Box::new(swap), waiter);
        self.inner.writer.queue(request).await;
        outcome.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Has statements run, all of them or none; the outcome is what they returned. See [`Edit`].
    pub(crate) async fn edit(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let (waiter, outcome) = oneshot::channel();
        let request = Request::Edit(Edit { sql, values }, waiter);
        self.inner.writer.queue(request).await;
        outcome.await.unwrap_or_else(|_| Err(unanswered()))
    }
}

#[async_trait]
impl Journal for Store {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        if matches!(&append.fence, Fence::Take { owner, .. } if owner == self.owner()) {
            self.hold()?;
        }
        let prepared = Prepared::new(append, |owner| self.is_alive(owner))?;
        let (waiter, outcome) = oneshot::channel();
        let request = Request::Append(Box::new(prepared), waiter);
        self.inner.writer.queue(request).await;
        outcome.await.unwrap_or_else(|_| Err(unanswered().into()))
    }

    async fn read(
        &self,
        session: &SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, AppendError> {
        let events = self.inner.readers.events(session, after, limit.into());
        Ok(events.await?)
    }

    async fn load(&self, session: &SessionId, context_bytes: u64) -> Result<Loaded, AppendError> {
        self.inner.readers.load(session, context_bytes).await
    }
}

fn unanswered() -> StoreError {
    StoreError::Failed(
        "the writer ended before it answered; nothing is known to be kept".to_owned(),
    )
}
