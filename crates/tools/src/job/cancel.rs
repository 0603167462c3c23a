//! `job.cancel`: ends a job, whichever process runs it.
//! Invariant: a job of another session is never ended; cancelling twice does no more than once.
//! It must not know how a job is reached.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Effect, JobId};
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{find, standing};
use crate::arguments;
use crate::config::Config;

/// Ends a job.
pub(crate) struct Cancel {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
}

impl Cancel {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "job.cancel".to_owned(),
                description: "End a background job with all its processes.".to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }

    fn asked(&self, given: &Value) -> Result<Arguments, String> {
        arguments::read(&self.spec.parameters, given)
    }
}

#[async_trait]
impl Tool for Cancel {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let asked = self.asked(given)?;
        Ok(self.config.checked(Effect::Idempotent, asked.job))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let job = find(call, &asked.job).await?;
        if job.ended.is_some() {
            return Ok(told(&job.job, &standing(&job)));
        }
        let job = call
            .jobs
            .cancel(&call.session, &job.job, &call.requester)
            .await
            .map_err(ToolError::Tell)?;
        if job.ended.is_none() {
            let text = "was asked to end and is about to; you will be told";
            return Ok(told(&job.job, text));
        }
        Ok(told(&job.job, &standing(&job)))
    }
}

fn told(job: &JobId, standing: &str) -> ToolOutput {
    ToolOutput::text(format!("job {job} {standing}"))
}
