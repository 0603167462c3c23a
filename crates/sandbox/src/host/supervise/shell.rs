//! The command's shell: which one, and what it is handed.
//! Invariant: it gets its command line, its environment, no input, and nothing else of the process.
//! It must not know how it is confined or ended.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::process::Pid;

use crate::host::plan::Confinement;

/// Shells in the order of preference.
const SHELLS: &[&str] = &[
    "/bin/bash",
    "/usr/bin/bash",
    "/run/current-system/sw/bin/bash",
    "/bin/sh",
];

/// The shell that commands are for.
pub(in crate::host) fn find() -> PathBuf {
    let found = SHELLS.iter().find(|shell| Path::new(shell).exists());
    PathBuf::from(found.unwrap_or(&"/bin/sh"))
}

/// Moves the process into the working folder, wherever links lead.
pub(in crate::host) fn enter(plan: &Confinement) -> Result<(), String> {
    std::env::set_current_dir(&plan.working_dir).map_err(|error| {
        let folder = plan.working_dir.display();
        format!("`{folder}` cannot be entered: {error}")
    })
}

/// Begins the shell from a thread of its own that first does what is to hold for the command alone and then
/// takes `held` signals again; the shell inherits from it. It writes to this process's standard error.
pub(in crate::host) fn begin(
    plan: &Confinement,
    held: SigSet,
    first: impl FnOnce() -> Result<(), String> + Send,
    adjust: impl FnOnce(&mut Command) + Send,
) -> Result<Pid, String> {
    let begun = std::thread::scope(|scope| {
        let confined = scope.spawn(|| {
            first()?;
            // What ends meanwhile is reaped before the first wait.
            held.thread_unblock()
                .map_err(|error| format!("signals cannot be passed on: {error}"))?;
            spawn(plan, adjust)
        });
        confined.join()
    });
    begun.unwrap_or_else(|_| Err("the confining thread failed".to_owned()))
}

fn spawn(plan: &Confinement, adjust: impl FnOnce(&mut Command)) -> Result<Pid, String> {
    let output = || io::stderr().as_fd().try_clone_to_owned();
    let (stdout, stderr) = output()
        .and_then(|stdout| Ok((stdout, output()?)))
        .map_err(|error| format!("the command's output cannot be passed on: {error}"))?;
    let mut shell = Command::new(&plan.shell);
    shell
        .arg("-c")
        .arg(&plan.command)
        .env_clear()
        .envs(plan.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    adjust(&mut shell);
    let child = shell.spawn().map_err(|error| {
        let shell = plan.shell.display();
        format!("the shell `{shell}` cannot be started: {error}; install bash or sh")
    })?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| "the shell has no process number".to_owned())
}
