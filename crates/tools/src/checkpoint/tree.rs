//! The working folder as it is: what is at a path beneath it, and what a file there holds.
//! Invariant: no link is followed, so a path means the same file to everybody who uses it; no pipe, socket or
//! device is opened.
//! It must not know what is looked for.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use corvid_core::draw::sha256_hex;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, StatxFlags};
use rustix::io::Errno;

use super::state::{FileState, Name, Stamp, State};

/// Tries while something on the way is being renamed, which the system answers with "try again".
const TRIES: u32 = 128;

/// A working folder.
#[derive(Debug)]
pub(super) struct Tree {
    dir: OwnedFd,
    real: PathBuf,
}

/// A file's content as far as it was asked for.
#[derive(Debug)]
pub(super) enum Content {
    /// All of it, and the file that it was read from.
    Whole(Vec<u8>, File),
    /// More than that.
    TooLarge,
}

impl Tree {
    /// Opens the folder at this path, following links to it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let real = path.canonicalize()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, &real, flags, Mode::empty())?;
        Ok(Self { dir, real })
    }

    /// The folder's real path.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// A folder beneath (or this one) on the same file system, opened for its entries.
    pub(super) fn folder(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let handle = self.resolve(path, OFlags::DIRECTORY, ResolveFlags::NO_XDEV)?;
        reopen(&handle, OFlags::DIRECTORY)
    }

    /// What is at a path; a file's content is not looked at. What can only be reached through a link, or through
    /// what is no folder, is not there.
    pub(super) fn state(&self, path: &Path) -> io::Result<State> {
        let Some(name) = path.file_name() else {
            return Ok(State::Other);
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        let seen = self
            .handle(parent, OFlags::DIRECTORY)
            .and_then(|parent| state_at(&parent, Path::new(name)));
        match seen {
            Ok(state) => Ok(state),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(State::Absent),
            Err(error) => Err(error.into()),
        }
    }

    /// The same with the hash of a file's content, if it has at most `limit` bytes.
    pub(super) fn state_with_hash(&self, path: &Path, limit: u64) -> io::Result<State> {
        match self.state(path)? {
            State::File(seen) if seen.len <= limit => Ok(match self.read(path, limit)? {
                Some((state, _)) => State::File(state),
                None => self.state(path)?,
            }),
            state => Ok(state),
        }
    }

    /// Reads a file of at most `limit` bytes; nothing if there is no regular file. The state is that of the file
    /// that was opened, and has a hash if the content is whole.
    pub(super) fn read(&self, path: &Path, limit: u64) -> io::Result<Option<(FileState, Content)>> {
        let handle = match self.handle(path, OFlags::NOFOLLOW) {
            Ok(handle) => handle,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let State::File(mut state) = described(&rustix::fs::fstat(&handle)?) else {
            return Ok(None);
        };
        if state.len > limit {
            return Ok(Some((state, Content::TooLarge)));
        }
        let mut content = Vec::with_capacity(usize::try_from(state.len).unwrap_or(0));
        // One byte more than is allowed tells a file that has grown meanwhile.
        let file = File::from(reopen(&handle, OFlags::empty())?);
        (&file)
            .take(limit.saturating_add(1))
            .read_to_end(&mut content)?;
        if content.len() as u64 > limit {
            return Ok(Some((state, Content::TooLarge)));
        }
        state.len = content.len() as u64;
        state.hash = Some(sha256_hex(&content));
        Ok(Some((state, Content::Whole(content, file))))
    }

    /// Whether the file at a path, however it is called since, was made before a time in nanoseconds since 1970; no
    /// where the file system does not know.
    pub(super) fn is_older(&self, path: &Path, than: i64) -> bool {
        let made = |handle| rustix::fs::statx(handle, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME);
        self.handle(path, OFlags::NOFOLLOW)
            .and_then(made)
            .is_ok_and(|known| {
                let born = nanoseconds(known.stx_btime.tv_sec, known.stx_btime.tv_nsec);
                known.stx_mask & StatxFlags::BTIME.bits() != 0 && born < than
            })
    }

    /// A handle on what is at a path, without opening it.
    pub(super) fn handle(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.resolve(path, flags, ResolveFlags::empty())
    }

    fn resolve(
        &self,
        path: &Path,
        flags: OFlags,
        how: ResolveFlags,
    ) -> rustix::io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let mut tries = 0;
        loop {
            match rustix::fs::openat2(
                &self.dir,
                path,
                OFlags::PATH | OFlags::CLOEXEC | flags,
                Mode::empty(),
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | how,
            ) {
                Err(Errno::AGAIN | Errno::INTR) if tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }
}

/// Now, in nanoseconds since 1970, by the clock from which the system stamps files.
pub(super) fn file_time() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    nanoseconds(now.tv_sec, now.tv_nsec)
}

/// What is in an opened folder under a name.
pub(super) fn state_at(folder: impl AsFd, name: &Path) -> rustix::io::Result<State> {
    let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match described(&stat) {
        State::Link { .. } => {
            let to = rustix::fs::readlinkat(folder, name, Vec::new())?;
            let to = Name(PathBuf::from(OsString::from_vec(to.into_bytes())));
            Ok(State::Link { to })
        }
        state => Ok(state),
    }
}

/// Opens for use exactly what the handle is on; the name it was found by no longer matters.
pub(super) fn reopen(handle: &OwnedFd, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(
        format!("/proc/self/fd/{}", handle.as_raw_fd()),
        OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | flags,
        Mode::empty(),
    )
}

/// What the system says of something; a link's text is not known from this.
pub(super) fn described(stat: &Stat) -> State {
    let mode = stat.st_mode & 0o7777;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => State::File(FileState {
            mode,
            len: u64::try_from(stat.st_size).unwrap_or(0),
            hash: None,
            stamp: Some(Stamp {
                ino: stat.st_ino,
                mtime: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
                ctime: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
            }),
            kept: None,
        }),
        FileType::Directory => State::Folder { mode },
        FileType::Symlink => State::Link {
            to: Name(PathBuf::new()),
        },
        _ => State::Other,
    }
}

fn nanoseconds(seconds: i64, nanoseconds: impl TryInto<i64>) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds.try_into().unwrap_or(0))
}
