//! A picture of a working folder: what is at each path, with the content of what is small enough kept.
//! Invariant: a picture is taken from the last one just as far as the system says that nothing changed.
//! It must not know which command it is taken for.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::look::{Looked, Unfit, is_ignore_file};
use super::packing::Packing;
use super::state::{Change, Entry, FileState, Name, Place, State, bytes};
use super::store::Store;
use super::tree::{Content, Tree};
use crate::blocking::Leash;

/// The most files and folders that are in a picture.
pub(super) const ENTRIES: usize = 10_000;

/// The largest file whose content is kept, in bytes.
pub(super) const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The most bytes of content that a picture keeps.
pub(super) const PICTURE_BYTES: u64 = 64 * 1024 * 1024;

/// How coarse the times of files may be, in nanoseconds: what changed that shortly before a picture may change
/// again without another time. The kernel's ticks are 10 ms at most.
const SETTLED_NS: i64 = 20_000_000;

/// What was in a working folder at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Picture {
    /// The working folder's real path.
    pub(super) folder: Name,
    /// From when it is, in nanoseconds since 1970.
    pub(super) taken_at: i64,
    /// What was at which path, in the order of the paths.
    entries: Vec<Entry>,
    /// Folders that were not looked into: other file systems.
    pub(super) mounted: Vec<Name>,
    /// Folders that were not looked into: they may not be read.
    closed: Vec<Name>,
}

impl Picture {
    /// Takes a picture of what was seen in the tree at a time, keeping what the last one does not have. `room` says
    /// whether the store has room for more content.
    pub(super) fn take(
        (store, room): (&Store, bool),
        (tree, leash): (&Tree, &Leash),
        last: Option<&Self>,
        (looked, taken_at): (Looked, i64),
    ) -> Result<Self, Unfit> {
        let mut entries = looked.entries;
        let mut unknown = Vec::new();
        let mut kept_bytes = 0_u64;
        for (index, Entry { path, state }) in entries.iter_mut().enumerate() {
            let State::File(seen) = state else { continue };
            match last.and_then(|last| last.unchanged(path.path(), seen)) {
                Some(known) => {
                    kept_bytes += known.kept.as_ref().map_or(0, |_| known.len);
                    *seen = known.clone();
                }
                None => unknown.push((!is_ignore_file(path.path()), seen.len, index)),
            }
        }
        if !room && unknown.iter().any(|(_, len, _)| *len > 0) {
            return Err(Unfit::Full);
        }
        // Ignore files first, since without them nothing can be compared later; then as many files as possible.
        unknown.sort_unstable();
        let mut keeping = Keeping {
            packing: Packing::new(store),
            places: places(last),
            left: PICTURE_BYTES.saturating_sub(kept_bytes),
        };
        for (_, _, index) in unknown {
            leash.check().map_err(|_| Unfit::Slow)?;
            let Entry { path, state } = &mut entries[index];
            let kept = keeping.keep(tree, path.path())?;
            *state = kept.map_or(State::Absent, State::File);
        }
        keeping.packing.finish()?;
        entries.retain(|entry| entry.state != State::Absent);
        Ok(Self {
            folder: Name(tree.real().to_owned()),
            taken_at,
            entries,
            mounted: looked.mounted,
            closed: looked.closed,
        })
    }

    /// Whether this is just what the picture shows, as far as the system says.
    pub(super) fn shows_just(&self, looked: &Looked) -> bool {
        let same = |(known, seen): (&Entry, &Entry)| match (&known.state, &seen.state) {
            (State::File(known), State::File(seen)) => {
                self.is_settled(known) && known.stamp == seen.stamp
            }
            (known, seen) => known == seen,
        };
        let paths = |(known, seen): (&Entry, &Entry)| known.path == seen.path;
        let pairs = || self.entries.iter().zip(&looked.entries);
        self.entries.len() == looked.entries.len()
            && (&self.mounted, &self.closed) == (&looked.mounted, &looked.closed)
            && pairs().all(paths)
            && pairs().all(same)
    }

    /// What was at a path, as far as it is in the picture.
    pub(super) fn at(&self, path: &Path) -> Option<&State> {
        let found = self
            .entries
            .binary_search_by(|entry| bytes(entry.path.path()).cmp(bytes(path)));
        found.ok().map(|index| &self.entries[index].state)
    }

    /// Whether a path lies where the picture shows nothing.
    pub(super) fn is_closed(&self, path: &Path) -> bool {
        let mut closed = self.mounted.iter().chain(&self.closed);
        closed.any(|folder| path.starts_with(folder.path()) && path != folder.path())
    }

    /// The states of everything in it.
    pub(super) fn states(&self) -> impl Iterator<Item = &State> {
        self.entries.iter().map(|entry| &entry.state)
    }

    /// Whether the content of anything is kept.
    pub(super) fn keeps(&self) -> bool {
        self.states()
            .any(|state| matches!(state, State::File(FileState { kept: Some(_), .. })))
    }

