//! Jobs that are noted but run only when a test says so.
//! Invariant: nothing that was adopted is polled by itself; each adopted job is listed.
//! It must not know what any test proves.

use std::sync::Mutex;

use async_trait::async_trait;
use corvid_core::wire::{CallKey, CallStatus, JobId, Requester, SessionId};
use corvid_core::{Adoption, JobView, Jobs, ToolError, ToolOutput};

/// The jobs of one scene.
#[derive(Default)]
pub(crate) struct FakeJobs {
    adopted: Mutex<Vec<Adoption>>,
    views: Mutex<Vec<JobView>>,
    /// Why no job is adopted, or none is listed.
    pub(crate) broken: Mutex<Option<&'static str>>,
}

impl FakeJobs {
    /// The job that was adopted last, to be run or looked at.
    pub(crate) fn take(&self) -> Option<Adoption> {
        self.adopted.lock().expect("lock").pop()
    }

    /// Puts a job into the list.
    pub(crate) fn note(&self, view: JobView) {
        self.views.lock().expect("lock").insert(0, view);
    }

    /// Runs the adopted job and notes its end.
    pub(crate) async fn run(&self) -> Result<ToolOutput, ToolError> {
        let adoption = self.take().expect("a job");
        let output = adoption.run.await;
        for view in self.views.lock().expect("lock").iter_mut() {
            if view.job == adoption.start.job {
                view.ended = Some((3_000, CallStatus::Ok));
            }
        }
        output
    }

    fn works(&self) -> Result<(), String> {
        let broken = *self.broken.lock().expect("lock");
        broken.map_or(Ok(()), |reason| Err(reason.to_owned()))
    }
}

#[async_trait]
impl Jobs for FakeJobs {
    async fn adopt(&self, job: Adoption) -> Result<(), String> {
        self.works()?;
        let text = job.start.job.as_str();
        self.note(JobView {
            session: job.session.clone(),
            job: job.start.job.clone(),
            call: job.start.call,
            key: CallKey::new(text.strip_prefix("j-").expect("a job's id")),
            title: job.start.title.clone(),
            started_at: 1_000,
            timeout_ms: job.start.timeout_ms,
            ended: None,
            alive: true,
        });
        self.adopted.lock().expect("lock").push(job);
        Ok(())
    }

    async fn list(&self, session: &SessionId) -> Result<Vec<JobView>, String> {
        if *self.broken.lock().expect("lock") == Some("the store failed") {
            return Err("the store failed".to_owned());
        }
        let views = self.views.lock().expect("lock").clone();
        let mine = views.into_iter().filter(|view| view.session == *session);
        Ok(mine.collect())
    }

    async fn cancel(
        &self,
        session: &SessionId,
        job: &JobId,
        _by: &Requester,
    ) -> Result<JobView, String> {
        self.works()?;
        for adopted in self.adopted.lock().expect("lock").iter() {
            if adopted.start.job == *job {
                adopted.cancel.cancel();
            }
        }
        let mut views = self.views.lock().expect("lock");
        let view = views
            .iter_mut()
            .find(|view| view.job == *job && view.session == *session);
        let view = view.ok_or("no such job")?;
        view.ended = Some((2_000, CallStatus::Stopped));
        Ok(view.clone())
    }
}
