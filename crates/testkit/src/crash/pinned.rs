//! The binary under test, held on to for the length of a suite.
//! Invariant: what is pinned stays the same file, whatever a build that runs meanwhile puts in its place.
//! It must not know what the binary does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A pinned binary.
#[derive(Debug)]
pub(super) struct Pinned {
    folder: TempDir,
}

const NAME: &str = "agent";

impl Pinned {
    /// Pins a binary: by a second link where that can be, else by a copy.
    pub(super) fn new(binary: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("corvid-crash-").tempdir()?;
        let pinned = folder.path().join(NAME);
        if fs::hard_link(binary, &pinned).is_err() {
            fs::copy(binary, &pinned)?;
        }
        Ok(Self { folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }
}
