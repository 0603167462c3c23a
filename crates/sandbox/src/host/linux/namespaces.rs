//! Namespaces of a command's own: user, PID, network and IPC, all of them or none.
//! Invariant: a process that could not have them all is told apart from one that has half of them and is
//! of no more use.
//! It must not know what runs in them, or what is mounted there.

use std::io::{self, Write};
use std::process::ExitCode;

use nix::sched::CloneFlags;
use rustix::thread::CapabilitySet;

use super::loopback;

/// Whether namespaces were entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// Yes: the next child is the first process of a PID namespace.
    Own,
    /// The system allows none; this process is as it was.
    None,
}

/// Enters namespaces. The process must have no other thread.
///
/// # Errors
/// Namespaces are half there (some systems give them without any rights in them): this process is of no
/// more use, and the next one must not try.
pub(super) fn enter() -> io::Result<Entered> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC;
    if nix::sched::unshare(all).is_err() {
        return Ok(Entered::None);
    }
    // The same user inside as outside, and nobody else.
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write(
        "/proc/self/uid_map",
        format!("{uid} {uid} 1", uid = uid.as_raw()),
    )?;
    std::fs::write(
        "/proc/self/gid_map",
        format!("{gid} {gid} 1", gid = gid.as_raw()),
    )?;
    loopback::up()?;
    keep_rights_over_exec()?;
    Ok(Entered::Own)
}

/// Says on standard output why there are no namespaces, if so.
pub(super) fn probe() -> ExitCode {
    let why = match enter() {
        Ok(Entered::Own) => return ExitCode::SUCCESS,
        Ok(Entered::None) => {
            "the system allows this user no namespaces (`sysctl user.max_user_namespaces`, \
             `kernel.unprivileged_userns_clone`), or a container around it does not"
                .to_owned()
        }
        Err(error) => format!(
            "the system gives namespaces without rights in them ({error}; \
             `sysctl kernel.apparmor_restrict_unprivileged_userns`)"
        ),
    };
    match io::stdout().write_all(why.as_bytes()) {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

/// A user who is not root loses all rights at the next exec unless they are ambient. The confining
/// stage needs two: to mount, and to give up the rest for good.
fn keep_rights_over_exec() -> io::Result<()> {
    let needed = [CapabilitySet::SYS_ADMIN, CapabilitySet::SETPCAP];
    let mut sets = rustix::thread::capabilities(None)?;
    sets.inheritable = needed[0] | needed[1];
    rustix::thread::set_capabilities(None, sets)?;
    for right in needed {
        rustix::thread::configure_capability_in_ambient_set(right, true)?;
    }
    Ok(())
}
