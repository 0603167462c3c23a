//! Where checkpoints are kept: packs of content, pictures of folders, the log of each turn.
//! Invariant: whatever names a pack was written after it, so that a process killed at any moment leaves only
//! what can be read, and packs that nothing names.
//! It must not know what a picture or a log says.
//!
//! ```text
//! contents/<pack>            contents one after the other, never changed
//! pictures/<folder>          the newest picture of a working folder
//! open/<session>:<turn>:<key>   the picture from before a command whose end is not known yet
//! turns/<session>/<turn>     what a turn changed, a line each
//! taken/<session>/<turn>-<ms>/…   what undoing a turn replaced or removed, made with the first
//! lock                       shared by whoever relies on packs, exclusive for a sweep
//! usage                      how many bytes there are, about, and when that was last counted
//! ```

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use corvid_core::Invocation;
use corvid_core::draw::sha256_hex;
use corvid_core::wire::{Millis, SessionId};
use rustix::fs::FlockOperation;

use super::durable::private_folder;
use super::state::{FileState, Place};

/// The folders of a store.
const FOLDERS: &[&str] = &["contents", "pictures", "open", "turns"];

/// A store of checkpoints.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
}

/// As long as it is there, no pack goes away (or, where it is exclusive, nobody relies on any).
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "the lock ends with the file")] File);

/// How full the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Bytes, about.
    pub(super) bytes: u64,
    /// When they were last counted.
    pub(super) counted_at: Millis,
}

impl Store {
    /// The store in this folder, which is made when something is kept.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one kind of things.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where the newest picture of a working folder is.
    pub(super) fn picture(&self, working_dir: &Path) -> PathBuf {
        let name = sha256_hex(working_dir.as_os_str().as_encoded_bytes());
        self.folder("pictures").join(&name[..32])
    }

    /// Where the picture from before a command is, until its end is known.
    pub(super) fn open(&self, call: &Invocation) -> PathBuf {
        let name = open_of(&call.session, call.call.turn) + call.key.as_str();
        self.folder("open").join(name)
    }

    /// The turns of a session with a command that has no known end.
    pub(super) fn open_turns(&self, session: &SessionId) -> io::Result<BTreeSet<u32>> {
        let open = match std::fs::read_dir(self.folder("open")) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            open => open?,
        };
        let mut turns = BTreeSet::new();
        for entry in open {
            turns.extend(turn_of(session, &entry?.file_name()));
        }
        Ok(turns)
    }

    /// The folder of a session's logs.
    pub(super) fn session(&self, session: &SessionId) -> PathBuf {
        self.folder("turns").join(session.as_str())
    }

    /// Holds all packs, making the store if there is none.
    pub(super) fn hold(&self) -> io::Result<Held> {
        let lock = match File::open(self.folder("lock")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // The lock comes last, so that where it is, everything is.
                for name in FOLDERS {
                    private_folder(&self.folder(name))?;
                }
                self.own_file("lock")?
            }
            opened => opened?,
        };
        rustix::fs::flock(&lock, FlockOperation::LockShared)?;
        Ok(Held(lock))
    }

    /// Holds the store alone; nothing if it is relied on just now, or there is none.
    pub(super) fn hold_alone(&self) -> io::Result<Option<Held>> {
        let lock = match File::open(self.folder("lock")) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Held(lock))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what a file held, if that is kept and whole.
    pub(super) fn content(&self, state: &FileState) -> io::Result<Option<Vec<u8>>> {
        let (Some(Place { pack, at }), Some(hash)) = (&state.kept, &state.hash) else {
            return Ok(None);
        };
        let file = match File::open(self.folder("contents").join(pack)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut content = vec![0; usize::try_from(state.len).unwrap_or(usize::MAX)];
        match file.read_exact_at(&mut content, *at) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok((sha256_hex(&content) == *hash).then_some(content))
    }

    /// How full the store is; empty if that was never counted.
    pub(super) fn usage(&self) -> io::Result<Usage> {
        match std::fs::read_to_string(self.folder("usage")) {
            Ok(text) => Ok(Usage::parse(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Usage::default()),
            Err(error) => Err(error),
        }
    }

    /// Counts `bytes` more.
    pub(super) fn add_usage(&self, bytes: u64) -> io::Result<()> {
        self.change_usage(|usage| usage.bytes = usage.bytes.saturating_add(bytes))
    }

    /// Notes how full the store is.
    pub(super) fn set_usage(&self, counted: Usage) -> io::Result<()> {
        self.change_usage(|usage| *usage = counted)
    }

    fn change_usage(&self, change: impl FnOnce(&mut Usage)) -> io::Result<()> {
        let mut file = self.own_file("usage")?;
        // Several processes keep at once; the lock ends with the file.
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let mut usage = Usage::parse(&text);
        change(&mut usage);
        // Wide enough that a longer text never leaves the end of a former one behind.
        let text = format!("{:>20} {:>20}\n", usage.bytes, usage.counted_at);
        file.write_all_at(text.as_bytes(), 0)
    }

    fn own_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        options.open(self.folder(name))
    }
}

/// What the names of the open pictures of a turn begin with; no session's name has a colon.
fn open_of(session: &SessionId, turn: u32) -> String {
    format!("{session}:{turn}:")
}

/// The turn of an open picture, if it is the session's.
fn turn_of(session: &SessionId, name: &OsStr) -> Option<u32> {
    let (of, rest) = name.to_str()?.split_once(':')?;
    let (turn, _) = rest.split_once(':')?;
    (of == session.as_str()).then(|| turn.parse().ok())?
}

impl Usage {
    fn parse(text: &str) -> Self {
        let mut numbers = text.split_whitespace();
        let mut next = || numbers.next();
        Self {
            bytes: next().and_then(|text| text.parse().ok()).unwrap_or(0),
            counted_at: next().and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }
}
