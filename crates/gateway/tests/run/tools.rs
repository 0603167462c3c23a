//! Tools that do nothing but say that they ran: one that opens a door, one that becomes a job.
//! Invariant: a run is counted where it happens, whatever the journal says.
//! It must not know the gateway.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Effect, JobStart};
use corvid_core::{
    Adoption, Checked, Invocation, Reconciled, Tool, ToolError, ToolOutput, ToolSpec, draw, job_run,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the tools have done, and what holds them.
#[derive(Default)]
pub(crate) struct Runs {
    doors: AtomicU32,
    jobs: AtomicU32,
    /// Where a job waits before it ends.
    pub(crate) release: Notify,
    /// The job that was begun last.
    begun: Mutex<Option<String>>,
}

impl Runs {
    /// Doors that were opened.
    pub(crate) fn doors(&self) -> u32 {
        self.doors.load(Ordering::Relaxed)
    }

    /// Jobs that were begun.
    pub(crate) fn jobs(&self) -> u32 {
        self.jobs.load(Ordering::Relaxed)
    }

    /// The id of the job that was begun last.
    pub(crate) fn job(&self) -> String {
        self.begun.lock().unwrap().clone().unwrap()
    }
}

/// Both tools.
pub(crate) fn all(runs: &Arc<Runs>) -> Vec<Arc<dyn Tool>> {
    let tool = |name: &str| {
        Arc::new(Told {
            spec: ToolSpec {
                name: name.to_owned(),
                description: name.to_owned(),
                parameters: json!({ "type": "object" }),
            },
            runs: Arc::clone(runs),
        }) as Arc<dyn Tool>
    };
    vec![tool("door.open"), tool("kettle.boil")]
}

struct Told {
    spec: ToolSpec,
    runs: Arc<Runs>,
}

#[async_trait]
impl Tool for Told {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, _arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        Ok(Checked {
            effect: Effect::Unsafe,
            resource: String::new(),
            also: Vec::new(),
            wider: None,
            timeout_ms: 30_000,
            inquiry: None,
        })
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        if self.spec.name == "door.open" {
            self.runs.doors.fetch_add(1, Ordering::Relaxed);
            return Ok(ToolOutput::text("opened"));
        }
        let (runs, cancel) = (Arc::clone(&self.runs), CancellationToken::new());
        let ended = cancel.clone();
        let job = draw::job_id(&call.key);
        *self.runs.begun.lock().unwrap() = Some(job.to_string());
        let adoption = Adoption {
            session: call.session.clone(),
            start: JobStart {
                job,
                call: call.call,
                tool: self.spec.name.clone(),
                arguments: json!({}),
                title: "boil".to_owned(),
                working_dir: "/tmp".to_owned(),
                timeout_ms: 30_000,
                proof: None,
                origin: call.origin.clone(),
                requester: call.requester.clone(),
            },
            run: job_run(async move {
                runs.jobs.fetch_add(1, Ordering::Relaxed);
                tokio::select! {
                    () = runs.release.notified() => Ok(ToolOutput::text("hot")),
                    () = ended.cancelled() => Ok(ToolOutput::text("lukewarm")),
                }
            }),
            begun: false,
            cancel,
        };
        call.jobs.adopt(adoption).await.map_err(ToolError::Tell)?;
        Ok(ToolOutput::text("it boils"))
    }

    async fn job_end(&self, _call: &Invocation, _proof: Option<&Value>) -> Reconciled {
        Reconciled::Interrupted(ToolOutput::text("nobody watched it"))
    }
}
