//! The paths that file tools may touch, decided on opened files and never on names alone.
//! Invariant: reads end in the allow-list and outside the private paths, writes end beneath the working
//! folder, however links are swapped meanwhile.
//! It must not know which tool asks, or what the files mean.

mod beneath;
mod error;
mod read;
mod real;
mod replace;
mod scratch;

use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

pub use error::PathError;
pub use read::{Entry, Listing, Opened};
pub(crate) use real::Found;
pub use real::RealPaths;
pub use replace::{Expect, Replaced};

use crate::grants;

/// What may be touched in one working folder. Paths given to it are absolute, or relative to that folder.
/// Its methods block; call them where that is allowed.
#[derive(Debug)]
pub struct Roots {
    working_dir: PathBuf,
    given_dir: PathBuf,
    dir: OwnedFd,
    /// The folders that may be read beside what the system offers, this one first.
    readable: Vec<PathBuf>,
    private: Vec<PathBuf>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; only in listings, since everything else follows links.
    Link,
    /// A pipe, a socket or a device; it cannot be opened.
    Other,
}

/// What is known of a path without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The real path, with every link followed.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Bytes in the file; not meaningful for a folder.
    pub len: u64,
    /// When its content changed last, if the system tells.
    pub modified: Option<SystemTime>,
}

impl Roots {
    /// Opens a working folder. `readable` are the configured folders that may be read beside the
    /// system's own (one that holds `/proc` counts for nothing), `private` those that may never be touched;
    /// neither need exist.
    ///
    /// # Errors
    /// [`PathError::SystemFolder`] if the folder is the system's, [`PathError::PrivateFolder`] if the folder lies in a private one, [`PathError::NotFound`] and
    /// [`PathError::NotAFolder`] if it is none.
    pub fn new(
        working_dir: &Path,
        readable: &[PathBuf],
        private: &[PathBuf],
    ) -> Result<Self, PathError> {
        let real = working_dir
            .canonicalize()
            .map_err(|error| PathError::from_io(working_dir, "opened", error))?;
        let mut real_paths = RealPaths::default();
        let private: Vec<_> = private.iter().map(|path| real_paths.of(path)).collect();
        if grants::is_system(&real) {
            return Err(PathError::SystemFolder {
                path: working_dir.to_owned(),
            });
        }
        if within_any(&real, &private) {
            return Err(PathError::PrivateFolder {
                path: working_dir.to_owned(),
            });
        }
        let dir = beneath::open_folder(&real)?;
        let granted = readable
            .iter()
            .map(|path| real_paths.of(path))
            .filter(|path| !grants::shows_the_kernel(path));
        let readable = [real.clone()].into_iter().chain(granted).collect();
        Ok(Self {
            working_dir: real,
            given_dir: working_dir.to_owned(),
            dir,
            readable,
            private,
        })
    }

    /// The working folder's real path.
    pub fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    /// Whether a real path lies in a private folder; a walk leaves it out.
    pub fn is_private(&self, real: &Path) -> bool {
        within_any(real, &self.private)
    }

    /// Whether a real path may be read. A name alone proves nothing: [`Self::open_read`] decides on the
    /// opened file.
    pub fn may_read(&self, real: &Path) -> bool {
        let is_granted = within_any(real, &self.readable) || grants::allow(real);
        is_granted && !self.is_private(real)
    }

    /// The path as the model would write it: relative to the working folder if it lies beneath.
    pub fn shown<'a>(&self, real: &'a Path) -> &'a Path {
        match real.strip_prefix(&self.working_dir) {
            Ok(inner) if inner.as_os_str().is_empty() => Path::new("."),
            Ok(inner) => inner,
            Err(_) => real,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.working_dir.join(path)
    }

    /// The path relative to the working folder, without `.` and `..`; it says nothing about links.
    fn relative(&self, path: &Path) -> Result<PathBuf, PathError> {
        let inner = if path.is_absolute() {
            path.strip_prefix(&self.working_dir)
                .or_else(|_| path.strip_prefix(&self.given_dir))
                .map_err(|_| self.outside(path))?
        } else {
            path
        };
        let mut relative = PathBuf::new();
        for component in inner.components() {
            match component {
                Component::Normal(name) => relative.push(name),
                Component::CurDir => {}
                Component::ParentDir if relative.pop() => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(self.outside(path));
                }
            }
        }
        Ok(relative)
    }

    fn outside(&self, path: &Path) -> PathError {
        PathError::Outside {
            path: path.to_owned(),
            root: self.working_dir.clone(),
        }
    }
}

fn within_any(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}
