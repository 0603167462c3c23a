//! How Linux confines a command: a supervisor outside, and in it a stage that confines itself and begins
//! the command.
//! Invariant: no `unsafe`; what other programs do between fork and exec is done here by executing the
//! helper again, before it has any thread.
//! It must not know what started it, beyond the plan on its standard input.

mod confine;
mod descendants;
mod filter;
mod loopback;
mod mounts;
mod namespaces;
mod output;
mod pipe;
mod rules;
mod stage;
mod supervisor;
mod watch;

use std::process::ExitCode;

use super::plan::{CONFINE, PROBE, STAGE_WORD, SUPERVISE};

/// Acts as a stage of a command if this process was started as one. Call it first in `main`, before any
/// thread exists: `Some` is the process's exit code, `None` means that it is an ordinary process.
pub fn enter() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != STAGE_WORD {
        return None;
    }
    let stage = arguments.next();
    Some(match stage.as_ref().and_then(|stage| stage.to_str()) {
        Some(SUPERVISE) => supervisor::main(),
        Some(CONFINE) => stage::main(),
        Some(PROBE) => namespaces::probe(),
        _ => ExitCode::from(2),
    })
}

/// What is required and not there, one sentence each.
pub(super) fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !std::path::Path::new("/proc/self/stat").exists() {
        missing.push("`/proc` is missing: mount it".to_owned());
    }
    if !rules::supported() {
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

/// Signals that end a whole service at once are not for the processes around a command: their parent
/// decides, and their lifeline tells them.
fn signals_left_to_the_parent() -> nix::sys::signal::SigSet {
    let mut signals = nix::sys::signal::SigSet::empty();
    for signal in [
        nix::sys::signal::Signal::SIGHUP,
        nix::sys::signal::Signal::SIGINT,
        nix::sys::signal::Signal::SIGTERM,
    ] {
        signals.add(signal);
    }
    signals
}