    /// What changed after the time `begun`, by what is seen now. Nothing that was there before and is not in the
    /// picture counts as made: it was left out, and an ignore file may just have stopped to say so, or it was moved.
    pub(super) fn changes(
        &self,
        begun: i64,
        (tree, leash): (&Tree, &Leash),
        looked: &Looked,
    ) -> Result<Vec<Change>, Unfit> {
        let mut changes = Vec::new();
        let shown = LazyCell::new(|| self.files().collect::<HashSet<_>>());
        let was_moved_in = |path: &Path, after: &FileState| {
            let is_shown = after.stamp.is_some_and(|stamp| shown.contains(&stamp.ino));
            !is_shown && tree.is_older(path, begun.saturating_sub(SETTLED_NS))
        };
        let mut hashed = PICTURE_BYTES;
        for (path, before, after) in both(&self.entries, &looked.entries) {
            let before = before.unwrap_or(&State::Absent);
            let after = match after {
                Some(seen) => Cow::Borrowed(seen),
                // It may be left out now, which does not mean that it is gone.
                None => Cow::Owned(tree.state(path.path())?),
            };
            if self.is_as(before, &after) {
                continue;
            }
            let after = match after.into_owned() {
                State::File(seen) if *before == State::Absent && self.is_settled(&seen) => continue,
                State::File(seen) if was_moved_in(path.path(), &seen) => match before {
                    State::Absent => continue,
                    // What cannot be recognised is never taken away.
                    _ => State::File(FileState {
                        stamp: None,
                        ..seen
                    }),
                },
                State::File(seen) if seen.len <= FILE_BYTES.min(hashed) => {
                    leash.check().map_err(|_| Unfit::Slow)?;
                    hashed -= seen.len;
                    tree.state_with_hash(path.path(), FILE_BYTES)?
                }
                after => after,
            };
            if !before.equals(&after) {
                changes.push(Change {
                    path: path.clone(),
                    before: before.clone(),
                    after,
                });
            }
        }
        Ok(changes)
    }

    /// A file's state as it is in the picture, if it is known not to have changed since.
    fn unchanged(&self, path: &Path, seen: &FileState) -> Option<&FileState> {
        match self.at(path) {
            Some(State::File(known)) if self.is_settled(known) && known.stamp == seen.stamp => {
                Some(known)
            }
            _ => None,
        }
    }

    fn is_as(&self, before: &State, after: &State) -> bool {
        match (before, after) {
            (State::File(before), State::File(after)) => {
                self.is_settled(before) && before.stamp == after.stamp && before.mode == after.mode
            }
            (before, after) => before.equals(after),
        }
    }

    /// Whether an equal stamp means equal content.
    fn is_settled(&self, file: &FileState) -> bool {
        file.stamp
            .is_some_and(|stamp| stamp.ctime.saturating_add(SETTLED_NS) < self.taken_at)
    }

    /// The numbers of the files in it.
    fn files(&self) -> impl Iterator<Item = u64> {
        self.states().filter_map(|state| match state {
            State::File(file) => file.stamp.map(|stamp| stamp.ino),
            _ => None,
        })
    }
}

/// What is at every path that is in either, in their order.
fn both<'a>(
    one: &'a [Entry],
    other: &'a [Entry],
) -> impl Iterator<Item = (&'a Name, Option<&'a State>, Option<&'a State>)> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (one.peek(), other.peek()) {
            (Some(one), Some(other)) => one.path.cmp(&other.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let first = (order != Ordering::Greater).then(|| one.next()).flatten();
        let second = (order != Ordering::Less).then(|| other.next()).flatten();
        let path = &first.or(second)?.path;
        Some((
            path,
            first.map(|entry| &entry.state),
            second.map(|entry| &entry.state),
        ))
    })
}

/// Content on its way into a pack.
struct Keeping<'a> {
    packing: Packing<'a>,
    places: HashMap<String, Place>,
    left: u64,
}

impl Keeping<'_> {
    /// The state of a file with its content kept, if it is small enough; nothing if the file is gone.
    fn keep(&mut self, tree: &Tree, path: &Path) -> Result<Option<FileState>, Unfit> {
        let limit = FILE_BYTES.min(self.left);
        let (mut state, content, file) = match tree.read(path, limit) {
            Ok(Some((state, Content::Whole(content, file)))) => (state, content, file),
            Ok(Some((state, Content::TooLarge))) if !is_ignore_file(path) => {
                return Ok(Some(state));
            }
            Ok(Some(_)) => {
                let text = format!("the ignore file `{}` is too large", path.display());
                return Err(Unfit::Failed(std::io::Error::other(text)));
            }
            Ok(None) => return Ok(None),
            // What the process may not read, it cannot keep.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Ok(match tree.state(path)? {
                    State::File(state) => Some(state),
                    _ => None,
                });
            }
            Err(error) => return Err(error.into()),
        };
        let hash = state.hash.clone().unwrap_or_default();
        self.left = self.left.saturating_sub(state.len);
        let place = match self.places.get(&hash) {
            Some(place) => place.clone(),
            None => self.packing.add_file(&content, &file)?,
        };
        self.places.insert(hash, place.clone());
        state.kept = Some(place);
        Ok(Some(state))
    }
}

/// Where which content is kept already.
fn places(last: Option<&Picture>) -> HashMap<String, Place> {
    let states = last.into_iter().flat_map(Picture::states);
    let places = states.filter_map(|state| match state {
        State::File(FileState { hash, kept, .. }) => Some((hash.clone()?, kept.clone()?)),
        _ => None,
    });
    places.collect()
}
