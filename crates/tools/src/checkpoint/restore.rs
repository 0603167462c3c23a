//! Putting files, links and folders of a working folder back, one at a time.
//! Invariant: a name is given new content at once or never; no link is followed on the way to it, and a link
//! under the name itself is replaced, never written through.
//! It must not know why something is put back, or whether it may.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use corvid_core::draw::external_id;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;

use super::state::{Change, State};
use super::store::Store;
use super::tree::{Tree, reopen, state_at};

impl Tree {
    /// Puts a file or link back as it was before a change, in place of what is there now.
    pub(super) fn put_back(&self, store: &Store, change: &Change, now: &State) -> io::Result<()> {
        let path = change.path.path();
        match &change.before {
            State::File(former) => {
                // Permissions that the turn did not change are the person's.
                let mode = match (now.mode(), change.after.mode()) {
                    (Some(now), Some(after)) if now != after || after == former.mode => now,
                    _ => former.mode,
                };
                if now.has_content_of(&change.before) {
                    return self.set_mode(path, mode);
                }
                match store.content(former)? {
                    Some(content) => self.put_file(path, &content, mode, now),
                    None => Err(io::Error::other("its former content is not kept any more")),
                }
            }
            State::Link { to } => self.put_link(path, to.path(), now),
            State::Absent | State::Folder { .. } | State::Other => Ok(()),
        }
    }

    /// Puts a file there. `expected` is what is there now: what is nothing is not replaced.
    pub(super) fn put_file(
        &self,
        path: &Path,
        content: &[u8],
        mode: u32,
        expected: &State,
    ) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let scratch = Scratch::new(&parent);
        let file = rustix::fs::openat(
            &parent,
            &scratch.name,
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::from_raw_mode(0o600),
        )?;
        let mut file = File::from(file);
        file.write_all(content)?;
        self.give_owner(&file, &parent, path)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        file.sync_all()?;
        scratch.publish(name, expected)
    }

    /// Puts a link there, likewise.
    pub(super) fn put_link(&self, path: &Path, to: &Path, expected: &State) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let scratch = Scratch::new(&parent);
        rustix::fs::symlinkat(to, &parent, &scratch.name)?;
        scratch.publish(name, expected)
    }

    /// Makes a folder with its permissions.
    pub(super) fn put_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700))?;
        self.set_mode(path, mode)?;
        sync(&parent)
    }

    /// Removes a file or link that is just as `expected`.
    pub(super) fn remove(&self, path: &Path, expected: &State) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        still(&parent, name, expected)?;
        rustix::fs::unlinkat(&parent, name, AtFlags::empty())?;
        sync(&parent)
    }

    /// Removes an empty folder; says whether it was empty.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<bool> {
        let (parent, name) = self.parent(path)?;
        match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY) => return Ok(false),
            removed => removed?,
        }
        sync(&parent)?;
        Ok(true)
    }

    /// Sets the permissions of a file or folder.
    pub(super) fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        // Not through the name: that may be another file's by now. Nor by opening it: it may not be readable.
        let handle = self.handle(path, OFlags::NOFOLLOW)?;
        let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
        Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode))?)
    }

    /// The folder that a path is in, and its name there.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a Path)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok((self.handle(folder, OFlags::DIRECTORY)?, Path::new(name)))
    }

    /// Gives a file to whoever has the one that it replaces, or else the folder.
    fn give_owner(&self, file: &File, parent: &OwnedFd, path: &Path) -> io::Result<()> {
        let stat = match self.handle(path, OFlags::NOFOLLOW) {
            Ok(former) => rustix::fs::fstat(former)?,
            Err(_) => rustix::fs::fstat(parent)?,
        };
        let (owner, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        if let Err(error) = rustix::fs::fchown(file, Some(owner), Some(group)) {
            tracing::debug!(%error, "a restored file changes its owner");
        }
        Ok(())
    }
}

/// A name beside the one that is to be given; it goes away unless it is published.
struct Scratch<'a> {
    parent: &'a OwnedFd,
    name: String,
}

impl<'a> Scratch<'a> {
    fn new(parent: &'a OwnedFd) -> Self {
        Self {
            parent,
            name: format!(".corvid-{}.tmp", external_id()),
        }
    }

    fn publish(mut self, name: &Path, expected: &State) -> io::Result<()> {
        let how = match expected {
            State::Absent => RenameFlags::NOREPLACE,
            _ => RenameFlags::empty(),
        };
        if *expected != State::Absent {
            still(self.parent, name, expected)?;
        }
        rustix::fs::renameat_with(self.parent, &self.name, self.parent, name, how)?;
        self.name.clear();
        sync(self.parent)
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        match rustix::fs::unlinkat(self.parent, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => tracing::debug!(%error, "a scratch file stays behind"),
        }
    }
}

/// Checks that a name still leads to what was seen under it; as late as can be, for somebody may have saved the file
/// meanwhile.
fn still(parent: impl AsFd, name: &Path, expected: &State) -> io::Result<()> {
    let now = match state_at(parent, name) {
        Ok(now) => now,
        Err(Errno::NOENT) => State::Absent,
        Err(error) => return Err(error.into()),
    };
    let is_same = match (&now, expected) {
        (State::File(now), State::File(expected)) => now.stamp == expected.stamp,
        (now, expected) => now == expected,
    };
    is_same
        .then_some(())
        .ok_or_else(|| io::Error::other("it changed in that moment"))
}

/// Puts the names in a folder on the disk.
pub(super) fn sync(folder: &OwnedFd) -> io::Result<()> {
    match rustix::fs::fsync(reopen(folder, OFlags::DIRECTORY)?) {
        // Some file systems have nothing to sync a folder for.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
