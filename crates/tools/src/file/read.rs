//! `file.read`: some lines of a text file.
//! Invariant: memory is bounded by what is shown.
//! It must not know how paths are confined.

use std::io::{BufReader, Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use corvid_sandbox::paths::{Opened, Roots};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::content::is_binary;
use super::lines::{self, Lines, LinesError, Window};
use super::{checked, named, roots, told};
use crate::arguments;
use crate::blocking::{self, Leash};
use crate::config::Config;

/// Bytes that are looked at to tell a binary file.
const SNIFFED: u64 = 8 * 1024;

/// Bytes read at once.
const BUFFER: usize = 64 * 1024;

/// Reads lines of a file.
pub(crate) struct Read {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    /// First line, from 1.
    offset: Option<u64>,
    /// Lines.
    limit: Option<u64>,
}

impl Read {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let mut parameters = arguments::schema::<Arguments>();
        arguments::at_least(&mut parameters, "offset", 1);
        arguments::at_least(&mut parameters, "limit", 1);
        let description = format!(
            "Read a text file, up to {} characters at once.",
            config.output_chars
        );
        Self {
            spec: ToolSpec {
                name: "file.read".to_owned(),
                description,
                parameters,
            },
            config,
        }
    }
}

#[async_trait]
impl Tool for Read {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        named(&asked.path)?;
        Ok(checked(&self.config, Effect::Pure, asked.path, working_dir))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked: Arguments =
            arguments::read(&self.spec.parameters, &call.arguments).map_err(ToolError::Tell)?;
        let (config, working_dir) = (Arc::clone(&self.config), call.working_dir.clone());
        let window = Window {
            first: asked.offset.unwrap_or(1),
            lines: asked.limit.unwrap_or(u64::MAX),
            chars: config.output_chars,
        };
        let text = blocking::looking(call, move |leash| {
            read(&roots(&config, &working_dir)?, &asked.path, window, leash)
        })
        .await?;
        Ok(ToolOutput::text(text))
    }
}

fn read(roots: &Roots, path: &str, window: Window, leash: &Leash) -> Result<String, ToolError> {
    let Opened { mut file, stat } = roots.open_read(Path::new(path)).map_err(told)?;
    let failed = |error| ToolError::Tell(format!("`{path}` cannot be read: {error}"));
    let mut first = Vec::new();
    file.by_ref()
        .take(SNIFFED)
        .read_to_end(&mut first)
        .map_err(failed)?;
    if is_binary(&first) {
        return Err(ToolError::Tell(format!(
            "`{path}` is a binary file of {} bytes; look at it with a command",
            stat.len
        )));
    }
    file.rewind().map_err(failed)?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let lines = lines::read(&mut reader, window, leash).map_err(|error| match error {
        LinesError::Io(error) => failed(error),
        LinesError::Ended(error) => error,
    })?;
    shown(path, stat.len, window, &lines)
}

/// The lines with what a reader must know about them.
fn shown(path: &str, bytes: u64, window: Window, lines: &Lines) -> Result<String, ToolError> {
    if lines.shown == 0 {
        if window.first == 1 {
            return Ok("(the file is empty)".to_owned());
        }
        return Err(ToolError::Tell(format!(
            "argument `offset` is {}, but `{path}` has {} lines",
            window.first, lines.passed
        )));
    }
    let last = lines.passed + lines.shown;
    let lossy = if lines.lossy {
        "[… what is no valid UTF-8 is shown as \u{fffd} …]\n"
    } else {
        ""
    };
    let more = if lines.more {
        format!(
            "[… lines {} to {last} of a file of {bytes} bytes; go on with offset {} …]\n",
            window.first,
            last + 1
        )
    } else {
        String::new()
    };
    Ok(format!("{}{lossy}{more}", lines.text))
}
