//! The supervisor: one process outside the confinement that sees a command to its end.
//! Invariant: it holds the record's lock as long as anything of the command runs, ends everything when its
//! lifeline is cut or time is up, and writes the outcome last. Where it is stopped itself (SIGSTOP) its parent
//! ends it after the time-out; with the parent dead too, the command runs on until it is continued or ended.
//! It is started for an isolation, and gets all ready that commands of that kind share; what is one command's own comes
//! with the plan, for which it may wait, as a spare, in vain.
//! It must not know how the command is confined.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitCode;

use super::output::Sink;
use super::pipe;
use super::watch::{Stage, Watch, tell};
use crate::host::config::Isolation;
use crate::host::plan::{Notice, Plan, Unbegun};
use crate::host::record::{Held, Record};
use crate::host::system::{self, Settled};

/// The longest reason that is told, in characters, so that the line stays whole in the pipe.
const REASON_CHARS: usize = 500;

/// Runs the supervisor. Its standard input is the plan, once there is one, and always the lifeline; its standard
/// output takes the notices.
pub(super) fn main(isolation: Isolation) -> ExitCode {
    close_strays();
    match supervise(isolation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = error.to_string().chars().take(REASON_CHARS).collect();
            tell(&Notice::Failed(reason));
            ExitCode::FAILURE
        }
    }
}

fn supervise(isolation: Isolation) -> io::Result<()> {
    super::signals_left_to_the_parent().thread_block()?;
    // A new session has no terminal; it fails only for who leads a group already and has none either.
    if let Err(error) = rustix::process::setsid()
        && error != rustix::io::Errno::PERM
    {
        return Err(error.into());
    }
    if let Settled::WithoutNamespaces(why) = system::settle(isolation)? {
        tell_of_no_namespaces(&why);
        return Ok(());
    }
    let stage = Stage::start(isolation)?;
    let plan = if stage.is_there_when_called()? {
        pipe::read_line::<Plan>(io::stdin())?
    } else {
        None
    };
    let Some(plan) = plan else {
        stage.end();
        return Ok(());
    };
    let record = Record::new(&plan.record_dir, &plan.key);
    let mut held = record.hold()?;
    // Whoever reconciles takes the lock too: once a parent is dead, nothing begins any more.
    if pipe::is_closed(io::stdin())? {
        stage.end();
        return Ok(());
    }
    conduct(stage, &plan, &record, &mut held)
}

/// Runs the command between its mark and its outcome.
fn conduct(stage: Stage, plan: &Plan, record: &Record, held: &mut Held) -> io::Result<()> {
    system::open_way_out(&plan.confinement)?;
    empty_folder(record.temp())?;
    let sink = Sink::create(&plan.output, plan.confinement.limits.output_bytes)?;
    let pending = record.begin(held)?;
    let seen = Watch::begin(stage, plan, sink)
        .map_err(|error| error.to_string().into())
        .and_then(Watch::see_to_its_end);
    let end = match seen {
        Ok(end) => end,
        Err(unbegun) => {
            // The shell never began, and whatever was started for it is gone.
            held.unmark()?;
            discard(record.temp());
            return match unbegun {
                Unbegun::Failed(reason) => Err(io::Error::other(reason)),
                Unbegun::NoNamespaces(why) => {
                    tell_of_no_namespaces(&why);
                    Ok(())
                }
            };
        }
    };
    // Where the outcome cannot be kept (a failing disk), the parent is told all the same; should it die
    // before it keeps that, nothing can tell.
    match pending.conclude(&end) {
        Ok(()) | Err(_) => {}
    }
    discard(record.temp());
    tell(&Notice::Ended(end));
    Ok(())
}

fn tell_of_no_namespaces(why: &str) {
    let why = why.chars().take(REASON_CHARS).collect();
    tell(&Notice::NoNamespaces(why));
}

/// Closes whatever the parent left open by mistake. Standard streams stay.
fn close_strays() {
    let Ok(entries) = std::fs::read_dir(system::OPEN_FILES) else {
        return;
    };
    let open: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // The folder that was just read is among them and closed by now.
        match nix::unistd::close(number) {
            Ok(()) | Err(_) => {}
        }
    }
}

fn empty_folder(path: &Path) -> io::Result<()> {
    discard(path);
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// Removes a temp folder. What cannot be removed stays until the record is.
fn discard(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Ok(()) | Err(_) => {}
    }
}
