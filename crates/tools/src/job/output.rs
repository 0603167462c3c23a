//! `job.output`: what a job has printed so far.
//! Invariant: a job of another session is never read; memory does not grow with what was printed.
//! It must not know how it was written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{CallId, Effect};
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{find, standing};
use crate::arguments;
use crate::blocking;
use crate::config::Config;
use crate::output::{page, tail};

/// Reads what a job has printed.
pub(crate) struct Output {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    job: String,
    /// First byte; without it the end is shown.
    offset: Option<u64>,
}

impl Output {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "job.output".to_owned(),
                description: "Read what a background job has printed so far.".to_owned(),
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
impl Tool for Output {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let asked = self.asked(given)?;
        Ok(self.config.checked(Effect::Pure, asked.job))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let job = find(call, &asked.job).await?;
        let printed = Printed {
            file: call.outputs.file(&call.session, job.call),
            call: job.call,
            chars: self.config.output_chars,
        };
        let text = blocking::looking(call, move |_| printed.shown(asked.offset)).await?;
        let standing = standing(&job);
        Ok(ToolOutput::text(format!(
            "job {} {standing}\n{text}",
            job.job
        )))
    }
}

/// What a job has printed.
struct Printed {
    file: PathBuf,
    call: CallId,
    chars: usize,
}

impl Printed {
    /// A page from `offset` on, or the end.
    fn shown(&self, offset: Option<u64>) -> Result<String, ToolError> {
        if let Some(offset) = offset {
            return page(&self.file, self.call, offset, self.chars);
        }
        let tail = tail(&self.file, self.chars).map_err(|error| {
            ToolError::Tell(format!("what the job printed cannot be read: {error}"))
        })?;
        Ok(match (tail.from, tail.to) {
            (_, 0) => "(nothing was printed so far)".to_owned(),
            (0, _) => tail.text,
            (from, to) => format!(
                "[… bytes {from} to {to}; offset 0 shows the beginning …]\n{}",
                tail.text
            ),
        })
    }
}
