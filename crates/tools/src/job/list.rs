//! `job.list`: the session's jobs, a line each.
//! Invariant: a job of another session is never listed.
//! It must not know what a job has printed.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{jobs, standing};
use crate::arguments;
use crate::config::Config;

/// The most jobs that are listed.
const LISTED: usize = 50;

/// Lists the jobs of a session.
pub(crate) struct List {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}

impl List {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "job.list".to_owned(),
                description: "List the background jobs of this session.".to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }
}

#[async_trait]
impl Tool for List {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn rules(&self, _working_dir: &Path) -> Vec<String> {
        vec![
            "You are told when a background job ends: never poll or wait for one, go on or answer."
                .to_owned(),
        ]
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        arguments::read::<Arguments>(&self.spec.parameters, given)?;
        Ok(self.config.checked(Effect::Pure, String::new()))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let jobs = jobs(call).await?;
        if jobs.is_empty() {
            return Ok(ToolOutput::text("no job was begun in this session"));
        }
        let lines = jobs.iter().take(LISTED);
        let mut lines: Vec<_> = lines
            .map(|job| format!("{} {}: {}", job.job, standing(job), job.title))
            .collect();
        if jobs.len() > LISTED {
            lines.push(format!("[… and {} older ones …]", jobs.len() - LISTED));
        }
        Ok(ToolOutput::text(lines.join("\n")))
    }
}
