//! Jobs whose process has died: what became of them is found out and told.
//! Invariant: however many processes try, one of them tells; a job of a living process is left alone.
//! It must not know how a tool finds out.

use std::path::PathBuf;
use std::sync::Arc;

use corvid_core::wire::{Admission, InputId, JobStart, SessionId};
use corvid_core::{AppendError, Invocation, NoJobs, NoPosts, Progress, Reconciled, draw};
use corvid_store::{JobRow, StoreError};
use tokio_util::sync::CancellationToken;

use super::ending::{Ending, Outcome};
use super::{EndedJob, Shared, view};

/// Nobody watches.
struct Unseen;

impl Progress for Unseen {
    fn show(&self, _line: &str) {}
}

impl Shared {
    /// Tells the session of the end of its jobs whose processes have died; what it tells is taken up here.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn recover(&self, session: &SessionId) -> Result<(), AppendError> {
        let mut rows = self.parts.store.open_jobs(Some(session)).await?;
        // The oldest first, as they would have been told.
        rows.reverse();
        for row in rows {
            if self.parts.store.is_alive(&row.owner) {
                continue;
            }
            let outcome = Outcome::found(self.job_end(&row).await);
            let ending = Ending {
                session,
                start: &row.start,
                outcome: &outcome,
                took_ms: None,
                cancelled_by: None,
            };
            if let Some(ended) = self.tell(&ending).await? {
                // The reply to it is this process's to deliver, whichever turn composes it.
                let mut view = view(&self.parts.store, &row);
                view.ended = Some((self.parts.clock.now(), outcome.status));
                self.board.take_up(view, ended);
            }
        }
        Ok(())
    }

    /// Lists the ends of jobs that were told and that nobody else will see answered.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn take_up_leftovers(&self, session: &SessionId) -> Result<(), AppendError> {
        let store = &self.parts.store;
        for row in store.open_job_inputs(session).await? {
            if row.owner != *store.owner() && store.is_alive(&row.owner) {
                continue;
            }
            self.list_told(session, row.admission).await?;
        }
        Ok(())
    }

    /// Lists the ends of jobs that a reply answers of which nobody knows that it was sent. Says whether these inputs
    /// all tell of jobs: a person can ask again for a reply of theirs, and nobody can for a job's.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn take_up_unsent(
        &self,
        session: &SessionId,
        inputs: &[InputId],
    ) -> Result<bool, StoreError> {
        let mut told = Vec::with_capacity(inputs.len());
        for input in inputs {
            let Some(row) = self.parts.store.job_input(input).await? else {
                return Ok(false);
            };
            told.push(row.admission);
        }
        let are_jobs = !told.is_empty();
        for admission in told {
            self.list_told(session, admission).await?;
        }
        Ok(are_jobs)
    }

    /// Lists the end of a job as its session was told of it.
    async fn list_told(&self, session: &SessionId, admission: Admission) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let Some(job) = admission.job else {
            return Ok(());
        };
        let Some(job) = store.job(&job).await? else {
            return Ok(());
        };
        let ended = EndedJob {
            session: session.clone(),
            input: admission.input,
            origin: admission.origin,
            external_id: admission.external_id,
            requester: admission.requester,
        };
        self.board.take_up(view(store, &job), ended);
        Ok(())
    }

    async fn job_end(&self, row: &JobRow) -> Reconciled {
        let start = &row.start;
        let Some(tool) = self.parts.tools.get(&start.tool) else {
            let tool = &start.tool;
            return Reconciled::Unknown(format!("`{tool}` is not offered any more"));
        };
        let call = self.call_of(&row.session, start);
        tool.job_end(&call, start.proof.as_ref()).await
    }

    /// Lets the tool of a job forget what it kept of it: its end is in the journal.
    pub(super) async fn forget(&self, session: &SessionId, start: &JobStart) {
        if let Some(tool) = self.parts.tools.get(&start.tool) {
            tool.job_told(&self.call_of(session, start)).await;
        }
    }

    /// The call that a job came from, as its tool was handed it.
    fn call_of(&self, session: &SessionId, start: &JobStart) -> Invocation {
        Invocation {
            session: session.clone(),
            call: start.call,
            key: draw::call_key(session, start.call),
            arguments: start.arguments.clone(),
            working_dir: PathBuf::from(&start.working_dir),
            timeout_ms: start.timeout_ms,
            outputs: self.parts.outputs.clone(),
            origin: start.origin.clone(),
            requester: start.requester.clone(),
            jobs: Arc::new(NoJobs),
            posts: Arc::new(NoPosts),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Unseen),
        }
    }
}
