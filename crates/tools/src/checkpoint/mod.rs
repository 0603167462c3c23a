//! Checkpoints: what the files of a working folder were before a turn changed them, and the way back.
//! Invariant: what a call is about to change is on the disk before it is changed, or it is said that there is no
//! way back; nothing outside the working folder is read or written.
//! It must not know what a change is for, or who asks to take it back.
//!
//! `file.*` keeps the one file that it changes. A command may change anything, so a picture of the working
//! folder is taken before it and compared afterwards. What Git ignores, Git's own folder and private paths are
//! left out of pictures; large files are in it without their content.

mod between;
mod command;
mod diff;
mod durable;
mod keep;
mod log;
mod look;
mod lost;
mod newest;
mod packing;
mod picture;
mod restore;
mod state;
mod store;
mod sweep;
mod taken;
mod tree;
mod undo;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use corvid_core::wire::SessionId;
use corvid_sandbox::paths::RealPaths;

pub use diff::{DiffBody, DiffKind, FileDiff};
pub use undo::UndoReport;

use newest::Newest;
use store::Store;

/// Where checkpoints are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// The folder that takes them; made when the first is kept.
    pub root: PathBuf,
    /// The most bytes that they may take; the oldest go first.
    pub max_bytes: u64,
    /// How long they are kept.
    pub keep: Duration,
    /// Files and folders that are never looked at (credentials, Corvid's own state); need not exist.
    pub private: Vec<PathBuf>,
}

/// The checkpoints of all sessions. Its methods block; call them where that is allowed.
#[derive(Debug)]
pub struct Checkpoints {
    config: CheckpointConfig,
    store: Store,
    private: OnceLock<Vec<PathBuf>>,
    pictures: Mutex<VecDeque<Arc<Newest>>>,
    unfit: Mutex<VecDeque<command::UnfitTurn>>,
}

/// A turn that has checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnChanges {
    /// The turn.
    pub turn: u32,
    /// How many files it changed.
    pub files: usize,
    /// What of it cannot be taken back, one sentence each.
    pub lost: Vec<String>,
    /// Whether it was undone.
    pub undone: bool,
}

/// Why checkpoints cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The turn changed nothing, or what it changed is not kept any more.
    #[error(
        "nothing is kept of turn {turn} of session `{session}`; it changed no file, or its checkpoint expired \
         (`checkpoints.keep_days`, `checkpoints.max_mb`)"
    )]
    Nothing {
        /// The session.
        session: SessionId,
        /// The turn.
        turn: u32,
    },
    /// The store failed.
    #[error("checkpoints in `{}` cannot be {action}: {source}", root.display())]
    Store {
        /// The store's folder.
        root: PathBuf,
        /// What was tried, a participle.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl PartialEq for Checkpoints {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl Eq for Checkpoints {}

impl Checkpoints {
    /// Checkpoints that are kept as `config` says. Touches nothing yet.
    pub fn new(config: CheckpointConfig) -> Self {
        Self {
            store: Store::new(config.root.clone()),
            config,
            private: OnceLock::new(),
            pictures: Mutex::default(),
            unfit: Mutex::default(),
        }
    }

    /// The turns of a session that changed something, the first one first.
    ///
    /// # Errors
    /// [`CheckpointError::Store`].
    pub fn turns(&self, session: &SessionId) -> Result<Vec<TurnChanges>, CheckpointError> {
        let folder = self.store.session(session);
        let failed = |error| self.failed("read", error);
        let turns = log::turns(&folder).map_err(failed)?;
        let read = turns.into_iter().map(|turn| {
            let net = log::net(log::read(&folder.join(turn.to_string())).map_err(failed)?);
            Ok(TurnChanges {
                turn,
                files: net.files().count(),
                lost: net.lost,
                undone: net.undone,
            })
        });
        read.collect()
    }

    /// The newest turn of a session with a command whose end is not known: it runs, or its process has died and
    /// nobody has gone on with the session.
    ///
    /// # Errors
    /// [`CheckpointError::Store`].
    pub fn open_turn(&self, session: &SessionId) -> Result<Option<u32>, CheckpointError> {
        Ok(self.open_turns(session)?.last().copied())
    }

    /// Lets everything go that is kept of a session's turns. What the bytes take is free after the next look at them
    /// all.
    ///
    /// # Errors
    /// [`CheckpointError::Store`].
    pub fn forget(&self, session: &SessionId) -> Result<(), CheckpointError> {
        match std::fs::remove_dir_all(self.store.session(session)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("removed", error))
            }
            _ => Ok(()),
        }
    }

    /// How many bytes the checkpoints take, about.
    ///
    /// # Errors
    /// [`CheckpointError::Store`].
    pub fn size(&self) -> Result<u64, CheckpointError> {
        let usage = self.store.usage();
        Ok(usage.map_err(|error| self.failed("read", error))?.bytes)
    }

    /// What a turn came to, unless that is nothing.
    fn net(&self, session: &SessionId, turn: u32) -> Result<log::Net, CheckpointError> {
        let file = log::file(&self.store, session, turn);
        let records = log::read(&file).map_err(|error| self.failed("read", error))?;
        let mut net = log::net(records);
        if self.open_turns(session)?.contains(&turn) {
            net.lost.push(format!(
                "a command was cut off, and what it changed is looked at when the session goes on (`agent run -s \
                 {session}`)"
            ));
        }
        if net.changes.is_empty() && net.lost.is_empty() {
            return Err(CheckpointError::Nothing {
                session: session.clone(),
                turn,
            });
        }
        Ok(net)
    }

    fn open_turns(&self, session: &SessionId) -> Result<BTreeSet<u32>, CheckpointError> {
        let open = self.store.open_turns(session);
        open.map_err(|error| self.failed("read", error))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> CheckpointError {
        CheckpointError::Store {
            root: self.store.root().to_owned(),
            action,
            source,
        }
    }

    /// Whether a real path is private; the store itself is.
    fn is_private(&self, real: &Path) -> bool {
        self.private()
            .iter()
            .any(|private| real.starts_with(private))
    }

    /// The private paths beneath a folder, relative to it.
    fn private_beneath(&self, folder: &Path) -> Vec<PathBuf> {
        let beneath = self
            .private()
            .iter()
            .filter_map(|private| private.strip_prefix(folder).ok());
        beneath.map(Path::to_owned).collect()
    }

    fn private(&self) -> &[PathBuf] {
        self.private.get_or_init(|| {
            let given = self.config.private.iter().chain([&self.config.root]);
            let mut real_paths = RealPaths::default();
            given
                .flat_map(|path| [path.clone(), real_paths.of(path)])
                .collect()
        })
    }
}
