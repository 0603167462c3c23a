//! Tools: a door that counts, a bell that rings, a way that is asked for, a kettle that becomes a job.
//! Invariant: what a tool did is kept where it happened.
//! It must not know the gateway.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use corvid_core::wire::{Effect, Inquiry, JobStart};
use corvid_core::{
    Adoption, Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec, draw, job_run,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the tools did.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) doors: AtomicU32,
    /// A bell that rings for ever.
    pub(super) rings: Notify,
}

/// `door` counts, `bell` rings until its process dies, `way` asks which way, `kettle` becomes a job.
pub(super) fn tools(runs: &Arc<Runs>) -> Vec<Arc<dyn Tool>> {
    let tool = |name: &str| {
        Arc::new(Thing {
            spec: ToolSpec {
                name: name.to_owned(),
                description: name.to_owned(),
                parameters: json!({ "type": "object" }),
            },
            runs: Arc::clone(runs),
        }) as Arc<dyn Tool>
    };
    ["door", "bell", "way", "kettle"].map(tool).into()
}

struct Thing {
    spec: ToolSpec,
    runs: Arc<Runs>,
}

#[async_trait]
impl Tool for Thing {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, _arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let inquiry = (self.spec.name == "way").then(|| Inquiry {
            text: "which way?".to_owned(),
            choices: vec!["left".to_owned(), "right".to_owned()],
        });
        Ok(Checked {
            effect: Effect::Unsafe,
            resource: String::new(),
            also: Vec::new(),
            wider: None,
            timeout_ms: 30_000,
            inquiry,
        })
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        match self.spec.name.as_str() {
            "bell" => {
                self.runs.rings.notify_one();
                call.cancel.cancelled().await;
                Ok(ToolOutput::text("silenced"))
            }
            "kettle" => self.boil(call).await,
            _ => {
                self.runs.doors.fetch_add(1, Ordering::Relaxed);
                Ok(ToolOutput::text("opened"))
            }
        }
    }
}

impl Thing {
    /// Goes on as a job until that is cancelled.
    async fn boil(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let cancel = CancellationToken::new();
        let ended = cancel.clone();
        let adoption = Adoption {
            session: call.session.clone(),
            start: JobStart {
                job: draw::job_id(&call.key),
                call: call.call,
                tool: self.spec.name.clone(),
                arguments: json!({}),
                title: "boil `water`".to_owned(),
                working_dir: "/tmp".to_owned(),
                timeout_ms: 30_000,
                proof: None,
                origin: call.origin.clone(),
                requester: call.requester.clone(),
            },
            run: job_run(async move {
                ended.cancelled().await;
                Ok(ToolOutput::text("lukewarm"))
            }),
            begun: false,
            cancel,
        };
        call.jobs.adopt(adoption).await.map_err(ToolError::Tell)?;
        Ok(ToolOutput::text("it boils"))
    }
}
