//! Namespaces of a command's own: user, PID, network and IPC, all of them or none.
//! Invariant: a process that could not have them all is told apart from one that has half of them and is
//! of no more use.
//! It must not know what runs in them, or what is mounted there.

use std::io::{self, Write};
use std::process::ExitCode;

use nix::sched::CloneFlags;
use rustix::thread::CapabilitySet;

use super::{loopback, mounts};

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
pub(in crate::host) fn probe() -> ExitCode {
    let why = match enter() {
        Ok(Entered::Own) => match mounts::part() {
            Ok(()) => return ExitCode::SUCCESS,
            Err(why) => why,
        },
        Ok(Entered::None) => none(),
        Err(error) => half_there(&error),
    };
    match io::stdout().write_all(why.as_bytes()) {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

/// The system allows none: what may be changed.
pub(in crate::host) fn none() -> String {
    "the system allows this user no namespaces (`sysctl user.max_user_namespaces`, \
     `kernel.unprivileged_userns_clone`), or a container around it does not"
        .to_owned()
}

/// They can be had without any use: what may be changed.
pub(super) fn half_there(error: &io::Error) -> String {
    format!(
        "the system gives namespaces without rights in them ({error}; \
         `sysctl kernel.apparmor_restrict_unprivileged_userns`)"
    )
}

/// What a quick look says of namespaces, without entering any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Outlook {
    /// Nothing is known to stand in the way.
    Good,
    /// The system allows none.
    None,
    /// Only trying can tell.
    Unclear,
}

/// Whether namespaces are to be expected. Takes no process and less than a millisecond.
pub(in crate::host) fn expected() -> Outlook {
    let setting = |path: &str| std::fs::read_to_string(path).ok();
    let is = |path: &str, value: &str| setting(path).is_some_and(|found| found.trim() == value);
    let counted = ["user", "net", "mnt", "pid", "ipc"];
    if counted
        .iter()
        .any(|kind| is(&format!("/proc/sys/user/max_{kind}_namespaces"), "0"))
    {
        return Outlook::None;
    }
    // A process with threads cannot enter one, and is told so unless something forbids it before.
    let tried = std::thread::spawn(|| nix::sched::unshare(CloneFlags::CLONE_NEWUSER)).join();
    if !matches!(tried, Ok(Err(nix::errno::Errno::EINVAL))) {
        return Outlook::Unclear;
    }
    let restricted = is("/proc/sys/kernel/unprivileged_userns_clone", "0")
        || is(
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
        );
    if restricted {
        return Outlook::Unclear;
    }
    Outlook::Good
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
