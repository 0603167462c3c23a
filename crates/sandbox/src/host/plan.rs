//! What the three processes of a command say to each other: one JSON line each.
//! Invariant: a line to the parent is shorter than what a pipe takes whole, so it is never torn.
//! It must not know how a line is acted on.

use std::path::PathBuf;

use corvid_core::CommandEnd;
use serde::{Deserialize, Serialize};

use super::config::{Isolation, Limits};

/// The hidden first argument of the helper executable.
pub(crate) const STAGE_WORD: &str = "__corvid-sandbox";

/// The second argument: which stage. The supervisor's third is the word of its isolation.
pub(crate) const SUPERVISE: &str = "supervise";
/// The stage that confines itself, where asked to, and begins the command.
pub(crate) const CONFINE: &str = "confine";
/// The stage that begins the command on a system of which nothing is known.
pub(crate) const BEGIN: &str = "begin";
/// The stage that only says whether namespaces can be had.
pub(crate) const PROBE: &str = "probe";

/// What the supervisor is told. It is not shown: secrets are in it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The folder of the record.
    pub(crate) record_dir: PathBuf,
    /// The name of the record's files.
    pub(crate) key: String,
    /// The file that takes the output.
    pub(crate) output: PathBuf,
    /// When to end the command, in milliseconds after its start.
    pub(crate) timeout_ms: u64,
    /// What the output must not show, by name. It goes over a pipe to the supervisor and no further.
    pub(crate) secrets: Vec<(String, String)>,
    /// What is done in the confining stage.
    pub(crate) confinement: Confinement,
}

/// What the confining stage is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Confinement {
    /// The shell.
    pub(crate) shell: PathBuf,
    /// The command line for it.
    pub(crate) command: String,
    /// Where it runs and what it may write, a real path.
    pub(crate) working_dir: PathBuf,
    /// Files and folders that it may write beside, real paths.
    pub(crate) writable: Vec<PathBuf>,
    /// What in the working folder must look empty, real paths; only where there are namespaces.
    pub(crate) hidden: Vec<PathBuf>,
    /// The private temp folder.
    pub(crate) temp: PathBuf,
    /// What it may read and execute, real paths.
    pub(crate) executable: Vec<PathBuf>,
    /// What it may read.
    pub(crate) readable: Vec<PathBuf>,
    /// Its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What it may use.
    pub(crate) limits: Limits,
    /// What of the system's isolation is used.
    pub(crate) isolation: Isolation,
    /// The port of the checking proxy on the command's loopback, if it may reach hosts.
    pub(crate) proxy: Option<u16>,
}

/// What the supervisor tells the parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notice {
    /// The newest line of output.
    Progress(String),
    /// The command ended; the outcome file says the same.
    Ended(CommandEnd),
    /// Nothing ran, and why.
    Failed(String),
    /// Nothing ran: there are no namespaces, or they are half there.
    NoNamespaces(String),
}

/// What the confining stage tells the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Exit {
    /// The shell exited with this code.
    Code(i32),
    /// A signal ended the shell.
    Signal(i32),
}

/// Why the shell never began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unbegun {
    /// For this reason.
    Failed(String),
    /// There are namespaces, but none in which to mount: they are of no use.
    NoNamespaces(String),
}

impl From<String> for Unbegun {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// The confining stage's one line: how the shell ended, or why it never began.
pub(crate) type Finding = Result<Exit, Unbegun>;
