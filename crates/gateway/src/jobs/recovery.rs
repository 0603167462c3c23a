//! Jobs whose process has died: what became of them is found out and told.
//! Invariant: however many processes try, one of them tells; a job of a living process is left alone.
//! It must not know how a tool finds out.

use std::path::PathBuf;
use std::sync::Arc;

use corvid_agent::fold::State;
use corvid_core::wire::SessionId;
use corvid_core::{AppendError, Invocation, Journal as _, NoJobs, Progress, Reconciled, draw};
use corvid_store::JobRow;
use tokio_util::sync::CancellationToken;

use super::ending::{Ending, Outcome};
use super::{EndedJob, Shared, view};

/// Nobody watches.
struct Unseen;

impl Progress for Unseen {
    fn show(&self, _line: &str) {}
}

impl Shared {
    /// Tells the session of the end of its jobs whose processes have died.
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
            self.tell(&Ending {
                session,
                start: &row.start,
                outcome: &outcome,
                took_ms: None,
                cancelled_by: None,
            })
            .await?;
        }
        Ok(())
    }

    /// Lists the ends of jobs that were told and that nobody else will see answered.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn take_up_leftovers(&self, session: &SessionId) -> Result<(), AppendError> {
        let store = &self.parts.store;
        let jobs = store.jobs(Some(session)).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let waiting = State::replay(0, &store.load(session, 0).await?.events).waiting;
        for admission in waiting {
            let (origin, key) = (admission.origin, admission.external_id);
            let row = jobs
                .iter()
                .find(|row| Some(&row.start.job) == admission.job.as_ref());
            let input = store.input(&origin.channel, &origin.account, &key).await?;
            let (Some(row), Some(input)) = (row, input) else {
                continue;
            };
            if input.owner != *store.owner() && store.is_alive(&input.owner) {
                continue;
            }
            let ended = EndedJob {
                session: session.clone(),
                input: input.input,
                origin,
                external_id: key,
                requester: admission.requester,
            };
            self.board.take_up(view(store, row), ended);
        }
        Ok(())
    }

    async fn job_end(&self, row: &JobRow) -> Reconciled {
        let start = &row.start;
        let Some(tool) = self.parts.tools.get(&start.tool) else {
            let tool = &start.tool;
            return Reconciled::Unknown(format!("`{tool}` is not offered any more"));
        };
        let call = Invocation {
            session: row.session.clone(),
            call: start.call,
            key: draw::call_key(&row.session, start.call),
            arguments: start.arguments.clone(),
            working_dir: PathBuf::from(&start.working_dir),
            timeout_ms: start.timeout_ms,
            outputs: self.parts.outputs.clone(),
            origin: start.origin.clone(),
            requester: start.requester.clone(),
            jobs: Arc::new(NoJobs),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Unseen),
        };
        tool.job_end(&call, start.proof.as_ref()).await
    }
}
