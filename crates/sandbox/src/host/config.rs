//! What the binary hands to the host sandbox.
//! Invariant: nothing here is read from the machine; the binary composes it once.
//! It must not know how any of it is enforced.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use corvid_core::redact::Redactor;

use crate::egress::{Resolve, SystemResolver};

/// How long a supervisor that is ready waits for its command: while a model thinks of the next one, but not in an
/// idle process.
const SPARE_FOR: Duration = Duration::from_secs(10);

/// How the host sandbox is set up. It is not shown: keys live in an environment.
pub struct HostConfig {
    /// The executable whose `main` begins with [`crate::enter`]; it is run again for every command.
    pub helper: PathBuf,
    /// What no command may come near: Corvid's own folders and [`crate::credential_paths`].
    pub private: Vec<PathBuf>,
    /// Folders that commands may read and execute beside the system's own (toolchains).
    pub readable: Vec<PathBuf>,
    /// The environment that commands may inherit from; only the names on the allow-list are taken.
    pub environment: Vec<(String, String)>,
    /// Names that are taken from `environment` beside those on the allow-list, e.g. `CARGO_HOME`.
    pub variables: Vec<String>,
    /// Hosts that may be reached, once granted, although their addresses are private: patterns as for `hosts`.
    pub private_hosts: Vec<String>,
    /// Finds the addresses of granted hosts.
    pub resolver: Arc<dyn Resolve>,
    /// What no output file may show.
    pub redactor: Arc<Redactor>,
    /// What one command may use.
    pub limits: Limits,
    /// How much of the system's isolation is used.
    pub isolation: Isolation,
    /// How long a supervisor that is ready beforehand waits for its command; zero means that there is none.
    pub spare_for: Duration,
}

impl HostConfig {
    /// The defaults around a helper executable.
    pub fn new(helper: impl Into<PathBuf>) -> Self {
        Self {
            helper: helper.into(),
            private: Vec::new(),
            readable: Vec::new(),
            environment: Vec::new(),
            variables: Vec::new(),
            private_hosts: Vec::new(),
            resolver: Arc::new(SystemResolver),
            redactor: Arc::default(),
            limits: Limits::default(),
            isolation: Isolation::Full,
            spare_for: SPARE_FOR,
        }
    }
}

/// What one command may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Bytes of output that are kept from its beginning; the rest is counted, and its end kept too.
    pub output_bytes: u64,
    /// Bytes of one file that it writes.
    pub file_bytes: u64,
    /// Bytes of data in one process. Address space as such is free: runtimes reserve far more than they use.
    pub memory_bytes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processes and threads at once; enforced where the command has namespaces of its own.
    pub processes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_bytes: 64 << 20,
            file_bytes: 8 << 30,
            memory_bytes: 8 << 30,
            open_files: 4096,
            processes: 2048,
        }
    }
}

/// How much of the system's isolation is used. Anything but [`Isolation::Full`] is for tests, which
/// prove what holds on systems that have less; a system that has less is treated like that by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Isolation {
    /// Everything that the system allows.
    Full,
    /// As on a system that allows no namespaces (many containers). Landlock and the filter hold, but a
    /// command has no loopback and no `/proc` of its own, its processes are not counted, and it can change
    /// permissions and times (not contents) of the user's own files elsewhere. So every command asks.
    WithoutNamespaces,
    /// As on a system that allows no namespaces and whose Landlock is older than ABI 6. Signals then go to
    /// the command's own group only, not to single processes; a runtime's signals to its own threads
    /// (abort, pre-emption, real-time ones) cannot be told from the same to others.
    WithoutScopes,
    /// As on a Linux that has no Landlock, or an old one. Nothing is enforced, so every command asks; one that
    /// is allowed is watched over and ended like any other.
    WithoutLandlock,
    /// As on a system of which nothing is known. Nothing is enforced, so every command asks; one that is allowed
    /// is ended with its process group, and what it puts into a session of its own can outlive it.
    Nothing,
}

impl Isolation {
    /// Each with the word by which a supervisor is told of it.
    const WORDS: [(Self, &str); 5] = [
        (Self::Full, "full"),
        (Self::WithoutNamespaces, "without-namespaces"),
        (Self::WithoutScopes, "without-scopes"),
        (Self::WithoutLandlock, "without-landlock"),
        (Self::Nothing, "nothing"),
    ];

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words
            .find(|(isolation, _)| *isolation == self)
            .map_or("", |(_, word)| word)
    }

    /// The one with that word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words
            .find(|(_, known)| *known == word)
            .map(|(isolation, _)| *isolation)
    }

    /// Whether commands are confined at all.
    pub(crate) fn confines(self) -> bool {
        !matches!(self, Self::WithoutLandlock | Self::Nothing)
    }

    /// Whether all that there is of a command can be ended at once, without looking for it.
    pub(crate) fn ends_as_one(self) -> bool {
        matches!(self, Self::Full | Self::Nothing)
    }
}
