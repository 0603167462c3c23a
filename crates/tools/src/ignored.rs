//! What the ignore files of a folder and of those above it leave out.
//! Invariant: the nearest folder's patterns decide; Git's own folder is always left out.
//! It must not know how an ignore file is read, or who asks.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The largest ignore file that is honoured, in bytes.
pub(crate) const IGNORE_BYTES: u64 = 256 * 1024;

/// The files with patterns of what to leave out; a later one overrules an earlier.
pub(crate) const IGNORE_FILES: &[&str] = &[".gitignore", ".ignore"];

/// The patterns of one folder and of those above it; none of them in the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns(Option<Arc<Level>>);

#[derive(Debug)]
struct Level {
    own: Gitignore,
    above: Patterns,
}

impl Patterns {
    /// Those that hold in `folder` beneath the one that these hold in, by the content of its ignore files in
    /// the order of [`IGNORE_FILES`]. A pattern that is none is passed over, as Git does.
    pub(crate) fn within(
        &self,
        folder: &Path,
        contents: impl IntoIterator<Item = Vec<u8>>,
    ) -> Self {
        let mut builder = GitignoreBuilder::new(folder);
        let mut found = false;
        for content in contents {
            for line in String::from_utf8_lossy(&content).lines() {
                found |= builder.add_line(None, line).is_ok();
            }
        }
        match found.then(|| builder.build()) {
            Some(Ok(own)) => Self(Some(Arc::new(Level {
                own,
                above: self.clone(),
            }))),
            Some(Err(_)) | None => self.clone(),
        }
    }

    /// Whether what is at `path`, beneath the folder of these patterns, is left out.
    pub(crate) fn leave_out(&self, path: &Path, is_folder: bool) -> bool {
        if path.file_name() == Some(OsStr::new(".git")) {
            return true;
        }
        let mut level = &self.0;
        while let Some(patterns) = level {
            match patterns.own.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => level = &patterns.above.0,
            }
        }
        false
    }
}
