//! The means of macOS: opening with no link on the way at all.
//! Invariant: what is beneath a folder is reached without any link, so links in it are refused, not followed.
//! It must not know other systems.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

use crate::paths::PathError;

/// Fails where any part of the path is a link.
const NO_LINKS: OFlags = OFlags::from_bits_retain(0x2000_0000);

/// Neither waits for a pipe nor takes a terminal.
const HANDLE: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens a handle on a folder by its real path.
pub(in crate::paths) fn open_folder(real: &Path) -> Result<OwnedFd, PathError> {
    rustix::fs::open(real, HANDLE | OFlags::DIRECTORY, Mode::empty())
        .map_err(|error| PathError::from_io(real, "opened", error))
}

/// A handle on what `path`, which has no `..`, leads to from the folder, without any link on the way.
pub(in crate::paths) fn handle_beneath(
    folder: impl AsFd,
    path: &Path,
) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(OsStr::new("."))
    } else {
        path
    };
    rustix::fs::openat(folder, path, HANDLE | NO_LINKS, Mode::empty())
}

/// A handle on what an absolute path leads to, wherever that is; the caller checks where.
pub(in crate::paths) fn handle_anywhere(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, HANDLE, Mode::empty())
}

/// Where an opened handle is now, with every link followed.
pub(in crate::paths) fn real_path(handle: impl AsFd) -> io::Result<PathBuf> {
    let path = rustix::fs::getpath(handle)?;
    Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
}

/// Another handle for reading exactly what the handle is on.
pub(in crate::paths) fn reopen(handle: impl AsFd, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let opened = rustix::io::fcntl_dupfd_cloexec(handle, 0)?;
    let is_folder = || -> rustix::io::Result<bool> {
        let mode = rustix::fs::fstat(&opened)?.st_mode;
        Ok(rustix::fs::FileType::from_raw_mode(mode).is_dir())
    };
    if flags.contains(OFlags::DIRECTORY) && !is_folder()? {
        return Err(rustix::io::Errno::NOTDIR);
    }
    Ok(opened)
}

/// No file system shows other processes here.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have to ask, which may fail"
)]
pub(in crate::paths) fn shows_processes(_handle: &OwnedFd) -> io::Result<bool> {
    Ok(false)
}
