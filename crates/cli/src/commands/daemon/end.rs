//! `agent stop` and `agent restart`: asking the process that runs for a home to end, or to begin anew.
//! Invariant: a signal goes to a process only while it holds the home's lock; what was asked for is said once it is so.
//! It must not know what that process does.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::instance::{Occupant, There, there, until_gone};
use super::start::Loaded;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::say;

/// How much longer than its grace a process may take to end.
const BEYOND_GRACE: Duration = Duration::from_secs(5);

/// How long a process may take to begin anew after it has ended.
const BEGINNING: Duration = Duration::from_secs(10);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// What a process that is asked to end is to do then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// End.
    Stop,
    /// Begin anew in its own place.
    Anew,
}

/// What this process is to do when it is asked to end: `agent restart` leaves its number in a file. Told once.
pub(super) fn wish(home: &Home) -> Wish {
    let file = wish_file(home);
    let asked = fs::read_to_string(&file).unwrap_or_default();
    // Whether it goes or not: a number that is no longer this process's says nothing.
    drop(fs::remove_file(&file));
    if asked.trim() == std::process::id().to_string() {
        Wish::Anew
    } else {
        Wish::Stop
    }
}

/// Stops the process that runs for the home.
///
/// # Errors
/// If it has not ended in time; the sentence says how to end it.
pub(in crate::commands) async fn stop(
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let Some(running) = running(home)? else {
        say("none runs");
        return Ok(Exit::Done);
    };
    drop(fs::remove_file(wish_file(home)));
    let pid = end(&running)?;
    let grace = grace(home, environment);
    say(&format!(
        "process {pid} ends; what it is at work on has {} s",
        grace.as_secs()
    ));
    if until_gone(&home.state, grace + BEYOND_GRACE).await? {
        say("stopped");
        return Ok(Exit::Done);
    }
    bail!(
        "process {pid} has not ended; `kill -9 {pid}` ends it, and nothing that was accepted is lost"
    )
}

/// Lets the process that runs for the home begin anew.
///
/// # Errors
/// If none runs, the config is wrong, or it has not begun anew in time.
pub(in crate::commands) async fn restart(
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let loaded = Loaded::load(home, environment);
    let loaded = loaded.context("it runs on as it is, since the config is wrong")?;
    let Some(running) = running(home)? else {
        bail!("none runs; `agent start` begins");
    };
    let file = wish_file(home);
    let asked = fs::write(&file, running.pid.to_string());
    asked.with_context(|| format!("{} cannot be written", file.display()))?;
    let pid = end(&running).inspect_err(|_| drop(fs::remove_file(&file)))?;
    let patience = Duration::from_millis(loaded.config.grace_ms) + BEYOND_GRACE + BEGINNING;
    match tokio::time::timeout(patience, anew(home, &running)).await {
        Ok(begun) => {
            begun?;
            say(&format!("process {pid} has begun anew"));
            Ok(Exit::Done)
        }
        Err(_) => bail!(
            "process {pid} has not begun anew; `agent logs` says why, `agent status` how it is"
        ),
    }
}

/// Waits until the process has begun anew.
async fn anew(home: &Home, before: &Occupant) -> anyhow::Result<()> {
    loop {
        match there(&home.state)? {
            There::One(now) if now != *before => return Ok(()),
            There::One(_) | There::Somebody => tokio::time::sleep(LOOK).await,
            There::Nobody => bail!(
                "it has ended and not begun anew; `agent logs` says why, `agent start` begins"
            ),
        }
    }
}

/// The process that runs for the home.
///
/// # Errors
/// If its files cannot be read, or it has only just begun.
fn running(home: &Home) -> anyhow::Result<Option<Occupant>> {
    let state = home.state.display();
    match there(&home.state).with_context(|| format!("{state} cannot be read"))? {
        There::Nobody => Ok(None),
        There::One(occupant) => Ok(Some(occupant)),
        There::Somebody => bail!("one is only just beginning or ending; try again in a moment"),
    }
}

/// Asks a process to end.
fn end(occupant: &Occupant) -> anyhow::Result<u32> {
    let pid = i32::try_from(occupant.pid).ok().and_then(Pid::from_raw);
    let pid = pid.with_context(|| format!("`{}` is no process number", occupant.pid))?;
    kill_process(pid, Signal::TERM)
        .with_context(|| format!("process {} cannot be asked to end", occupant.pid))?;
    Ok(occupant.pid)
}

/// The grace that is set; the usual one where the config is wrong, which must not keep anybody from stopping.
fn grace(home: &Home, environment: &Environment) -> Duration {
    let set = Loaded::load(home, environment).map(|loaded| loaded.config.grace_ms);
    Duration::from_millis(set.unwrap_or(10_000))
}

fn wish_file(home: &Home) -> std::path::PathBuf {
    home.state.join("daemon.restart")
}
