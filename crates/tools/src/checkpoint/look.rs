//! Looking through a working folder: what is at every path that no ignore file leaves out.
//! Invariant: bounded in entries and time; reads nothing but folders and ignore files.
//! It must not know what the look is for.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::Dir;
use rustix::io::Errno;

use super::state::{Entry, Name, State};
use super::tree::{Tree, state_at};
use crate::blocking::Leash;
use crate::ignored::{IGNORE_FILES, Patterns};

/// How many names are looked at for each entry that may be in a picture: what is left out takes time as well.
const NAMES_PER_ENTRY: usize = 10;

/// What is in a working folder.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// What is at which path, in the order of the paths.
    pub(super) entries: Vec<Entry>,
    /// Folders that were not looked into since they are other file systems.
    pub(super) mounted: Vec<Name>,
    /// Folders that were not looked into since they may not be read.
    pub(super) closed: Vec<Name>,
}

/// Why there is no picture of a folder, as the end of a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// It has too many files.
    #[error("the working folder has more than {0} files and folders")]
    Many(usize),
    /// Looking through it took too long.
    #[error("looking through the working folder took too long")]
    Slow,
    /// Its content cannot be kept.
    #[error("its files cannot be kept: {0}")]
    Failed(#[from] std::io::Error),
    /// The store is full.
    #[error(
        "checkpoints take more than `checkpoints.max_mb` allows; make it larger or wait until older ones expire"
    )]
    Full,
}

/// Which part of a working folder is looked at, and how its ignore files are read.
pub(super) struct Scope<'a> {
    /// The most entries.
    pub(super) entries: usize,
    /// Whether a path beneath the folder is passed over.
    pub(super) passes_over: Box<dyn Fn(&Path) -> bool + 'a>,
    /// The content of a folder's ignore files in the order of [`IGNORE_FILES`].
    pub(super) ignore_files: &'a IgnoreFiles<'a>,
}

/// Yields the content of a folder's ignore files; it is told which there are.
pub(super) type IgnoreFiles<'a> =
    dyn Fn(&Path, &[&'static str]) -> Result<Vec<Vec<u8>>, Unfit> + 'a;

/// Looks through a folder.
pub(super) fn look(tree: &Tree, scope: &Scope<'_>, leash: &Leash) -> Result<Looked, Unfit> {
    let mut looked = Looked::default();
    let mut pending = vec![(PathBuf::new(), Patterns::default())];
    let mut names_left = scope.entries.saturating_mul(NAMES_PER_ENTRY);
    while let Some((folder, above)) = pending.pop() {
        leash.check().map_err(|_| Unfit::Slow)?;
        let opened = match tree.folder(&folder) {
            Ok(opened) => opened,
            // It went away since its parent was read.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(error) => {
                match error {
                    Errno::XDEV => looked.mounted.push(Name(folder)),
                    _ => looked.closed.push(Name(folder)),
                }
                continue;
            }
        };
        let names = names(Dir::read_from(&opened), &mut names_left)
            .map_err(|error| error.unwrap_or(Unfit::Many(scope.entries)))?;
        let there = |name: &&str| {
            names
                .iter()
                .any(|there| there.as_os_str() == OsStr::new(name))
        };
        let there: Vec<&'static str> = IGNORE_FILES.iter().copied().filter(there).collect();
        let patterns = above.within(&folder, (scope.ignore_files)(&folder, &there)?);
        for name in names {
            // What vanished since the folder was read is not there any more.
            let Ok(state) = state_at(&opened, Path::new(&name)) else {
                continue;
            };
            let path = folder.join(&name);
            let is_folder = matches!(state, State::Folder { .. });
            if is_left_out(&patterns, &path, is_folder) || (scope.passes_over)(&path) {
                continue;
            }
            if is_folder {
                pending.push((path.clone(), patterns.clone()));
            }
            looked.entries.push(Entry {
                path: Name(path),
                state,
            });
            if looked.entries.len() > scope.entries {
                return Err(Unfit::Many(scope.entries));
            }
        }
    }
    looked
        .entries
        .sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(looked)
}

/// Ignore files say what else is left out, so they never are.
fn is_left_out(patterns: &Patterns, path: &Path, is_folder: bool) -> bool {
    let is_ignore_file = !is_folder && is_ignore_file(path);
    !is_ignore_file && patterns.leave_out(path, is_folder)
}

/// Whether a path is that of an ignore file.
pub(super) fn is_ignore_file(path: &Path) -> bool {
    let name = path.file_name();
    IGNORE_FILES
        .iter()
        .any(|file| name == Some(OsStr::new(file)))
}

/// The names in a folder; no error of its own if there are too many.
fn names(
    folder: rustix::io::Result<Dir>,
    left: &mut usize,
) -> Result<Vec<OsString>, Option<Unfit>> {
    let failed = |error: Errno| Some(Unfit::Failed(error.into()));
    let mut names = Vec::new();
    for entry in folder.map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        *left = left.checked_sub(1).ok_or(None)?;
        names.push(OsString::from_vec(name.to_vec()));
    }
    Ok(names)
}

/// Whether a name is that of a file in which a change of ours is being made.
pub(super) fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    name.starts_with(b".corvid-") && name.ends_with(b".tmp")
}
