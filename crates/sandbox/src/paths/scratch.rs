//! The file in which new content is made, beside the one whose name it will take.
//! Invariant: it goes away unless it is published, and its name says whose it is should its process be killed.
//! It must not know what it replaces, or whether it may.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::beneath;

/// A file under a name of its own that goes away unless it is published.
pub(super) struct Scratch<'a> {
    parent: &'a OwnedFd,
    name: String,
    file: File,
}

impl<'a> Scratch<'a> {
    pub(super) fn create(parent: &'a OwnedFd, key: &str) -> rustix::io::Result<Self> {
        let name = scratch_name(key);
        let file = rustix::fs::openat(
            parent,
            &name,
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::from_raw_mode(0o666),
        )?;
        Ok(Self {
            parent,
            name,
            file: File::from(file),
        })
    }

    pub(super) fn fill(&self, content: &[u8], like: Option<&OwnedFd>) -> io::Result<()> {
        if let Some(like) = like {
            let stat = rustix::fs::fstat(like)?;
            // Somebody else's file stays theirs where the system lets us; where not, it becomes ours.
            if let Err(error) = rustix::fs::fchown(
                &self.file,
                Some(rustix::fs::Uid::from_raw(stat.st_uid)),
                Some(rustix::fs::Gid::from_raw(stat.st_gid)),
            ) {
                tracing::debug!(%error, "a replaced file changes its owner");
            }
            rustix::fs::fchmod(&self.file, Mode::from_raw_mode(stat.st_mode & 0o777))?;
        }
        let mut file = &self.file;
        file.write_all(content)?;
        file.sync_all()
    }

    pub(super) fn publish(mut self, name: &Path, how: RenameFlags) -> rustix::io::Result<()> {
        rustix::fs::renameat_with(self.parent, &self.name, self.parent, name, how)?;
        self.name.clear();
        Ok(())
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if !self.name.is_empty()
            && let Err(error) = rustix::fs::unlinkat(self.parent, &self.name, AtFlags::empty())
        {
            tracing::debug!(%error, "a scratch file stays behind");
        }
    }
}

/// The name of the scratch file of the change with this key.
pub(super) fn scratch_name(key: &str) -> String {
    format!(".corvid-{key}.tmp")
}

/// Puts the names in a folder on the disk.
pub(super) fn sync(folder: &OwnedFd) -> io::Result<()> {
    let folder = beneath::reopen(folder, OFlags::DIRECTORY)?;
    match rustix::fs::fsync(folder) {
        // Some file systems have nothing to sync a folder for.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
