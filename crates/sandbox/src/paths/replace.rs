//! Writing files beneath the working folder, whole or not at all.
//! Invariant: the new content appears under the name at once or never, and no link leads the write
//! out of the working folder.
//! It must not know what the content means.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::scratch::{Scratch, scratch_name, sync};
use super::{Kind, Opened, PathError, Roots, Stat, beneath};

/// What a file must be for its replacement to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Whatever; there may be none.
    Anything,
    /// There is no such file.
    Absent,
    /// It has this content.
    Content(&'a [u8]),
}

/// A done replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The file's real path.
    pub path: PathBuf,
    /// Whether there was no such file before.
    pub created: bool,
}

/// Where a write ends: the opened parent folder, the name in it, and what is there now.
struct Target {
    parent: OwnedFd,
    name: PathBuf,
    real: PathBuf,
    now: Option<(OwnedFd, Stat)>,
}

impl Roots {
    /// Replaces a file beneath the working folder, or makes it, with the folders on the way. The new
    /// content is on the disk before it takes the name, and the name is when this returns. Permissions
    /// stay; a link that stays beneath the folder is written through, any other is refused. `key` names
    /// the change among all others: what it may leave behind if the process is killed, [`Self::discard`]
    /// finds by it.
    ///
    /// # Errors
    /// See [`PathError`]; the file is then as it was.
    pub fn replace(
        &self,
        path: &Path,
        content: &[u8],
        expect: Expect<'_>,
        key: &str,
    ) -> Result<Replaced, PathError> {
        let failed = |error: io::Error| PathError::from_io(path, "written", error);
        let target = self.target(path)?;
        let scratch = Scratch::create(&target.parent, key).map_err(|error| failed(error.into()))?;
        scratch
            .fill(content, target.now.as_ref().map(|(handle, _)| handle))
            .map_err(failed)?;
        // As late as can be: somebody may have saved the file while the new content went to the disk.
        self.check(path, expect)?;
        let how = match expect {
            // The file may appear between the look and the renaming.
            Expect::Absent => RenameFlags::NOREPLACE,
            Expect::Anything | Expect::Content(_) => RenameFlags::empty(),
        };
        scratch
            .publish(&target.name, how)
            .map_err(|error| match error {
                Errno::EXIST => PathError::Exists {
                    path: path.to_owned(),
                },
                error => failed(error.into()),
            })?;
        sync(&target.parent).map_err(failed)?;
        Ok(Replaced {
            path: target.real,
            created: target.now.is_none(),
        })
    }

    /// Opens the regular file that a write to `path` would replace; `None` if there is no such file.
    ///
    /// # Errors
    /// See [`PathError`]; a path that could not be written cannot be opened either.
    pub fn open_own(&self, path: &Path) -> Result<Option<Opened>, PathError> {
        let relative = self.relative(path)?;
        let Some((handle, stat)) = self.existing(path, &relative)? else {
            return Ok(None);
        };
        let file = beneath::reopen(&handle, OFlags::empty())
            .map_err(|error| PathError::from_io(path, "read", error))?;
        Ok(Some(Opened {
            file: File::from(file),
            stat,
        }))
    }

