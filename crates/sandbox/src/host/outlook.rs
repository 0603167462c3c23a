//! Whether commands get namespaces of their own, as far as this process knows.
//! Invariant: what was once found missing stays missing; where nothing stands in the way they are expected, and
//! a supervisor that gets none says so before anything runs.
//! It must not know what is lost without them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::config::Isolation;
use super::plan::{PROBE, STAGE_WORD};
use super::system::{self, Outlook};

/// What is known of namespaces.
#[derive(Debug)]
pub(super) struct Namespaces {
    helper: PathBuf,
    /// Whether they are to be used at all.
    wanted: bool,
    /// What looking told, the first time.
    looked: OnceLock<bool>,
    /// Set once a supervisor got none.
    lost: AtomicBool,
}

impl Namespaces {
    pub(super) fn new(helper: PathBuf, isolation: Isolation) -> Self {
        Self {
            helper,
            wanted: isolation == Isolation::Full,
            looked: OnceLock::new(),
            lost: AtomicBool::new(false),
        }
    }

    /// Whether commands are expected to get them.
    pub(super) fn are_there(&self) -> bool {
        self.wanted
            && !self.lost.load(Ordering::Relaxed)
            && *self.looked.get_or_init(|| self.look())
    }

    /// A supervisor got none.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Why there are none, by trying.
    pub(super) fn probe(&self) -> Result<(), String> {
        if !self.wanted {
            return Err(system::no_namespaces());
        }
        let tried = Command::new(&self.helper)
            .args([STAGE_WORD, PROBE])
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if tried.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&tried.stdout).into_owned())
    }

    fn look(&self) -> bool {
        match system::expected() {
            Outlook::Good => true,
            Outlook::None => false,
            Outlook::Unclear => self.probe().is_ok(),
        }
    }
}
