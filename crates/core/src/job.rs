//! The port through which a tool lets a call go on beside its turn.
//! Invariant: a job is in the journal before it begins (or goes on), and its end is told to the session once.
//! It must not know what a job does, nor how its end reaches the session.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::tool::{ToolError, ToolOutput};
use crate::wire::{CallId, CallKey, CallStatus, JobId, JobStart, Millis, Requester, SessionId};

/// What a message begins with that no person said: the one that tells of a job's end.
pub const UNSAID: &str = "[No person says this. ";

/// A job's work, from where it stands to its end.
pub type JobRun = Pin<Box<dyn Future<Output = Result<ToolOutput, ToolError>> + Send>>;

/// The jobs of this process, and a view of everybody's.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Notes a job in the journal and then sees it to its end in this process; `cancel` ends it. Jobs beyond
    /// those that may run at once wait for their turn, unless they have `begun`. They end with the process.
    ///
    /// # Errors
    /// One sentence for the model (too many jobs; the journal failed). Nothing was begun then.
    async fn adopt(&self, job: Adoption) -> Result<(), String>;

    /// The jobs of a session, the newest first.
    ///
    /// # Errors
    /// One sentence: the store failed.
    async fn list(&self, session: &SessionId) -> Result<Vec<JobView>, String>;

    /// The jobs of a session that have not ended. Every command asks, so whoever can tell them from the rest
    /// without looking at all does so.
    ///
    /// # Errors
    /// As [`Jobs::list`].
    async fn open(&self, session: &SessionId) -> Result<Vec<JobView>, String> {
        let mut jobs = self.list(session).await?;
        jobs.retain(|job| job.ended.is_none());
        Ok(jobs)
    }

    /// Asks the process that runs a job to end it, and waits a moment for that. Returns the job as it is then.
    ///
    /// # Errors
    /// One sentence: no such job, or its process cannot be reached.
    async fn cancel(
        &self,
        session: &SessionId,
        job: &JobId,
        by: &Requester,
    ) -> Result<JobView, String>;
}

/// A job to be taken over.
pub struct Adoption {
    /// The session.
    pub session: SessionId,
    /// What is noted of it.
    pub start: JobStart,
    /// What is left to do; not polled before the job is in the journal.
    pub run: JobRun,
    /// Whether it runs already, so that it waits for nobody.
    pub begun: bool,
    /// Ends it.
    pub cancel: CancellationToken,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// The session.
    pub session: SessionId,
    /// The job.
    pub job: JobId,
    /// The call that it came from.
    pub call: CallId,
    /// The key of that call's effect.
    pub key: CallKey,
    /// What a person calls it.
    pub title: String,
    /// When it was noted.
    pub started_at: Millis,
    /// How long it may run, in milliseconds.
    pub timeout_ms: u64,
    /// When and how it ended; none while it is open.
    pub ended: Option<(Millis, CallStatus)>,
    /// Whether the process that has it lives. An open job of a dead one has ended with it, and the next process at
    /// work in the session finds out how.
    pub alive: bool,
}

/// Whoever needs no jobs: adopts none and knows of none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJobs;

#[async_trait]
impl Jobs for NoJobs {
    async fn adopt(&self, _job: Adoption) -> Result<(), String> {
        Err("nothing runs in the background here".to_owned())
    }

    async fn list(&self, _session: &SessionId) -> Result<Vec<JobView>, String> {
        Ok(Vec::new())
    }

    async fn cancel(
        &self,
        _session: &SessionId,
        job: &JobId,
        _by: &Requester,
    ) -> Result<JobView, String> {
        Err(format!("no job `{job}`"))
    }
}

/// A future as a job's work.
pub fn job_run(
    run: impl Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
) -> JobRun {
    Box::pin(run)
}
