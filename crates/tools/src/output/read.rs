//! `output.read`: pages through what an earlier call of this session put out.
//! Invariant: opens only the files that this session's calls wrote.
//! It must not know how they were written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{CallId, Effect};
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::excerpt::read_at;
use crate::arguments;
use crate::blocking;
use crate::config::Config;
use crate::display::{Rest, clean};

/// The smallest page in bytes: large enough for any character and control sequence of use.
const MIN_PAGE: usize = 100;

/// Reads on in a kept output.
pub(crate) struct Read {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// As in the marker, e.g. "3.1.0".
    call: String,
    /// First byte.
    offset: Option<u64>,
    /// Bytes.
    limit: Option<u64>,
}

impl Read {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let mut parameters = arguments::schema::<Arguments>();
        let page = MIN_PAGE as u64..=config.output_chars as u64;
        arguments::bound(&mut parameters, "limit", page);
        Self {
            spec: ToolSpec {
                name: "output.read".to_owned(),
                description: "Read on in the output of an earlier call that was cut.".to_owned(),
                parameters,
            },
            config,
        }
    }

    fn read(&self, given: &Value) -> Result<(CallId, Arguments), String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        let call = asked
            .call
            .parse()
            .map_err(|error| format!("argument `call`: {error}"))?;
        Ok((call, asked))
    }
}

#[async_trait]
impl Tool for Read {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let (_, asked) = self.read(given)?;
        Ok(self.config.checked(Effect::Pure, asked.call))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let (id, asked) = self.read(&call.arguments).map_err(ToolError::Tell)?;
        let file = call.outputs.file(&call.session, id);
        let offset = asked.offset.unwrap_or(0);
        let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(self.config.output_chars);
        let text = blocking::looking(call, move |_| page(&file, id, offset, limit)).await?;
        Ok(ToolOutput::text(text))
    }
}

/// At most `limit` bytes of a call's output from `offset` on, with a line that says which they are.
///
/// # Errors
/// The sentence for the model; among others if the call kept no output, or not as much.
pub(crate) fn page(
    file: &Path,
    call: CallId,
    offset: u64,
    limit: usize,
) -> Result<String, ToolError> {
    let mut file = File::open(file).map_err(|error| {
        ToolError::Tell(if error.kind() == io::ErrorKind::NotFound {
            format!("call {call} of this session kept no output; take the id from the marker of a cut output")
        } else {
            format!("the output of call {call} cannot be read: {error}")
        })
    })?;
    let told = |error: io::Error| {
        ToolError::Tell(format!("the output of call {call} cannot be read: {error}"))
    };
    let length = file.metadata().map_err(told)?.len();
    if offset >= length {
        return Err(ToolError::Tell(format!(
            "argument `offset` is {offset}, but the output of call {call} has {length} bytes"
        )));
    }
    let bytes = read_at(&mut file, offset, limit).map_err(told)?;
    let end = offset + bytes.len() as u64;
    let rest = if end < length {
        Rest::Follows
    } else {
        Rest::Ends
    };
    let cleaned = clean(&bytes, limit, rest);
    let next = offset + cleaned.consumed as u64;
    let more = if next < length {
        format!("go on with offset {next}")
    } else {
        "this is its end".to_owned()
    };
    Ok(format!(
        "{}\n[… bytes {offset} to {next} of {length}; {more} …]",
        cleaned.text
    ))
}
