//! Opening paths in one step that the system itself keeps beneath a folder.
//! Invariant: nothing is opened here by walking names, so a link swapped meanwhile leads nowhere else.
//! It must not know what may be read or written.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::PathError;

/// Tries while something on the way is being renamed, which the system answers with "try again".
const TRIES: u32 = 128;

/// Opens a handle on a folder by its real path.
pub(super) fn open_folder(real: &Path) -> Result<OwnedFd, PathError> {
    rustix::fs::open(
        real,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|error| PathError::from_io(real, "opened", error))
}

/// A handle on what `path` leads to from the folder, which cannot be left on the way.
pub(super) fn handle_beneath(folder: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(OsStr::new("."))
    } else {
        path
    };
    resolve(
        folder,
        path,
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )
}

/// A handle on what an absolute path leads to, wherever that is; the caller checks where.
pub(super) fn handle_anywhere(path: &Path) -> rustix::io::Result<OwnedFd> {
    resolve(CWD, path, ResolveFlags::NO_MAGICLINKS)
}

/// Where an opened handle is now, with every link followed.
pub(super) fn real_path(handle: impl AsFd) -> io::Result<PathBuf> {
    let link = rustix::fs::readlink(handle_link(handle), Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(
        link.into_bytes(),
    )))
}

/// Opens for reading exactly what the handle is on; the name it was found by no longer matters.
pub(super) fn reopen(handle: impl AsFd, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(
        handle_link(handle),
        OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | flags,
        Mode::empty(),
    )
}

fn handle_link(handle: impl AsFd) -> String {
    format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd())
}

fn resolve(folder: impl AsFd, path: &Path, how: ResolveFlags) -> rustix::io::Result<OwnedFd> {
    let mut tries = 0;
    loop {
        // A handle opens nothing: no pipe hangs, no device wakes up.
        match rustix::fs::openat2(
            &folder,
            path,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            how,
        ) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) if tries < TRIES => tries += 1,
            result => return result,
        }
    }
}
