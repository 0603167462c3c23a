//! What a daemon's gateway needs of the machine around it: folders, files that were sent along, checkpoints, an ear.
//! Invariant: whoever implements it follows no link out of a folder and lets nobody into Corvid's private places.
//! It must not know conversations.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use corvid_core::wire::{Address, SessionId};

/// The machine around the gateway.
#[async_trait]
pub trait Surroundings: Send + Sync {
    /// The folder of a session that was begun in a messenger; made if it is not there.
    ///
    /// # Errors
    /// One sentence for the person.
    async fn session_folder(&self, session: &SessionId) -> Result<PathBuf, String>;

    /// A folder that an owner names for a session (absolute, or beginning with `~`), as it is to be kept.
    ///
    /// # Errors
    /// One sentence for the person: it is no folder, or one of Corvid's own.
    async fn check_folder(&self, named: &str) -> Result<PathBuf, String>;

    /// Moves a fetched file to `inbox/` in a working folder, under this name or one like it; the same `key` always
    /// has the same place. Returns the path within the folder.
    ///
    /// # Errors
    /// One sentence for the person.
    async fn keep_file(
        &self,
        folder: &Path,
        key: &str,
        name: &str,
        fetched: &Path,
    ) -> Result<String, String>;

    /// What was said in a recording.
    ///
    /// # Errors
    /// See [`Unheard`].
    async fn transcribe(&self, recording: &Path, media_type: &str) -> Result<String, Unheard>;

    /// Takes back what the last turn that changed something changed in files, through
    /// [`crate::Gateway::undo`], and says what came of it.
    ///
    /// # Errors
    /// One sentence for the person.
    async fn undo(
        &self,
        gateway: &crate::Gateway,
        session: &SessionId,
        from: &Address,
        person: &str,
    ) -> Result<String, String>;

    /// Removes what is kept of sessions beside the journal: outputs, checkpoints. Their working folders stay.
    async fn forget(&self, sessions: &[SessionId]);
}

/// Why a recording was not transcribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Nobody has set up who does it; one sentence says how.
    NotSetUp(String),
    /// It did not work; one sentence.
    Failed(String),
}
