//! The newest picture of each working folder, on the disk for everybody and in memory for the next command.
//! Invariant: the picture under a folder's name is whole, and what it keeps is on the disk; a command that is
//! under way has the picture from before it under a name of its own.
//! It must not know how a picture is taken or what it is compared with.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use corvid_core::Invocation;

use super::Checkpoints;
use super::durable::{self, Durable};
use super::picture::Picture;

/// How many pictures are held in memory.
const IN_MEMORY: usize = 2;

/// A folder's newest picture.
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) picture: Picture,
    /// Which file it is in; one that replaces it is another.
    file: FileId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    ino: u64,
    modified: (i64, i64),
    bytes: u64,
}

impl Checkpoints {
    /// The newest picture of a working folder, if there is one that can be read.
    pub(super) fn newest(&self, working_dir: &Path) -> Option<Arc<Newest>> {
        let path = self.store.picture(working_dir);
        let file = FileId::of(&path).ok()?;
        let known = |newest: &&Arc<Newest>| newest.file == file;
        if let Some(newest) = self.in_memory().iter().find(known) {
            return Some(Arc::clone(newest));
        }
        let picture = std::fs::read(&path)
            .and_then(|content| Ok(serde_json::from_slice::<Picture>(&content)?))
            .inspect_err(|error| tracing::debug!(%error, "a picture is taken anew"))
            .ok()?;
        (picture.folder.path() == working_dir).then(|| self.remember(Newest { picture, file }))
    }

    /// Makes a picture the newest of its folder.
    pub(super) fn publish(&self, picture: Picture) -> io::Result<Arc<Newest>> {
        let path = self.store.picture(picture.folder.path());
        let content = serde_json::to_vec(&picture)?;
        // What keeps nothing protects nothing from a loss of power.
        let durable = if picture.keeps() {
            Durable::Yes
        } else {
            Durable::No
        };
        durable::publish(&path, &content, durable)?;
        self.store.add_usage(content.len() as u64)?;
        let file = FileId::of(&path)?;
        Ok(self.remember(Newest { picture, file }))
    }

    /// Keeps the picture from before a command under the command's name, until [`Self::close`].
    pub(super) fn open(&self, call: &Invocation, newest: &Newest) -> io::Result<()> {
        let path = self.store.open(call);
        // A call that was prepared before and did not begin leaves one behind.
        self.close(call);
        let linked = std::fs::hard_link(self.store.picture(newest.picture.folder.path()), &path);
        // Somebody else may have taken a newer picture meanwhile, and not every file system has hard links.
        if linked.is_ok() && FileId::of(&path)? == newest.file {
            return Ok(());
        }
        let content = serde_json::to_vec(&newest.picture)?;
        durable::publish(&path, &content, Durable::No)?;
        self.store.add_usage(content.len() as u64)
    }

    /// Lets go of the picture from before a command.
    pub(super) fn close(&self, call: &Invocation) {
        match std::fs::remove_file(self.store.open(call)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(%error, "a picture stays until it expires");
            }
            _ => {}
        }
    }

    fn remember(&self, newest: Newest) -> Arc<Newest> {
        let newest = Arc::new(newest);
        let mut pictures = self.in_memory();
        pictures.retain(|known| known.picture.folder != newest.picture.folder);
        pictures.truncate(IN_MEMORY - 1);
        pictures.push_front(Arc::clone(&newest));
        newest
    }

    fn in_memory(&self) -> std::sync::MutexGuard<'_, std::collections::VecDeque<Arc<Newest>>> {
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let stat = std::fs::symlink_metadata(path)?;
        Ok(Self {
            ino: stat.ino(),
            modified: (stat.mtime(), stat.mtime_nsec()),
            bytes: stat.len(),
        })
    }
}
