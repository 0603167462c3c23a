//! The jobs of this process, from the journal's note that they begin to the input that tells of their end.
//! Invariant: no work is done on a job that the journal does not have; its end and the input that tells of it
//! are one append, by whichever process comes first.
//! It must not know what a job does, nor how the input is answered.

mod board;
mod ending;
mod recovery;
#[cfg(test)]
mod tests;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::redact::Redactor;
use corvid_core::wire::{Frame, InputId, JobId, JobStart, Millis, OwnerId, Requester, SessionId};
use corvid_core::{
    Adoption, AppendError, Clock, JobView, Jobs, Outputs, TaskKind, Tasks, Toolset, draw,
};
use corvid_store::{JobRow, Store, StoreError};
use tokio::sync::{Semaphore, oneshot};

use crate::wake::send_frame;
use board::Board;

pub(crate) use board::EndedJob;

/// How long somebody who cancels a job waits for its end, in milliseconds.
const PATIENCE_MS: Millis = 5_000;
/// How long to wait before looking again whether another process has ended a job, in milliseconds.
const LOOK_MS: Millis = 50;

/// How many jobs a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// Jobs at work at once; others wait for their turn.
    pub parallel: usize,
    /// Jobs at work or waiting; beyond that a job is refused.
    pub open_at_most: usize,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            parallel: 8,
            open_at_most: 1_000,
        }
    }
}

/// What a desk is made of.
pub(crate) struct DeskParts {
    /// The store.
    pub(crate) store: Store,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where jobs run; they end with it.
    pub(crate) tasks: Tasks,
    /// The tools that know what became of their jobs.
    pub(crate) tools: Toolset,
    /// Where outputs are kept.
    pub(crate) outputs: Outputs,
    /// Hides what must not be written down.
    pub(crate) redactor: Arc<Redactor>,
    /// How many jobs there may be.
    pub(crate) limits: JobLimits,
}

/// The jobs of this process. A cheaply cloned handle.
#[derive(Clone)]
pub(crate) struct JobDesk {
    shared: Arc<Shared>,
}

struct Shared {
    parts: DeskParts,
    turns: Semaphore,
    board: Board,
}

impl JobDesk {
    /// A desk without jobs.
    pub(crate) fn new(parts: DeskParts) -> Self {
        let parallel = parts.limits.parallel.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(Shared {
                turns: Semaphore::new(parallel),
                board: Board::new(parts.limits.open_at_most),
                parts,
            }),
        }
    }

    /// The jobs that have not ended, or whose end nobody has taken up yet.
    pub(crate) fn running(&self) -> Vec<JobView> {
        self.shared.board.views()
    }

    /// The next job whose end was told, in the order of their ends; none once there is no job left.
    pub(crate) async fn next_ended(&self) -> Option<EndedJob> {
        self.shared.board.next_ended().await
    }

    /// Waits for an end that nobody has taken up.
    pub(crate) async fn some_ended(&self) -> EndedJob {
        self.shared.board.some_ended().await
    }

    /// The newest job whose end was told, once all have ended; none once there is no job left.
    pub(crate) async fn last_ended(&self) -> Option<EndedJob> {
        self.shared.board.last_ended().await
    }

    /// Ends a job of this process in somebody's name; says whether there is such a job.
    pub(crate) fn cancel_here(&self, job: &JobId, by: &Requester) -> bool {
        self.shared.board.cancel(job, by)
    }

    /// Ends all jobs of this process, in nobody's name.
    pub(crate) fn cancel_all(&self) {
        self.shared.board.cancel_all();
    }

    /// Lists the ends of a session's jobs that no process will take up any more: they were told, by this process
    /// or by one that has died since, and not answered.
    ///
    /// # Errors
    /// Those of the journal.
    pub(crate) async fn take_up_leftovers(&self, session: &SessionId) -> Result<(), AppendError> {
        self.shared.take_up_leftovers(session).await
    }

    /// Lists the ends of jobs that an unsent reply of a dead process answers, if all of these inputs tell of jobs;
    /// says whether they do.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn take_up_unsent(
        &self,
        session: &SessionId,
        inputs: &[InputId],
    ) -> Result<bool, StoreError> {
        self.shared.take_up_unsent(session, inputs).await
    }

    /// Tells a session of the end of those of its jobs whose processes have died.
    ///
    /// # Errors
    /// Those of the journal; jobs that were told of before stay so.
    pub(crate) async fn recover(&self, session: &SessionId) -> Result<(), AppendError> {
        self.shared.recover(session).await
    }
}

