//! `system.run`: one shell command in the sandbox.
//! Invariant: nothing runs but through the sandbox port, and a command that was begun is never run again.
//! It must not know how the sandbox confines or keeps its records.

mod report;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{
    Checked, CommandEnd, CommandEnding, CommandRecord, CommandSpec, Invocation, Progress,
    Reconciled, Sandbox, Tool, ToolError, ToolOutput, ToolSpec, Wider,
};
use corvid_sandbox::boot_id;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments;
use crate::blocking;
use crate::config::{Config, milliseconds};
use crate::display::clean_line;
use crate::output::excerpt;

/// The longest line of progress, in characters.
const PROGRESS_CHARS: usize = 200;

/// The proof's key for the machine's run in which the call was prepared.
const BOOT: &str = "boot";

/// Runs a shell command.
pub(crate) struct Run {
    spec: ToolSpec,
    config: Arc<Config>,
    sandbox: Arc<dyn Sandbox>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The command line.
    command: String,
    /// Kill it after this time.
    timeout_secs: Option<u64>,
    /// Subfolder to run in.
    working_dir: Option<String>,
    /// Why it must leave the sandbox. Refused in this version.
    escalate: Option<String>,
}

impl Run {
    pub(crate) fn new(config: Arc<Config>, sandbox: Arc<dyn Sandbox>) -> Self {
        let mut parameters = arguments::schema::<Arguments>();
        arguments::bound(
            &mut parameters,
            "timeout_secs",
            1..=config.max_timeout.as_secs(),
        );
        let description = format!(
            "Run a shell command in the sandbox, in the working folder, without input. Gives the exit code and \
             standard output and error mixed, long output cut in the middle. Stops after {} s unless told otherwise.",
            config.timeout.as_secs()
        );
        Self {
            spec: ToolSpec {
                name: "system.run".to_owned(),
                description,
                parameters,
            },
            config,
            sandbox,
        }
    }

    /// The command as the sandbox is handed it; the same for the same call in every process.
    fn command(&self, call: &Invocation) -> Result<CommandSpec, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, &call.arguments)?;
        let command = match &asked.working_dir {
            None => asked.command,
            Some(folder) => format!("cd -- {} || exit\n{}", quoted(folder), asked.command),
        };
        Ok(CommandSpec {
            key: call.key.clone(),
            command,
            working_dir: call.working_dir.clone(),
            timeout: Duration::from_millis(call.timeout_ms),
            output: call.outputs.file(&call.session, call.call),
            record_dir: call.outputs.records(&call.session),
            kept: Vec::new(),
            wider: None,
        })
    }

    async fn output(&self, call: &Invocation, end: &CommandEnd) -> Result<ToolOutput, ToolError> {
        let file = call.outputs.file(&call.session, call.call);
        let (id, total, limit) = (call.call, end.total_bytes, self.config.output_chars);
        let excerpt = blocking::to_the_end(move || excerpt(&file, id, total, limit))
            .await?
            .map_err(|error| {
                ToolError::Tell(format!(
                    "the command ended ({}), but its output cannot be read: {error}",
                    report::ending(end, self.config.max_timeout)
                ))
            })?;
        Ok(ToolOutput {
            text: report::text(end, self.config.max_timeout, &excerpt.text),
            output: excerpt.output,
            notice: None,
        })
    }
}

