//! What the built-in tools are held to.
//! Invariant: every limit that a tool keeps is named here, once.
//! It must not know where the values were configured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use corvid_core::Checked;
use corvid_core::wire::Effect;

use crate::checkpoint::Checkpoints;

/// Limits of the built-in tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long a call may run unless it asks for another time.
    pub timeout: Duration,
    /// The longest time that a call may ask for.
    pub max_timeout: Duration,
    /// How long a command may run in the background unless it asks for another time.
    pub background: Duration,
    /// The longest time that it may ask for.
    pub max_background: Duration,
    /// Characters of output that the model gets of one call, markers not counted.
    pub output_chars: usize,
    /// Bytes of the largest file that `file.edit` and `file.write` change or make.
    pub max_file_bytes: u64,
    /// Folders that `file.*` may read beside the working folder and the system's own; need not exist.
    pub readable: Vec<PathBuf>,
    /// Files and folders that `file.*` never touches (credentials, Corvid's own state); need not exist.
    pub private: Vec<PathBuf>,
    /// What `~` stands for where a call names a place; none if it stands for nothing.
    pub home: Option<PathBuf>,
    /// Takes what files are before they are changed; none if nothing is kept.
    pub checkpoints: Option<Arc<Checkpoints>>,
}

impl Default for Config {
    /// The defaults of the design: 30 s, at most 300 s, 10,000 characters; files of up to 8 MiB; in the
    /// background an hour, at most a day.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_timeout: Duration::from_mins(5),
            background: Duration::from_hours(1),
            max_background: Duration::from_hours(24),
            output_chars: 10_000,
            max_file_bytes: 8 * 1024 * 1024,
            readable: Vec::new(),
            private: Vec::new(),
            home: None,
            checkpoints: None,
        }
    }
}

impl Config {
    /// A checked call that stays in the sandbox and takes the usual time.
    pub(crate) fn checked(&self, effect: Effect, resource: String) -> Checked {
        Checked {
            effect,
            resource,
            also: Vec::new(),
            wider: None,
            timeout_ms: milliseconds(self.timeout),
            inquiry: None,
        }
    }
}

/// A time as the journal counts it.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
