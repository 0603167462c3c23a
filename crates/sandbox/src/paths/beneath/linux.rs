//! The means of Linux: handles that open nothing, and `openat2`, which keeps beneath a folder.
//! Invariant: links are followed by the system alone, and only as far as they stay beneath.
//! It must not know other systems.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use crate::paths::PathError;

/// Tries while something on the way is being renamed, which the system answers with "try again".
const TRIES: u32 = 128;

/// Opens a handle on a folder by its real path.
pub(in crate::paths) fn open_folder(real: &Path) -> Result<OwnedFd, PathError> {
    rustix::fs::open(
        real,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|error| PathError::from_io(real, "opened", error))
}

/// A handle on what `path` leads to from the folder, which cannot be left on the way.
pub(in crate::paths) fn handle_beneath(
    folder: impl AsFd,
    path: &Path,
) -> rustix::io::Result<OwnedFd> {
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
pub(in crate::paths) fn handle_anywhere(path: &Path) -> rustix::io::Result<OwnedFd> {
    resolve(CWD, path, ResolveFlags::NO_MAGICLINKS)
}

/// Where an opened handle is now, with every link followed.
pub(in crate::paths) fn real_path(handle: impl AsFd) -> io::Result<PathBuf> {
    let link = rustix::fs::readlink(handle_link(handle), Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(
        link.into_bytes(),
    )))
}

/// Opens for reading exactly what the handle is on; the name it was found by no longer matters.
pub(in crate::paths) fn reopen(handle: impl AsFd, flags: OFlags) -> rustix::io::Result<OwnedFd> {
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

/// Whether a handle is on a file of `/proc`, wherever that is mounted (a folder to `chroot` to has one of
/// its own): such files are processes' environments and memory, this one's among them.
pub(in crate::paths) fn shows_processes(handle: &OwnedFd) -> io::Result<bool> {
    let system = rustix::fs::fstatfs(handle)?;
    Ok(system.f_type == rustix::fs::PROC_SUPER_MAGIC)
}
