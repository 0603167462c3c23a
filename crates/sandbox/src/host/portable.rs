//! Systems of which nothing is known but what all have: process groups, pipes and file locks.
//! Invariant: nothing is enforced here, and that is said; a command is ended with its process group, and the
//! group's first process outlives neither its supervisor nor the command.
//! It must not know any system's means of confinement.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::plan::{BEGIN, Confinement, Exit, Finding, STAGE_WORD};
use super::supervise::{pipe, shell, signals_left_to_the_parent};

/// What is required and not there, one sentence each.
pub(super) fn missing() -> Vec<String> {
    vec![
        "commands are confined on Linux only: run Corvid there, or in a Linux virtual machine"
            .to_owned(),
    ]
}

/// The program that begins a command, in a process group of its own.
pub(super) fn stage() -> io::Result<Command> {
    let mut stage = Command::new(std::env::current_exe()?);
    stage.args([STAGE_WORD, BEGIN]).process_group(0);
    Ok(stage)
}

/// Ends a stage with everything in its group, and waits for it. Yields the signal that ended it.
pub(super) fn end(stage: &Child) -> i32 {
    const SIGKILL: i32 = 9;
    let Some(stage) = i32::try_from(stage.id()).ok().and_then(Pid::from_raw) else {
        return SIGKILL;
    };
    match rustix::process::kill_process_group(stage, Signal::KILL) {
        // All may have ended by themselves; the number stays until it is waited for.
        Ok(()) | Err(_) => {}
    }
    let status =
        rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(stage), WaitOptions::empty()));
    match status {
        Ok(Some((_, status))) => status.terminating_signal().unwrap_or(SIGKILL),
        Ok(None) | Err(_) => SIGKILL,
    }
}

/// Runs the stage. Its standard input is the plan and then the lifeline, its standard output takes the
/// finding, its standard error is where the command writes.
pub(super) fn begin() -> ExitCode {
    let Ok(Some(plan)) = pipe::read_line::<Confinement>(io::stdin()) else {
        return ExitCode::FAILURE;
    };
    let finding = begun(&plan);
    let told = pipe::line(&finding).and_then(|line| io::stdout().write_all(&line));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Begins the command and waits for its end; an error only if the shell never began.
fn begun(plan: &Confinement) -> Finding {
    let held = signals_left_to_the_parent();
    held.thread_block()
        .map_err(|error| format!("signals cannot be held back: {error}"))?;
    // Not before the command is there: it could then begin after the end.
    let shell = shell::begin(plan, held, || shell::enter(plan), |_| ())?;
    std::thread::spawn(end_with_the_lifeline);
    loop {
        match rustix::process::waitpid(Some(shell), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                return exit_of(status).ok_or_else(|| "no end".to_owned().into());
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("the shell cannot be waited for: {error}").into()),
        }
    }
}

/// Ends the group, and with it this process, once the supervisor closes its end.
fn end_with_the_lifeline() {
    let mut byte = [0];
    while let Ok(1..) = io::stdin().read(&mut byte) {}
    match rustix::process::kill_current_process_group(Signal::KILL) {
        Ok(()) | Err(_) => {}
    }
}

/// How a shell ended, if it did.
pub(super) fn exit_of(status: WaitStatus) -> Option<Exit> {
    status
        .exit_status()
        .map(Exit::Code)
        .or_else(|| status.terminating_signal().map(Exit::Signal))
}
