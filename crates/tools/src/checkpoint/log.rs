//! What the calls of a turn changed, in their order, and what that comes to.
//! Invariant: a record is added whole; one that was cut off by a crash counts as not written.
//! It must not know how a change is taken back.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use corvid_core::wire::{CallKey, SessionId};
use serde::{Deserialize, Serialize};

use super::durable::{Durable, append_line};
use super::state::{Change, Name, State};
use super::store::Store;

/// One line of a turn's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// A call changes these, or has changed them.
    Changed {
        /// The call.
        key: CallKey,
        /// The working folder's real path.
        folder: Name,
        /// What.
        changes: Vec<Change>,
    },
    /// The call that was to change something did not.
    Void {
        /// The call.
        key: CallKey,
    },
    /// Something that a call may have changed cannot be taken back.
    Lost {
        /// One sentence for a person.
        reason: String,
    },
    /// The turn was undone.
    Undone,
}

/// What a turn came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Net {
    /// Its changes in the order of their paths.
    pub(super) changes: Vec<NetChange>,
    /// What cannot be taken back, one sentence each.
    pub(super) lost: Vec<String>,
    /// Whether it was undone after the last of these.
    pub(super) undone: bool,
}

/// What became of one path in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NetChange {
    /// The working folder's real path.
    pub(super) folder: PathBuf,
    /// From before the first change to after the last.
    pub(super) change: Change,
    /// Between two changes of the turn somebody else changed it.
    pub(super) foreign: bool,
}

/// Adds a record to a turn's log.
pub(super) fn append(
    store: &Store,
    session: &SessionId,
    turn: u32,
    record: &Record,
    durable: Durable,
) -> io::Result<()> {
    // A sweep takes the folder of a session that has no turn.
    let _held = store.hold()?;
    let line = serde_json::to_string(record)?;
    append_line(&file(store, session, turn), &line, durable)?;
    store.add_usage(line.len() as u64 + 1)
}

/// The log of a turn.
pub(super) fn file(store: &Store, session: &SessionId, turn: u32) -> PathBuf {
    store.session(session).join(turn.to_string())
}

/// The turns of a session that have a log, the first one first.
pub(super) fn turns(folder: &Path) -> io::Result<Vec<u32>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut turns = Vec::new();
    for entry in entries {
        turns.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok()),
        );
    }
    turns.sort_unstable();
    Ok(turns)
}

/// Reads a turn's log; nothing in it if there is none.
pub(super) fn read(path: &Path) -> io::Result<Vec<Record>> {
    let content = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        content => content?,
    };
    let lines = content.split(|byte| *byte == b'\n');
    let records = lines.filter(|line| !line.is_empty()).filter_map(|line| {
        serde_json::from_slice(line)
            .inspect_err(|error| tracing::debug!(%error, "a line of a turn's log was cut off"))
            .ok()
    });
    Ok(records.collect())
}

/// What the records come to.
pub(super) fn net(records: Vec<Record>) -> Net {
    let mut net = Net::default();
    let mut paths = BTreeMap::<(PathBuf, Name), NetChange>::new();
    for record in without_void(records) {
        match record {
            Record::Changed {
                folder, changes, ..
            } => {
                net.undone = false;
                for change in changes {
                    add(&mut paths, &folder.0, change);
                }
            }
            Record::Lost { reason } if net.lost.contains(&reason) => {}
            Record::Lost { reason } => net.lost.push(reason),
            Record::Undone => net.undone = true,
            Record::Void { .. } => {}
        }
    }
    net.changes = paths
        .into_values()
        .filter(|net| net.foreign || !net.change.before.equals(&net.change.after))
        .collect();
    net
}

fn add(paths: &mut BTreeMap<(PathBuf, Name), NetChange>, folder: &Path, change: Change) {
    let key = (folder.to_owned(), change.path.clone());
    let Some(known) = paths.get_mut(&key) else {
        let net = NetChange {
            folder: folder.to_owned(),
            change,
            foreign: false,
        };
        paths.insert(key, net);
        return;
    };
    let follows = known.change.after.has_content_of(&change.before);
    // The very same change again is the same call, which was tried again after a crash.
    let again = known.change.before.has_content_of(&change.before)
        && known.change.after.has_content_of(&change.after);
    known.foreign |= !follows && !again;
    known.change.after = change.after;
}

/// The records without those that were taken back: a call's own before its `Void`.
fn without_void(records: Vec<Record>) -> Vec<Record> {
    let mut valid = Vec::new();
    for record in records {
        if let Record::Void { key: void } = &record {
            valid.retain(|record| !matches!(record, Record::Changed { key, .. } if key == void));
        } else {
            valid.push(record);
        }
    }
    valid
}

impl Net {
    /// The changes of files and links; folders only come and go with what is in them.
    pub(super) fn files(&self) -> impl Iterator<Item = &NetChange> {
        self.changes.iter().filter(|net| {
            let change = &net.change;
            [&change.before, &change.after]
                .iter()
                .any(|state| matches!(state, State::File(_) | State::Link { .. } | State::Other))
        })
    }

    /// About how many bytes are kept aside when all of it is taken back.
    pub(super) fn kept_bytes(&self) -> u64 {
        let bytes = self.files().map(|net| match &net.change.after {
            State::File(after) => after.len,
            _ => 0,
        });
        bytes.fold(0, u64::saturating_add)
    }

    /// Every state that the records name, for those who look for content.
    pub(super) fn states(records: &[Record]) -> impl Iterator<Item = &State> {
        let changes = records.iter().filter_map(|record| match record {
            Record::Changed { changes, .. } => Some(changes),
            _ => None,
        });
        changes
            .flatten()
            .flat_map(|change| [&change.before, &change.after])
    }
}
