//! What cannot be undone, as sentences for a person.
//! Invariant: names of files are shown inert, and no more than a few of them.
//! It must not know how it was found out.

use std::path::Path;

use super::log::Net;
use super::state::{Change, Name, State};
use crate::display::clean_line;

/// How many files a sentence names.
const NAMED: usize = 3;

/// The longest part of a name that is shown, in characters.
const NAME_CHARS: usize = 200;

/// Why nothing is known of what the commands of a turn changed.
pub(super) fn not_noted(why: &impl std::fmt::Display) -> String {
    format!("what the commands of this turn change cannot be undone: {why}")
}

/// What is said of another file system within the working folder.
pub(super) fn other_file_system(folder: &Name) -> String {
    let folder = clean_line(&folder.path().to_string_lossy(), NAME_CHARS);
    format!("what changes in `{folder}` cannot be undone: it is another file system")
}

/// What is said of files whose former content is not kept.
pub(super) fn unkept(changes: &[Change]) -> Option<String> {
    let lost: Vec<&Change> = changes.iter().filter(|change| is_lost(change)).collect();
    let names: Vec<String> = lost
        .iter()
        .take(NAMED)
        .map(|change| {
            let name = change.path.path().to_string_lossy();
            format!("`{}`", clean_line(&name, NAME_CHARS))
        })
        .collect();
    let more = match lost.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!lost.is_empty()).then(|| {
        format!(
            "changes of {}{more} cannot be undone: the former content was not kept (files over 4 MB, and what is \
             over 64 MB in all, are not)",
            names.join(", ")
        )
    })
}

fn is_lost(change: &Change) -> bool {
    match &change.before {
        State::File(file) => file.kept.is_none() && !change.before.has_content_of(&change.after),
        State::Other => true,
        State::Absent | State::Link { .. } | State::Folder { .. } => false,
    }
}

/// The files that a turn changed or removed and whose former content is not kept, with how many bytes that had.
pub(super) struct Unkept<'a>(Vec<(&'a Path, u64)>);

impl<'a> Unkept<'a> {
    pub(super) fn of(net: &'a Net) -> Self {
        let changes = net.changes.iter().map(|net| &net.change);
        let files = changes
            .filter(|change| is_lost(change))
            .filter_map(|change| match &change.before {
                State::File(file) => Some((change.path.path(), file.len)),
                _ => None,
            });
        Self(files.collect())
    }

    /// Why what a change left must stay, if so: one of these may have been moved, copied or packed into it.
    pub(super) fn may_live_on_in(&self, change: &Change) -> Option<String> {
        let State::File(left) = &change.after else {
            return None;
        };
        let is_new = !matches!(change.before, State::File(_));
        let holds = |bytes: u64| left.len > 0 && (is_new || left.len >= bytes);
        let (path, _) = self.0.iter().find(|(_, bytes)| holds(*bytes))?;
        let path = clean_line(&path.to_string_lossy(), NAME_CHARS);
        Some(format!(
            "it may be all that is left of `{path}`, which was not kept"
        ))
    }
}
