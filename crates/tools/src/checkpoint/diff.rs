//! What a turn changed, for people to read.
//! Invariant: bounded for each file; what cannot be shown is said to be so.
//! It must not know how it is printed.

use std::path::Path;
use std::time::Duration;

use corvid_core::wire::SessionId;
use similar::TextDiff;

use super::log::{self, Net, NetChange};
use super::picture::FILE_BYTES;
use super::state::{Change, FileState, State};
use super::tree::{Content, Tree};
use super::undo::shown;
use super::{CheckpointError, Checkpoints};
use crate::display::visible;
use crate::file::is_binary;

/// The largest content that is compared, in bytes; finding the difference takes time.
const COMPARED: usize = 1024 * 1024;

/// How much time finding the difference may take for one file; after that it is only roughly the smallest.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a turn did to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The path relative to the turn's working folder, inert.
    pub path: String,
    /// What happened to it.
    pub kind: DiffKind,
    /// Its permissions before and after, where the turn changed them.
    pub modes: Option<(u32, u32)>,
    /// What changed in it.
    pub body: DiffBody,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    /// It was not there before.
    Made,
    /// It is not there any more.
    Removed,
    /// It is another.
    Changed,
}

/// What changed in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffBody {
    /// A unified diff, inert.
    Text(String),
    /// No text: bytes before and after.
    Binary(u64, u64),
    /// One sentence: why there is nothing to show.
    Unknown(String),
}

impl Checkpoints {
    /// What a turn changed, file by file.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn diff(&self, session: &SessionId, turn: u32) -> Result<Vec<FileDiff>, CheckpointError> {
        let net = self.net(session, turn)?;
        let later = self
            .later(session, turn)
            .map_err(|error| self.failed("read", error))?;
        Ok(net.files().map(|net| self.describe(net, &later)).collect())
    }

    /// Every file that the later turns of a session found, as they found it: what this turn left may be kept there.
    fn later(&self, session: &SessionId, turn: u32) -> std::io::Result<Vec<FileState>> {
        let folder = self.store.session(session);
        let mut found = Vec::new();
        for later in log::turns(&folder)?
            .into_iter()
            .filter(|later| *later > turn)
        {
            let records = log::read(&folder.join(later.to_string()))?;
            found.extend(Net::states(&records).filter_map(|state| match state {
                State::File(file) if file.kept.is_some() => Some(file.clone()),
                _ => None,
            }));
        }
        Ok(found)
    }

    fn describe(&self, net: &NetChange, later: &[FileState]) -> FileDiff {
        let Change {
            path,
            before,
            after,
        } = &net.change;
        let modes = match (before, after) {
            (State::File(before), State::File(after)) if before.mode != after.mode => {
                Some((before.mode, after.mode))
            }
            _ => None,
        };
        let kind = match (before, after) {
            (State::Absent, _) => DiffKind::Made,
            (_, State::Absent) => DiffKind::Removed,
            _ => DiffKind::Changed,
        };
        let old = text_of(before, |file| self.store.content(file).ok().flatten());
        let new = text_of(after, |file| {
            now(&net.folder, path.path(), file).or_else(|| {
                let same = later.iter().find(|found| found.hash == file.hash)?;
                self.store.content(same).ok().flatten()
            })
        });
        let body = match (old, new) {
            (Some(old), Some(new)) => compare(&path.0, &old, &new),
            (None, _) => unknown(before, "its former content was not kept"),
            (_, None) => unknown(
                after,
                "it has changed since, and what the turn left was not kept",
            ),
        };
        FileDiff {
            path: shown(path.path()),
            kind,
            modes,
            body,
        }
    }
}

/// What is compared of a state, if it is known.
fn text_of(state: &State, content: impl Fn(&FileState) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    match state {
        State::File(file) => content(file),
        State::Link { to } => {
            Some(format!("link to {}\n", to.path().to_string_lossy()).into_bytes())
        }
        State::Absent | State::Folder { .. } => Some(Vec::new()),
        State::Other => None,
    }
}

/// What is in the file now, if that is what the turn left.
fn now(folder: &Path, path: &Path, left: &FileState) -> Option<Vec<u8>> {
    let tree = Tree::open(folder).ok()?;
    if tree.real() != folder {
        return None;
    }
    match tree.read(path, 2 * FILE_BYTES).ok()?? {
        (now, Content::Whole(content, _)) if now.hash == left.hash => Some(content),
        _ => None,
    }
}

fn unknown(state: &State, why: &str) -> DiffBody {
    DiffBody::Unknown(match state {
        State::File(file) if file.hash.is_none() => {
            format!("{} bytes, too large to be shown", file.len)
        }
        State::Other => "a pipe, socket or device".to_owned(),
        _ => why.to_owned(),
    })
}

fn compare(path: &Path, before: &[u8], after: &[u8]) -> DiffBody {
    if before.len().max(after.len()) > COMPARED {
        let (before, after) = (before.len(), after.len());
        let text = format!("{before} bytes before, {after} after: too large to be compared");
        return DiffBody::Unknown(text);
    }
    let (Ok(before_text), Ok(after_text), false) = (
        std::str::from_utf8(before),
        std::str::from_utf8(after),
        is_binary(before) || is_binary(after),
    ) else {
        return DiffBody::Binary(before.len() as u64, after.len() as u64);
    };
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before_text, after_text);
    let path = shown(path);
    let text = diff
        .unified_diff()
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    DiffBody::Text(visible(&text.replace("\r\n", "\n")).into_owned())
}
