//! The places of a command: the folder it begins in, and where what it prints is kept.
//! Invariant: nobody but the owner can look into what is kept.
//! It must not know what runs there.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The real path of `folder`, which must be a folder beneath `root`, in words that a shell can be told. The sandbox
/// confines the command in any case; where there is none, this keeps it where a person was told that it begins.
pub(super) fn subfolder(root: &Path, folder: &str) -> Result<PathBuf, String> {
    let problem = |what: &str| {
        format!(
            "argument `working_dir` is {folder:?}; {what}; give a folder beneath the working folder"
        )
    };
    let root = root
        .canonicalize()
        .map_err(|error| format!("the working folder cannot be opened: {error}"))?;
    let found = root
        .join(folder)
        .canonicalize()
        .map_err(|error| problem(&error.to_string()))?;
    if !found.starts_with(&root) {
        return Err(problem("it lies outside"));
    }
    if !found.is_dir() {
        return Err(problem("it is no folder"));
    }
    if found.to_str().is_none() {
        return Err(problem("its real name is no UTF-8"));
    }
    Ok(found)
}

/// Makes a folder that only its owner can enter, with those above it.
pub(super) fn private_folder(folder: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        format!(
            "the output cannot be kept in `{}`: {error}; free some space or make the folder writable",
            folder.display()
        )
    })
}

/// A command line that first goes to a folder, if one is given.
pub(super) fn beginning_in(folder: Option<&Path>, command: &str) -> String {
    match folder {
        None => command.to_owned(),
        Some(folder) => {
            let folder = quoted(&folder.to_string_lossy());
            format!("cd -- {folder} || exit\n{command}")
        }
    }
}

/// One word of a shell's command line.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
