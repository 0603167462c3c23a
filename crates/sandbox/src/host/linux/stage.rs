//! The confining stage: begins the command in a confined thread, then watches over what it leaves behind.
//! Invariant: it outlives the shell, reaps orphans, and takes everything with it when it ends; it is the
//! first process of the command's PID namespace where there is one.
//! It must not know time-outs, output or records; the supervisor does.
//!
//! The thread alone is confined, and the shell inherits from it. So the command can neither signal nor
//! look into the stage, which stays outside its Landlock domain.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{DumpableBehavior, Pid, Signal};

use super::mounts::{self, Mounted};
use super::{confine, descendants};
use crate::host::config::{Isolation, Limits};
use crate::host::plan::{Confinement, Exit, Finding, Unbegun};
use crate::host::portable::exit_of;
use crate::host::supervise::{pipe, shell, signals_left_to_the_parent};

/// Among processes that are ended for lack of memory, a command comes long before its agent.
const OOM_SCORE: &str = "500";

/// Runs the stage. Its standard input is the plan and then the lifeline, its standard output takes the
/// finding, its standard error is where the command writes.
pub(in crate::host) fn main() -> ExitCode {
    let Ok(Some(plan)) = pipe::read_line::<Confinement>(io::stdin()) else {
        return ExitCode::FAILURE;
    };
    let told = match watch(&plan) {
        // The lifeline was cut: nobody asks how it went.
        Ok(None) => Ok(()),
        Ok(Some(exit)) => tell(&Ok(exit)),
        Err(reason) => tell(&Err(reason)),
    };
    if plan.isolation != Isolation::Full {
        descendants::end_all();
    }
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn tell(finding: &Finding) -> io::Result<()> {
    io::stdout().write_all(&pipe::line(finding)?)
}

/// Begins the command and waits for its end. `None` if the lifeline was cut before; an error only if
/// the shell never began.
fn watch(plan: &Confinement) -> Result<Option<Exit>, Unbegun> {
    let failed = |error: io::Error| format!("the confining stage failed: {error}");
    let mut signals = signals_left_to_the_parent();
    signals.add(nix::sys::signal::Signal::SIGCHLD);
    signals
        .thread_block()
        .map_err(|error| failed(error.into()))?;
    let ended = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|error| failed(error.into()))?;
    let mounted = settle(plan)?;
    let first = || {
        if plan.isolation.confines() {
            confine::confine(plan, mounted)
        } else {
            shell::enter(plan)
        }
    };
    // A signal to the command's own group reaches neither the stage nor the supervisor.
    let shell = shell::begin(plan, signals, first, |shell| {
        shell.process_group(0);
    })?;
    match confine::drop_capabilities() {
        // The command runs and cannot reach them; without them the stage merely has less to lose.
        Ok(()) | Err(_) => Ok(wait(shell, &ended)),
    }
}

/// Makes sure that the stage goes with its supervisor, and everything below with the stage.
fn settle(plan: &Confinement) -> Result<Mounted, Unbegun> {
    let failed =
        |error: rustix::io::Errno| format!("the confining stage cannot prepare itself: {error}");
    match std::fs::write("/proc/self/oom_score_adj", OOM_SCORE) {
        // A wish, which a read-only `/proc` does not grant.
        Ok(()) | Err(_) => {}
    }
    let mounted = if plan.isolation == Isolation::Full {
        // The first process of a PID namespace takes all others with it.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed)?;
        let mounted = mounts::mount(plan)?;
        if mounted.processes {
            limit_processes(&plan.limits);
        }
        mounted
    } else {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(failed)?;
        Mounted::default()
    };
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed)?;
    Ok(mounted)
}

/// Root's processes are exempt from the usual limit; what holds for root too are the process numbers of
/// the namespace. Where those are the whole machine's (before Linux 6.14) they must not be touched, and
/// the time-out is what ends a fork bomb.
fn limit_processes(limits: &Limits) {
    const LEAST: u64 = 301;
    let release = rustix::system::uname();
    let mut numbers = release
        .release()
        .to_str()
        .unwrap_or_default()
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) < (Some(6), Some(14)) {
        return;
    }
    let most = limits.processes.max(LEAST).to_string();
    match std::fs::write("/proc/sys/kernel/pid_max", most) {
        Ok(()) | Err(_) => {}
    }
}

/// Reaps until the shell has ended; `None` if the lifeline is cut first.
fn wait(shell: Pid, ended: &SignalFd) -> Option<Exit> {
    let lifeline = io::stdin();
    loop {
        if let Some(status) = descendants::reap(shell) {
            return exit_of(status);
        }
        let mut polled = [
            PollFd::new(&lifeline, PollFlags::IN),
            PollFd::new(ended, PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, None)).ok()?;
        if !polled[0].revents().is_empty() {
            return None;
        }
        while let Ok(Some(_)) = ended.read_signal() {}
    }
}
