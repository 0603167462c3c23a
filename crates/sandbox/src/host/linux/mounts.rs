//! What a command with namespaces of its own sees mounted: everything read-only but its own folders, its
//! own processes, and shared memory of its own.
//! Invariant: takes away only. Landlock stands whatever fails here; this adds what Landlock cannot deny,
//! such as changes of permissions and times outside.
//! It must not know what a command is.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sched::CloneFlags;
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};

use super::rules;
use crate::host::plan::{Confinement, Unbegun};

/// What was mounted, and so may be granted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mounted {
    /// `/proc` shows the command's processes alone.
    pub(super) processes: bool,
    /// `/dev/shm` is empty and private.
    pub(super) shared_memory: bool,
}

/// Mounts what it can for the first process of new namespaces. Containers often forbid a fresh `/proc`; then
/// what is there is not granted.
///
/// # Errors
/// What must be sealed or hidden cannot be: Landlock alone would not deny it.
pub(super) fn mount(plan: &Confinement) -> Result<Mounted, Unbegun> {
    let own = [plan.working_dir.as_path(), plan.temp.as_path()];
    let writable: Vec<&Path> = own
        .into_iter()
        .chain(plan.writable.iter().map(PathBuf::as_path))
        .collect();
    seal(&writable)?;
    hide(plan).map_err(|error| format!("what is private cannot be hidden: {error}"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let processes = rustix::mount::mount("proc", "/proc", "proc", flags, None);
    let shared_memory = rustix::mount::mount(
        "tmpfs",
        "/dev/shm",
        "tmpfs",
        flags,
        Some(c"size=256m,nr_inodes=4096,mode=1777"),
    );
    Ok(Mounted {
        processes: processes.is_ok(),
        shared_memory: shared_memory.is_ok(),
    })
}

/// Puts something empty over what must not be seen. Only the temp folder is put back, if it lies below.
fn hide(plan: &Confinement) -> io::Result<()> {
    let closed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let temp = rules::folder(&plan.temp)?;
    for hidden in &plan.hidden {
        if !hidden.is_dir() {
            rustix::mount::mount_bind("/dev/null", hidden)?;
            rustix::mount::mount_remount(
                hidden,
                closed | MountFlags::BIND | MountFlags::RDONLY,
                c"",
            )?;
            continue;
        }
        rustix::mount::mount(
            "tmpfs",
            hidden,
            "tmpfs",
            closed,
            Some(c"size=64k,mode=0700"),
        )?;
        if plan.temp.starts_with(hidden) {
            std::fs::create_dir_all(&plan.temp)?;
            let kept = format!("/proc/self/fd/{}", temp.as_raw_fd());
            rustix::mount::mount_bind(kept, &plan.temp)?;
        }
        rustix::mount::mount_remount(hidden, closed | MountFlags::BIND | MountFlags::RDONLY, c"")?;
    }
    Ok(())
}

/// Enters a mount namespace of its own, of which nothing is seen elsewhere.
///
/// # Errors
/// The system does not let this user mount: what may be changed.
pub(super) fn part() -> Result<(), String> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    nix::sched::unshare(CloneFlags::CLONE_NEWNS)
        .map_err(io::Error::from)
        .and_then(|()| Ok(rustix::mount::mount_change("/", private)?))
        .map_err(|error| nothing_mounted(&error))
}

fn nothing_mounted(error: &io::Error) -> String {
    format!(
        "the system gives namespaces in which nothing can be mounted ({error}; `sysctl user.max_mnt_namespaces`)"
    )
}

/// Enters a mount namespace in which only `writable` can be written.
fn seal(writable: &[&Path]) -> Result<(), Unbegun> {
    part().map_err(Unbegun::NoNamespaces)?;
    let before = std::fs::read("/proc/self/mountinfo")
        .map_err(|error| format!("what is mounted cannot be read: {error}"))?;
    for path in writable {
        let cannot = |error: Errno| format!("`{}` cannot be opened: {error}", path.display());
        // By a handle, so that a link which took its place meanwhile is not followed.
        let handle = rules::exactly(path).map_err(cannot)?;
        let handle = format!("/proc/self/fd/{}", handle.as_raw_fd());
        match rustix::mount::mount_bind_recursive(&handle, &handle) {
            // It was removed meanwhile.
            Err(Errno::NOENT) => return Err(cannot(Errno::NOENT).into()),
            Err(error) => return Err(Unbegun::NoNamespaces(nothing_mounted(&error.into()))),
            Ok(()) => {}
        }
    }
    for line in before.split(|byte| *byte == b'\n') {
        let Some((place, flags)) = parse(line) else {
            continue;
        };
        if writable.iter().any(|folder| place.starts_with(folder)) {
            continue;
        }
        // One that this user may not change stays as it is.
        match rustix::mount::mount_remount(
            &place,
            flags | MountFlags::BIND | MountFlags::RDONLY,
            c"",
        ) {
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The place and the flags in a line of `mountinfo`, its fifth and sixth field, if it can be written.
fn parse(line: &[u8]) -> Option<(PathBuf, MountFlags)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let place = unescape(fields.next()?);
    let options = fields.next()?;
    // A remount sets what it does not name, and may not loosen what a container around it tightened.
    let mut flags = MountFlags::empty();
    for option in options.split(|byte| *byte == b',') {
        flags |= match option {
            // It stays as it is.
            b"ro" => return None,
            b"nosuid" => MountFlags::NOSUID,
            b"nodev" => MountFlags::NODEV,
            b"noexec" => MountFlags::NOEXEC,
            b"noatime" => MountFlags::NOATIME,
            b"nodiratime" => MountFlags::NODIRATIME,
            b"relatime" => MountFlags::RELATIME,
            _ => MountFlags::empty(),
        };
    }
    Some((place, flags))
}

/// Spaces and the like are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut plain = Vec::new();
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_yields_place_and_flags() {
        let line =
            br"36 35 98:0 /m /a\040b\134 rw,nosuid,relatime shared:1 - ext4 /dev/x rw,errors=c";
        assert_eq!(
            parse(line),
            Some((
                PathBuf::from(r"/a b\"),
                MountFlags::NOSUID | MountFlags::RELATIME
            ))
        );
        assert_eq!(
            parse(b"36 35 98:0 /m /a ro,nosuid shared:1 - ext4 /dev/x rw"),
            None
        );
        assert_eq!(parse(b""), None);
    }
}
