//! How Linux confines a command, finds everything of it, and ends that.
//! Invariant: a command that is to be confined begins confined in full or not at all.
//! It must not know time-outs, output or records; supervision does.

mod confine;
mod descendants;
mod filter;
mod loopback;
mod mounts;
mod namespaces;
mod program;
pub(super) mod relay;
mod rules;
mod sockets;
mod stage;

use std::io;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, WaitOptions};

use super::config::Isolation;
use super::plan::{CONFINE, Confinement, STAGE_WORD};
use super::portable;
use namespaces::Entered;

pub(super) use super::relay::receive;
pub(super) use namespaces::{Outlook, expected, none as no_namespaces, probe};
pub(super) use rules::ports_supported as ports_held;
pub(super) use stage::main as confine;

/// Where a process finds the numbers of its open files.
pub(super) const OPEN_FILES: &str = "/proc/self/fd";

/// What is left where nothing can be enforced.
pub(super) const UNCONFINED: Isolation = Isolation::WithoutLandlock;

/// How a supervisor settled.
pub(super) enum Settled {
    /// As planned.
    Whole,
    /// There are no namespaces after all, and why.
    WithoutNamespaces(String),
}

/// Makes the supervisor what commands of that kind need: all that is orphaned comes to it, and its children get
/// namespaces of their own.
pub(super) fn settle(isolation: Isolation) -> io::Result<Settled> {
    if isolation == Isolation::Nothing {
        return Ok(Settled::Whole);
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    if isolation != Isolation::Full {
        return Ok(Settled::Whole);
    }
    Ok(match namespaces::enter() {
        Ok(Entered::Own) => Settled::Whole,
        Ok(Entered::None) => Settled::WithoutNamespaces(namespaces::none()),
        Err(error) => Settled::WithoutNamespaces(namespaces::half_there(&error)),
    })
}

/// Gives the parent the proxy's listener in the command's own network, if the command may reach hosts.
pub(super) fn open_way_out(plan: &Confinement) -> io::Result<()> {
    match plan.proxy {
        Some(port) if plan.isolation == Isolation::Full => relay::offer(io::stdin(), port),
        _ => Ok(()),
    }
}

/// The program that confines itself and begins a command.
pub(super) fn stage(isolation: Isolation) -> io::Result<Command> {
    if isolation == Isolation::Nothing {
        return portable::stage();
    }
    // A program that was replaced while it runs is still found there.
    let mut stage = Command::new("/proc/self/exe");
    stage.args([STAGE_WORD, CONFINE]);
    Ok(stage)
}

/// Ends a stage and everything of its command, and waits for that. Yields the signal that ended it.
pub(super) fn end(stage: &Child, isolation: Isolation) -> i32 {
    const SIGKILL: i32 = 9;
    match isolation {
        Isolation::Nothing => return portable::end(stage),
        Isolation::Full => {}
        Isolation::WithoutNamespaces | Isolation::WithoutScopes | Isolation::WithoutLandlock => {
            descendants::end_all();
            return SIGKILL;
        }
    }
    let Some(stage) = i32::try_from(stage.id()).ok().and_then(Pid::from_raw) else {
        return SIGKILL;
    };
    // The kernel ends the whole namespace before it gives back its first process.
    match rustix::process::kill_process(stage, Signal::KILL) {
        // It may have ended by itself; its number stays until it is waited for.
        Ok(()) | Err(_) => {}
    }
    let status =
        rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(stage), WaitOptions::empty()));
    match status {
        Ok(Some((_, status))) => status.terminating_signal().unwrap_or(SIGKILL),
        Ok(None) | Err(_) => SIGKILL,
    }
}

/// What names the machine's present boot.
pub(super) fn boot_id() -> io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
}

/// What is required and not there, one sentence each.
pub(super) fn missing(isolation: Isolation) -> Vec<String> {
    if isolation == Isolation::Nothing {
        return portable::missing();
    }
    let mut missing = Vec::new();
    if !std::path::Path::new("/proc/self/stat").exists() {
        missing.push("`/proc` is missing: mount it".to_owned());
    }
    if isolation == Isolation::WithoutLandlock || !rules::supported() {
        missing.push(
            "Landlock is missing or too old: use Linux 6.2 or newer, with `landlock` among the security \
             modules (`cat /sys/kernel/security/lsm`; boot option `lsm=landlock,…`)"
                .to_owned(),
        );
    }
    if !filter::supported() {
        missing.push(
            "system call filters are missing: use a kernel with CONFIG_SECCOMP_FILTER on x86_64, aarch64 or riscv64"
                .to_owned(),
        );
    }
    missing
}