#[async_trait]
impl Tool for Run {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        self.sandbox.rules(working_dir)
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        if asked.command.trim().is_empty() {
            return Err("argument `command` is empty; it must be a command line".to_owned());
        }
        if asked.command.contains('\0') {
            return Err("argument `command` holds a NUL character; leave it out".to_owned());
        }
        let timeout = asked
            .timeout_secs
            .map_or(self.config.timeout, Duration::from_secs);
        Ok(Checked {
            effect: Effect::Reconcilable,
            resource: asked.command,
            wider: asked.escalate.map(|reason| Wider {
                reason,
                ..Wider::default()
            }),
            timeout_ms: milliseconds(timeout),
            inquiry: None,
        })
    }

    /// Names the machine's present run: a record that a power loss may have swallowed says nothing.
    async fn prepare(&self, _call: &Invocation) -> Result<Option<Value>, ToolError> {
        Ok(boot_id().ok().map(|boot| json!({ BOOT: boot })))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked: Arguments =
            arguments::read(&self.spec.parameters, &call.arguments).map_err(ToolError::Tell)?;
        if let Some(folder) = asked.working_dir {
            let root = call.working_dir.clone();
            blocking::to_the_end(move || subfolder(&root, &folder))
                .await?
                .map_err(ToolError::Tell)?;
        }
        let command = self.command(call).map_err(ToolError::Tell)?;
        let folder = call.outputs.session_dir(&call.session);
        blocking::to_the_end(move || private_folder(&folder))
            .await?
            .map_err(ToolError::Fatal)?;
        let progress = Arc::new(CleanProgress(Arc::clone(&call.progress)));
        let end = self
            .sandbox
            .run(&command, &call.cancel, progress)
            .await
            // Nothing ran in either case, so the model may go another way.
            .map_err(|error| ToolError::Tell(error.to_string()))?;
        self.output(call, &end).await
    }

    async fn reconcile(&self, call: &Invocation, proof: Option<&Value>) -> Reconciled {
        let command = match self.command(call) {
            Ok(command) => command,
            Err(error) => return Reconciled::Unknown(error),
        };
        let end = match self.sandbox.reconcile(&command).await {
            CommandRecord::NotStarted if is_of_this_boot(proof) => return Reconciled::NotDone,
            CommandRecord::NotStarted => {
                let reason = "the machine was started anew meanwhile, and no record is left";
                return Reconciled::Unknown(reason.to_owned());
            }
            CommandRecord::Unknown(reason) => return Reconciled::Unknown(reason),
            CommandRecord::Ended(end) => end,
        };
        let output = match self.output(call, &end).await {
            Ok(output) => output,
            // That it ended is known; only what it printed is lost.
            Err(error) => ToolOutput::text(error.to_string()),
        };
        if end.ending == CommandEnding::Stopped {
            Reconciled::Interrupted(output)
        } else {
            Reconciled::Done(output)
        }
    }
}

/// Whether a call was prepared since the machine was last started, as far as it was noted.
fn is_of_this_boot(proof: Option<&Value>) -> bool {
    let noted = proof.and_then(|proof| proof.get(BOOT)?.as_str());
    noted.is_none_or(|noted| boot_id().is_ok_and(|boot| boot == noted))
}

/// Checks that `folder` is a folder beneath `root`. The sandbox confines the command in any case; this
/// is for a clear sentence instead of a shell's.
fn subfolder(root: &Path, folder: &str) -> Result<PathBuf, String> {
    let problem = |what: &str| {
        format!(
            "argument `working_dir` is {folder:?}; {what}; give a folder beneath the working folder"
        )
    };
    let root = root
        .canonicalize()
        .map_err(|error| format!("the working folder cannot be opened: {error}"))?;
    let found = root
        .join(folder)
        .canonicalize()
        .map_err(|error| problem(&error.to_string()))?;
    if !found.starts_with(&root) {
        return Err(problem("it lies outside"));
    }
    if !found.is_dir() {
        return Err(problem("it is no folder"));
    }
    Ok(found)
}

/// Makes a folder that only its owner can enter, with those above it.
fn private_folder(folder: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        format!(
            "the output cannot be kept in `{}`: {error}; free some space or make the folder writable",
            folder.display()
        )
    })
}

/// One word of a shell's command line.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Shows a command's lines without what they would do to a terminal.
struct CleanProgress(Arc<dyn Progress>);

impl Progress for CleanProgress {
    fn show(&self, line: &str) {
        let line = clean_line(line, PROGRESS_CHARS);
        if !line.trim().is_empty() {
            self.0.show(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
