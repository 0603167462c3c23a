//! What undoing is about to replace or remove, kept aside as it is: a person may have had a hand in it.
//! Invariant: when `keep` returns, just what was seen is on the disk; no link is followed, neither to it nor to
//! where it is kept.
//! It must not know why it goes, or when what is kept does.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use corvid_core::wire::SessionId;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::durable::{private_folder, sync_folder};
use super::restore::sync;
use super::state::{FileState, State};
use super::store::Store;
use super::tree::{Tree, described, file_time, reopen};

/// What one undoing keeps aside, in a folder of its own.
pub(super) struct Taken<'a> {
    store: &'a Store,
    /// The most bytes that the store may take.
    max_bytes: u64,
    session: PathBuf,
    turn: u32,
    folder: Option<(PathBuf, OwnedFd)>,
    is_empty: bool,
}

impl<'a> Taken<'a> {
    /// Nothing so far; touches nothing yet.
    pub(super) fn new(
        (store, max_bytes): (&'a Store, u64),
        session: &SessionId,
        turn: u32,
    ) -> Self {
        Self {
            store,
            max_bytes,
            session: store.folder("taken").join(session.as_str()),
            turn,
            folder: None,
            is_empty: true,
        }
    }

    /// The folder, if something is kept in it.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let (folder, _) = self.folder.as_ref().filter(|_| !self.is_empty)?;
        Some(folder.clone())
    }

    /// Keeps a file or link that was `seen` at a path of the tree.
    pub(super) fn keep(&mut self, tree: &Tree, path: &Path, seen: &State) -> io::Result<()> {
        let bytes = match seen {
            State::File(seen) => seen.len,
            State::Link { to } => to.path().as_os_str().len() as u64,
            State::Absent | State::Folder { .. } | State::Other => return Ok(()),
        };
        if self.store.usage()?.bytes.saturating_add(bytes) > self.max_bytes {
            let full = "checkpoints would take more than `checkpoints.max_mb` allows";
            return Err(io::Error::other(full));
        }
        let name = Path::new(path.file_name().ok_or(ErrorKind::InvalidInput)?);
        let parent = self.parent(path.parent().unwrap_or(Path::new("")))?;
        match seen {
            State::File(seen) => copy((tree, path, seen), (&parent, name))?,
            State::Link { to } => rustix::fs::symlinkat(to.path(), &parent, name)?,
            State::Absent | State::Folder { .. } | State::Other => {}
        }
        self.is_empty = false;
        sync(&parent)?;
        self.store.add_usage(bytes)
    }

    /// The folder that takes what is in a folder of the tree, made with those above it.
    fn parent(&mut self, folder: &Path) -> io::Result<OwnedFd> {
        let mut at = self.made()?.try_clone()?;
        for component in folder.components() {
            let Component::Normal(name) = component else {
                return Err(ErrorKind::InvalidInput.into());
            };
            match rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o700)) {
                Ok(()) => sync(&at)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = folder_at(&at, Path::new(name))?;
        }
        Ok(at)
    }

    /// The folder of this undoing, made when it is needed first.
    fn made(&mut self) -> io::Result<&OwnedFd> {
        let made = match self.folder.take() {
            Some(made) => made,
            None => self.make()?,
        };
        Ok(&self.folder.insert(made).1)
    }

    fn make(&self) -> io::Result<(PathBuf, OwnedFd)> {
        private_folder(&self.session)?;
        let mut millis = file_time() / 1_000_000;
        let folder = loop {
            let folder = self.session.join(format!("{}-{millis}", self.turn));
            match DirBuilder::new().mode(0o700).create(&folder) {
                // The same turn was undone in the same moment.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => millis += 1,
                made => break made.map(|()| folder)?,
            }
        };
        for above in self.session.ancestors().take(3) {
            sync_folder(above)?;
        }
        let opened = folder_at(rustix::fs::CWD, &folder)?;
        Ok((folder, opened))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some((folder, _)) = self.folder.as_ref().filter(|_| self.is_empty)
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::debug!(%error, "a folder in which nothing is kept stays until it expires");
        }
    }
}

/// Copies a file, sharing its blocks where the file system can.
fn copy(
    (tree, path, seen): (&Tree, &Path, &FileState),
    (parent, name): (&OwnedFd, &Path),
) -> io::Result<()> {
    let handle = tree.handle(path, OFlags::NOFOLLOW)?;
    still(&handle, seen)?;
    let source = File::from(reopen(&handle, OFlags::empty())?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?;
    let mut target = File::from(target);
    // One byte more than was seen tells a file that has grown meanwhile.
    let copied = io::copy(&mut (&source).take(seen.len.saturating_add(1)), &mut target)
        .and_then(|copied| {
            if copied == seen.len {
                still(&source, seen)
            } else {
                Err(changed())
            }
        })
        .and_then(|()| target.sync_all());
    if copied.is_err()
        && let Err(error) = rustix::fs::unlinkat(parent, name, AtFlags::empty())
    {
        tracing::debug!(%error, "half a copy stays until it expires");
    }
    copied
}

/// Checks that a file is the one that was seen, as it was.
fn still(file: impl AsFd, seen: &FileState) -> io::Result<()> {
    match described(&rustix::fs::fstat(file)?) {
        State::File(now) if now.stamp == seen.stamp => Ok(()),
        _ => Err(changed()),
    }
}

fn changed() -> io::Error {
    io::Error::other("it changed in that moment")
}

fn folder_at(above: impl AsFd, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(above, name, flags, Mode::empty())?)
}