#[async_trait]
impl Jobs for JobDesk {
    async fn adopt(&self, job: Adoption) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        // Others take this process, and the job with it, for dead otherwise.
        let held = shared.parts.store.hold();
        held.map_err(|error| error.to_string())?;
        let listed = shared.listed(&job.session, &job.start, shared.parts.clock.now());
        shared.board.enter(listed, &job.cancel)?;
        let (noted, heard) = oneshot::channel();
        // In a task of its own from the first moment: a caller that leaves must not leave a job behind in the
        // journal that nobody is at work on.
        let tasks = &self.shared.parts.tasks;
        tasks.spawn(TaskKind::Service, "job", shared.see_through(job, noted));
        heard
            .await
            .unwrap_or_else(|_| Err("the job's task ended before it began".to_owned()))
    }

    async fn list(&self, session: &SessionId) -> Result<Vec<JobView>, String> {
        let store = &self.shared.parts.store;
        let rows = store.jobs(Some(session)).await;
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.iter().map(|row| view(store, row)).collect())
    }

    async fn open(&self, session: &SessionId) -> Result<Vec<JobView>, String> {
        let store = &self.shared.parts.store;
        let rows = store.open_jobs(Some(session)).await;
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.iter().map(|row| view(store, row)).collect())
    }

    async fn cancel(
        &self,
        session: &SessionId,
        job: &JobId,
        by: &Requester,
    ) -> Result<JobView, String> {
        let store = &self.shared.parts.store;
        let row = self.row(session, job).await?;
        if row.ended.is_some() {
            return Ok(view(store, &row));
        }
        if !store.is_alive(&row.owner) {
            let told = self.recover(session).await;
            told.map_err(|error| error.to_string())?;
        } else if self.cancel_here(job, by) {
            tokio::select! {
                () = self.shared.board.gone(job) => {}
                () = self.pause(PATIENCE_MS) => {}
            }
        } else {
            self.cancel_there(&row, by).await?;
        }
        Ok(view(store, &self.row(session, job).await?))
    }
}

impl JobDesk {
    async fn row(&self, session: &SessionId, job: &JobId) -> Result<JobRow, String> {
        let row = self.shared.parts.store.job(job).await;
        row.map_err(|error| error.to_string())?
            .filter(|row| row.session == *session)
            .ok_or_else(|| {
                format!("no job `{job}` in this session; `job.list` shows those there are")
            })
    }

    /// Has the process that has a job end it.
    async fn cancel_there(&self, row: &JobRow, by: &Requester) -> Result<(), String> {
        let job = &row.start.job;
        let frame = Frame::CancelJob {
            job: job.clone(),
            by: by.clone(),
        };
        if !send_frame(&self.socket(&row.owner), &frame).await {
            // It may have gone since the look, with the job's end told or not.
            if !self.shared.parts.store.is_alive(&row.owner) {
                let told = self.recover(&row.session).await;
                return told.map_err(|error| error.to_string());
            }
            let row = self.row(&row.session, job).await?;
            return row.ended.map(drop).ok_or_else(|| {
                format!("the process that runs job `{job}` cannot be reached; end that process")
            });
        }
        for _ in 0..PATIENCE_MS / LOOK_MS {
            if self.row(&row.session, job).await?.ended.is_some() {
                break;
            }
            self.pause(LOOK_MS).await;
        }
        Ok(())
    }

    fn socket(&self, owner: &OwnerId) -> PathBuf {
        self.shared.parts.store.owner_socket(owner)
    }

    async fn pause(&self, for_ms: Millis) {
        let clock = &self.shared.parts.clock;
        clock.sleep_until(clock.now() + for_ms).await;
    }
}

impl Shared {
    /// A job of this process as it is listed.
    fn listed(&self, session: &SessionId, start: &JobStart, started_at: Millis) -> JobView {
        JobView {
            session: session.clone(),
            job: start.job.clone(),
            call: start.call,
            key: draw::call_key(session, start.call),
            title: self.parts.redactor.text(&start.title).into_owned(),
            started_at,
            timeout_ms: start.timeout_ms,
            ended: None,
            alive: true,
        }
    }
}

/// A job as the store has it.
fn view(store: &Store, row: &JobRow) -> JobView {
    let ended = row.ended.as_ref().map(|(at, end)| (*at, end.status));
    let start = &row.start;
    JobView {
        session: row.session.clone(),
        job: start.job.clone(),
        call: start.call,
        key: draw::call_key(&row.session, start.call),
        title: start.title.clone(),
        started_at: row.started_at,
        timeout_ms: start.timeout_ms,
        alive: ended.is_none() && store.is_alive(&row.owner),
        ended,
    }
}
