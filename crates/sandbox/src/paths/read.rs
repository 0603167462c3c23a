//! Reading files and folders in the allow-list.
//! Invariant: a handle is opened first and its real path is judged, so names can be swapped at will.
//! It must not know how much of a file somebody wants.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, OFlags};

use super::{Kind, PathError, Roots, Stat, beneath};

/// A regular file opened for reading.
#[derive(Debug)]
pub struct Opened {
    /// The file, at its beginning.
    pub file: File,
    /// What is known of it.
    pub stat: Stat,
}

/// A folder's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folder's real path.
    pub path: PathBuf,
    /// The first entries in the order of their names' bytes; private ones are left out.
    pub entries: Vec<Entry>,
    /// How many entries there are in all.
    pub total: usize,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: Kind,
    /// Bytes in the file; not meaningful for anything else.
    pub len: u64,
}

impl Roots {
    /// Opens a regular file in the allow-list for reading. Never hangs on a pipe or wakes a device.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn open_read(&self, path: &Path) -> Result<Opened, PathError> {
        let (handle, stat) = self.find(path)?;
        if stat.kind != Kind::File {
            return Err(PathError::NotAFile {
                path: path.to_owned(),
                kind: stat.kind,
            });
        }
        let file = beneath::reopen(&handle, OFlags::empty())
            .map_err(|error| PathError::from_io(path, "read", error))?;
        Ok(Opened {
            file: File::from(file),
            stat,
        })
    }

    /// What is known of a path in the allow-list.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn stat(&self, path: &Path) -> Result<Stat, PathError> {
        self.find(path).map(|(_, stat)| stat)
    }

    /// The first `limit` entries of a folder in the allow-list; memory is bounded by `limit`.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn list(&self, path: &Path, limit: usize) -> Result<Listing, PathError> {
        let failed = |error| PathError::from_io(path, "listed", error);
        let (handle, stat) = self.find(path)?;
        let folder = beneath::reopen(&handle, OFlags::DIRECTORY).map_err(failed)?;
        let mut names = BTreeSet::new();
        let mut total = 0;
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." || self.is_private(&stat.path.join(name)) {
                continue;
            }
            total += 1;
            names.insert(name.to_owned());
            if names.len() > limit {
                names.pop_last();
            }
        }
        let entries = names
            .into_iter()
            .filter_map(|name| describe(&folder, name))
            .collect();
        Ok(Listing {
            path: stat.path,
            entries,
            total,
        })
    }

    /// Opens a handle and judges where it really is.
    fn find(&self, path: &Path) -> Result<(OwnedFd, Stat), PathError> {
        let handle = beneath::handle_anywhere(&self.absolute(path)).map_err(|error| {
            // A link of `/proc` to another process's files is refused before it is followed.
            if error == rustix::io::Errno::LOOP {
                PathError::NotReadable {
                    path: path.to_owned(),
                }
            } else {
                PathError::from_io(path, "opened", error)
            }
        })?;
        let stat = self.judge(path, &handle)?;
        if !self.may_read(&stat.path) {
            return Err(PathError::NotReadable {
                path: path.to_owned(),
            });
        }
        Ok((handle, stat))
    }

    /// What an opened handle is on, unless nobody may read that.
    pub(super) fn judge(&self, path: &Path, handle: &OwnedFd) -> Result<Stat, PathError> {
        let failed = |error: io::Error| PathError::from_io(path, "opened", error);
        let real = beneath::real_path(handle).map_err(failed)?;
        if self.is_private(&real) {
            return Err(PathError::Private {
                path: path.to_owned(),
            });
        }
        if beneath::shows_processes(handle).map_err(failed)? {
            return Err(PathError::NotReadable {
                path: path.to_owned(),
            });
        }
        stat_of(handle, real).map_err(failed)
    }
}

fn stat_of(handle: impl AsFd, path: PathBuf) -> io::Result<Stat> {
    let stat = File::from(handle.as_fd().try_clone_to_owned()?).metadata()?;
    let kind = if stat.is_file() {
        Kind::File
    } else if stat.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    };
    Ok(Stat {
        path,
        kind,
        len: stat.len(),
        modified: stat.modified().ok(),
    })
}

fn describe(folder: &OwnedFd, name: OsString) -> Option<Entry> {
    // What vanished since the folder was read is no entry any more.
    let stat = rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    };
    Some(Entry {
        name,
        kind,
        len: u64::try_from(stat.st_size).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_processes_are_known_by_what_they_are() {
        let check = |path: &Path, expect: bool| {
            let handle = beneath::handle_anywhere(path).unwrap();
            assert_eq!(
                beneath::shows_processes(&handle).unwrap(),
                expect,
                "{path:?}"
            );
        };
        check(Path::new("/proc"), true);
        check(Path::new("/proc/self/environ"), true);
        check(Path::new("/usr"), false);
        let roots = Roots::new(tempfile::tempdir().unwrap().path(), &[], &[]).unwrap();
        let environment = beneath::handle_anywhere(Path::new("/proc/self/environ")).unwrap();
        let judged = roots.judge(Path::new("linked/environ"), &environment);
        assert!(
            matches!(judged, Err(PathError::NotReadable { .. })),
            "{judged:?}"
        );
    }
}
