//! Why a path cannot be touched, as sentences for the model.
//! Invariant: each names the path as it was given, and the way out where there is one.
//! It must not know who reads it.

use std::io;
use std::path::{Path, PathBuf};

use super::Kind;

/// Why a path cannot be touched.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// It leads out of the working folder, and only what is beneath may be written.
    #[error("`{}` is outside the working folder `{}`; only files beneath it can be written", path.display(), root.display())]
    Outside {
        /// The path as given.
        path: PathBuf,
        /// The working folder.
        root: PathBuf,
    },
    /// It is not in the allow-list.
    #[error("`{}` cannot be read; what can be read are the working folder, system folders and configured folders", path.display())]
    NotReadable {
        /// The path as given.
        path: PathBuf,
    },
    /// It leads into a private folder.
    #[error("`{}` is private (credentials or Corvid's own files) and cannot be read or written", path.display())]
    Private {
        /// The path as given.
        path: PathBuf,
    },
    /// The working folder itself is private.
    #[error("`{}` lies in a private folder (credentials or Corvid's own files); choose another working folder", path.display())]
    PrivateFolder {
        /// The folder as given.
        path: PathBuf,
    },
    /// The working folder is the system's own.
    #[error("file tools do not work in the system folder `{}`; choose another working folder", path.display())]
    SystemFolder {
        /// The folder as given.
        path: PathBuf,
    },
    /// There is nothing there.
    #[error("there is no `{}`", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// It is not a regular file.
    #[error("`{}` is {}, not a file", path.display(), kind.described())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// It, or something on the way to it, is not a folder.
    #[error("`{}` is not a folder, or something on the way to it is not one", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The file was expected to be absent.
    #[error("`{}` exists already; read it first, then edit or replace it", path.display())]
    Exists {
        /// The path as given.
        path: PathBuf,
    },
    /// The file is no longer what it was expected to be.
    #[error("`{}` has changed meanwhile; read it again and repeat the change", path.display())]
    Changed {
        /// The path as given.
        path: PathBuf,
    },
    /// The system refused for another reason.
    #[error("`{}` cannot be {action}: {source}", path.display())]
    Io {
        /// The path as given.
        path: PathBuf,
        /// What was tried, a participle.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl PathError {
    pub(super) fn from_io(path: &Path, action: &'static str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ => Self::Io {
                path,
                action,
                source,
            },
        }
    }
}

impl Kind {
    fn described(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a link",
            Self::Other => "a pipe, socket or device",
        }
    }
}