    /// Removes what a replacement of `path` under this key left behind when its process was killed.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn discard(&self, path: &Path, key: &str) -> Result<(), PathError> {
        let mut relative = self.relative(path)?;
        if let Some((_, stat)) = self.existing(path, &relative)? {
            relative = self.relative(&stat.path)?;
        }
        let folder = relative.parent().unwrap_or(Path::new(""));
        let removed = beneath::handle_beneath(&self.dir, folder)
            .and_then(|parent| rustix::fs::unlinkat(parent, scratch_name(key), AtFlags::empty()));
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.refused(path, error)),
        }
    }

    /// Finds where a write to `path` ends, making the folders on the way.
    fn target(&self, path: &Path) -> Result<Target, PathError> {
        let mut relative = self.relative(path)?;
        let now = self.existing(path, &relative)?;
        if let Some((_, stat)) = &now {
            // Through links to the file itself, so that the name that is replaced is the file's own.
            relative = self.relative(&stat.path)?;
        }
        let Some(name) = relative.file_name().map(PathBuf::from) else {
            return Err(PathError::NotAFile {
                path: path.to_owned(),
                kind: Kind::Folder,
            });
        };
        let folder = relative.parent().unwrap_or(Path::new(""));
        let parent = self.folder(path, folder)?;
        let real = beneath::real_path(&parent)
            .map_err(|error| PathError::from_io(path, "written", error))?
            .join(&name);
        if self.is_private(&real) {
            return Err(PathError::Private {
                path: path.to_owned(),
            });
        }
        Ok(Target {
            parent,
            name,
            real,
            now,
        })
    }

    fn check(&self, path: &Path, expect: Expect<'_>) -> Result<(), PathError> {
        let expected = match expect {
            Expect::Anything => return Ok(()),
            Expect::Absent => None,
            Expect::Content(content) => Some(content),
        };
        let owned = || path.to_owned();
        match (expected, self.open_own(path)?) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(PathError::Exists { path: owned() }),
            (Some(_), None) => Err(PathError::Changed { path: owned() }),
            (Some(expected), Some(now)) => {
                let same = holds(&now, expected)
                    .map_err(|error| PathError::from_io(path, "read", error))?;
                same.then_some(())
                    .ok_or_else(|| PathError::Changed { path: owned() })
            }
        }
    }

    /// The regular file that is there now, if any.
    fn existing(&self, path: &Path, relative: &Path) -> Result<Option<(OwnedFd, Stat)>, PathError> {
        let handle = match beneath::handle_beneath(&self.dir, relative) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.refused(path, error)),
        };
        let stat = self.judge(path, &handle)?;
        if stat.kind != Kind::File {
            return Err(PathError::NotAFile {
                path: path.to_owned(),
                kind: stat.kind,
            });
        }
        Ok(Some((handle, stat)))
    }

    /// Opens a folder beneath the working folder, making what is missing of it.
    fn folder(&self, path: &Path, relative: &Path) -> Result<OwnedFd, PathError> {
        let mut reached = PathBuf::new();
        let mut folder = beneath::handle_beneath(&self.dir, &reached)
            .map_err(|error| self.refused(path, error))?;
        for name in relative {
            reached.push(name);
            // Each step starts at the working folder again: a link on the way may lead up and back.
            folder = match beneath::handle_beneath(&self.dir, &reached) {
                Ok(next) => next,
                Err(Errno::NOENT) => {
                    self.make_folder(path, &folder, Path::new(name))?;
                    beneath::handle_beneath(&self.dir, &reached)
                        .map_err(|error| self.refused(path, error))?
                }
                Err(error) => return Err(self.refused(path, error)),
            };
        }
        Ok(folder)
    }

    fn make_folder(&self, path: &Path, parent: &OwnedFd, name: &Path) -> Result<(), PathError> {
        let real = beneath::real_path(parent)
            .map_err(|error| PathError::from_io(path, "written", error))?;
        if self.is_private(&real.join(name)) {
            return Err(PathError::Private {
                path: path.to_owned(),
            });
        }
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
            Ok(()) => sync(parent).map_err(|error| PathError::from_io(path, "written", error)),
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(PathError::from_io(path, "written", error)),
        }
    }

    fn refused(&self, path: &Path, error: Errno) -> PathError {
        match error {
            Errno::XDEV | Errno::LOOP => self.outside(path),
            error => PathError::from_io(path, "opened", error),
        }
    }
}

/// Whether a file has exactly this content; reads no more than that.
fn holds(now: &Opened, expected: &[u8]) -> io::Result<bool> {
    let length = u64::try_from(expected.len()).unwrap_or(u64::MAX);
    if now.stat.len != length {
        return Ok(false);
    }
    let mut rest = expected;
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut file = (&now.file).take(length.saturating_add(1));
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(rest.is_empty());
        }
        let Some(further) = rest.strip_prefix(&buffer[..count]) else {
            return Ok(false);
        };
        rest = further;
    }
}
