//! Jobs that a test begins, holds and ends, and the tool that knows what became of them.
//! Invariant: what a job did is kept outside of the process that ran it, as a command's record is.
//! It must not know the desk.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use corvid_core::wire::{CallId, SessionId};
use corvid_core::{
    Adoption, Checked, Invocation, Reconciled, Tool, ToolError, ToolOutput, ToolSpec, draw, job_run,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{adoption, call};

/// What jobs have done, whatever became of their process.
#[derive(Clone, Default)]
pub(super) struct World {
    done: Arc<Mutex<HashMap<CallId, Did>>>,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Begin,
    End,
}

/// Knows from the world what became of a job.
struct Maker {
    spec: ToolSpec,
    world: World,
}

impl World {
    /// The tool that makes the jobs.
    pub(super) fn maker(&self) -> Arc<dyn Tool> {
        Arc::new(Maker {
            spec: ToolSpec {
                name: "maker".to_owned(),
                description: String::new(),
                parameters: json!({}),
            },
            world: self.clone(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<CallId, Did>> {
        self.done.lock().expect("nobody panics with the lock")
    }

    pub(super) fn did(&self, job: u32) -> Option<Did> {
        self.lock().get(&call(job)).copied()
    }

    /// A job that says what it did, and ends once it may. It ends early if it is cancelled.
    pub(super) fn job(
        &self,
        session: &SessionId,
        job: u32,
        may_end: CancellationToken,
    ) -> Adoption {
        let world = self.clone();
        let cancel = CancellationToken::new();
        let cancelled = cancel.clone();
        let run = job_run(async move {
            world.lock().insert(call(job), Did::Begin);
            tokio::select! {
                () = may_end.cancelled() => {}
                () = cancelled.cancelled() => return Ok(ToolOutput::text("cut short")),
            }
            world.lock().insert(call(job), Did::End);
            Ok(ToolOutput::text(format!("made {job}")))
        });
        Adoption {
            run,
            cancel,
            ..adoption(session, job)
        }
    }
}

#[async_trait]
impl Tool for Maker {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, _arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        Err("only jobs are made here".to_owned())
    }

    async fn run(&self, _call: &Invocation) -> Result<ToolOutput, ToolError> {
        Err(ToolError::Tell("only jobs are made here".to_owned()))
    }

    async fn job_end(&self, invocation: &Invocation, proof: Option<&Value>) -> Reconciled {
        let number = invocation.call.index;
        assert_eq!(
            invocation.key,
            draw::call_key(&invocation.session, call(number))
        );
        assert_eq!(proof, Some(&json!({ "number": number })));
        match self.world.did(number) {
            None => Reconciled::NotDone,
            Some(Did::Begin) => {
                Reconciled::Interrupted(ToolOutput::text(format!("half of {number}")))
            }
            Some(Did::End) => Reconciled::Done(ToolOutput::text(format!("made {number}"))),
        }
    }
}
