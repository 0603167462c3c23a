//! The seam to where untrusted code runs.
//! Invariant: a command that was begun is ended with its parent, and what became of it stays known.
//! It must not know tools, turns or how a system confines code.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::policy::Wider;
use crate::tool::Progress;
use crate::wire::CallKey;

/// A place where commands run.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// What this sandbox enforces here and now.
    fn report(&self) -> &SandboxReport;

    /// What a command in that working folder can and cannot do, one sentence each, for the prompt; that it
    /// asks or is refused, if so.
    fn rules(&self, working_dir: &Path) -> Vec<String>;

    /// Why a command in that working folder cannot be held to what is usually enforced, one sentence each; empty
    /// where it can. Such a command goes with [`Wider::lacking`] and runs only if a person has allowed it.
    fn lacking(&self, working_dir: &Path) -> Vec<String>;

    /// Exactly what would run, for an approval to bind itself to, and what a person should know of it.
    ///
    /// # Errors
    /// [`SandboxError::Refused`] for what must not run here at all (a private or system path among the writes).
    fn describe(&self, command: &CommandSpec) -> Result<Description, SandboxError>;

    /// Says that a command is likely to run soon, so that whatever all commands share can be got ready meanwhile.
    /// It costs the caller nothing to speak of, promises nothing, and what is then not used goes away by itself.
    fn expect(&self) {}

    /// Runs one command to its end. Cancelling ends every process of the command and still returns its end.
    /// Progress shows lines just as the command wrote them, whatever they would do to a screen.
    /// What is kept of earlier commands is forgotten then, as [`CommandSpec::record_dir`] says.
    ///
    /// # Errors
    /// See [`SandboxError`].
    async fn run(
        &self,
        command: &CommandSpec,
        cancel: &CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError>;

    /// What became of a command that an earlier process may have begun. Waits until nothing of it runs.
    async fn reconcile(&self, command: &CommandSpec) -> CommandRecord;

    /// Forgets what is kept of a command whose end is in the journal. One that is not over yet is left alone.
    async fn forget(&self, _command: &CommandSpec) {}
}

/// Exactly what a command would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Command line, real working folder, a hash of the environment that it gets, real paths and hosts: equal
    /// values mean the same run.
    pub binding: Value,
    /// What it gets beyond the sandbox and how far that can be enforced here: name and value, for a card.
    pub facts: Vec<(String, String)>,
}

/// What a sandbox enforces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxReport {
    /// Everything required is in force; if not, every command asks.
    pub enforced: bool,
    /// What is missing and how to get it, one sentence each, for `agent doctor`.
    pub missing: Vec<String>,
}

/// A command to run.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    /// The call's key.
    pub key: CallKey,
    /// The command line for the shell.
    pub command: String,
    /// Where it runs, absolute.
    pub working_dir: PathBuf,
    /// How long it may run.
    pub timeout: Duration,
    /// The file that takes standard output and error, mixed as they come.
    pub output: PathBuf,
    /// The folder that takes the command's lock and outcome; made if it is not there. The records in it of all
    /// other commands are forgotten when this one begins, but for those that still run and those in `kept`.
    pub record_dir: PathBuf,
    /// Keys of commands in the same folder whose end is not in the journal yet (jobs).
    pub kept: Vec<CallKey>,
    /// What it gets beyond the sandbox; whoever asks for it has had it allowed.
    pub wider: Option<Wider>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandEnd {
    /// How.
    pub ending: CommandEnding,
    /// Bytes of output in the file.
    pub kept_bytes: u64,
    /// Bytes of output that the command wrote.
    pub total_bytes: u64,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
}

/// The manner of a command's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum CommandEnding {
    /// It exited by itself.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// Its time was up and it was killed.
    TimedOut,
    /// It was killed because it was cancelled or its parent died.
    Stopped,
}

/// What is known of a command afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandRecord {
    /// It never began.
    NotStarted,
    /// It ended; [`CommandEnding::Stopped`] means that it was cut off.
    Ended(CommandEnd),
    /// Nothing can tell (power loss, a helper that was killed).
    Unknown(String),
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It must not run here; the sentence is for the model and names the way out.
    #[error("{0}")]
    Refused(String),
    /// The sandbox itself failed; nothing ran.
    #[error("the sandbox failed: {0}")]
    Failed(String),
}
