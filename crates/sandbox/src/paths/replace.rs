//! Writing files beneath the working folder, whole or not at all.
//! Invariant: the new content appears under the name at once or never, and no link leads the write
//! out of the working folder.
//! It must not know what the content means.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::{Kind, PathError, Roots, Stat, beneath, read::stat_of};

/// What a file must be for its replacement to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever; there may be none.
    Anything,
    /// There is no such file.
    Absent,
    /// Its content has this SHA-256, 64 hex digits.
    Hash(String),
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
    /// content is on the disk before it takes the name. Permissions stay; a link that stays beneath the
    /// folder is written through, any other is refused.
    ///
    /// # Errors
    /// See [`PathError`]; the file is then as it was.
    pub fn replace(
        &self,
        path: &Path,
        content: &[u8],
        expect: &Expect,
    ) -> Result<Replaced, PathError> {
        let failed = |error: io::Error| PathError::from_io(path, "written", error);
        let target = self.target(path)?;
        check(path, &target, expect)?;
        let scratch = Scratch::create(&target.parent).map_err(|error| failed(error.into()))?;
        scratch
            .fill(content, target.now.as_ref().map(|(handle, _)| handle))
            .map_err(failed)?;
        let how = match (expect, &target.now) {
            // The file may appear between the look and the renaming.
            (Expect::Absent, _) => RenameFlags::NOREPLACE,
            _ => RenameFlags::empty(),
        };
        scratch
            .publish(&target.name, how)
            .map_err(|error| match error {
                Errno::EXIST => PathError::Exists {
                    path: path.to_owned(),
                },
                error => failed(error.into()),
            })?;
        Ok(Replaced {
            path: target.real,
            created: target.now.is_none(),
        })
    }

    /// The SHA-256 of a file beneath the working folder, 64 hex digits; `None` if there is no such file.
    ///
    /// # Errors
    /// See [`PathError`]; a path that could not be written cannot be hashed either.
    pub fn hash(&self, path: &Path) -> Result<Option<String>, PathError> {
        let relative = self.relative(path)?;
        match self.existing(path, &relative)? {
            Some((handle, _)) => hash_of(&handle)
                .map(Some)
                .map_err(|error| PathError::from_io(path, "read", error)),
            None => Ok(None),
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

    /// The regular file that is there now, if any.
    fn existing(&self, path: &Path, relative: &Path) -> Result<Option<(OwnedFd, Stat)>, PathError> {
        let handle = match beneath::handle_beneath(&self.dir, relative) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.refused(path, error)),
        };
        let stat = beneath::real_path(&handle)
            .and_then(|real| stat_of(&handle, real))
            .map_err(|error| PathError::from_io(path, "opened", error))?;
        if self.is_private(&stat.path) {
            return Err(PathError::Private {
                path: path.to_owned(),
            });
        }
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
            Ok(()) | Err(Errno::EXIST) => Ok(()),
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

fn check(path: &Path, target: &Target, expect: &Expect) -> Result<(), PathError> {
    let path = path.to_owned();
    match (expect, &target.now) {
        (Expect::Anything, _) | (Expect::Absent, None) => Ok(()),
        (Expect::Absent, Some(_)) => Err(PathError::Exists { path }),
        (Expect::Hash(_), None) => Err(PathError::Changed { path }),
        (Expect::Hash(hash), Some((handle, _))) => {
            let now = hash_of(handle).map_err(|error| PathError::from_io(&path, "read", error))?;
            if now == *hash {
                Ok(())
            } else {
                Err(PathError::Changed { path })
            }
        }
    }
}

/// A file under a name of its own that goes away unless it is published.
struct Scratch<'a> {
    parent: &'a OwnedFd,
    name: String,
    file: File,
}

impl<'a> Scratch<'a> {
    fn create(parent: &'a OwnedFd) -> rustix::io::Result<Self> {
        let mut draw = [0_u8; 8];
        rustix::rand::getrandom(&mut draw[..], rustix::rand::GetRandomFlags::empty())?;
        let name = format!(".corvid-{:016x}.tmp", u64::from_ne_bytes(draw));
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

    fn fill(&self, content: &[u8], like: Option<&OwnedFd>) -> io::Result<()> {
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
        file.sync_data()
    }

    fn publish(mut self, name: &Path, how: RenameFlags) -> rustix::io::Result<()> {
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

fn hash_of(handle: &OwnedFd) -> io::Result<String> {
    let mut file = File::from(beneath::reopen(handle, OFlags::empty())?);
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(format!("{:x}", hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}
