//! The `agent` binary: the command line, the config and the wiring of all crates.
//! Invariant: the sandbox's stages come before everything else, on the one thread there is.
//! It must not know how anything is done that a crate owns.

mod args;
mod commands;
mod config;
mod exit;
mod logs;
mod output;
mod surroundings;
mod wiring;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::Line;
use crate::config::Environment;
use crate::exit::Exit;

fn main() -> ExitCode {
    if let Some(code) = corvid_sandbox::enter() {
        return code;
    }
    let Line { command } = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => return refuse(&error),
    };
    let Some(command) = command else {
        return short_help();
    };
    let environment = Environment::of_process();
    let logged = logs::start(&environment, commands::usual_log(&command));
    let done = logged.and_then(|()| commands::dispatch(command, &environment));
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            Exit::from(&error).into()
        }
    }
}

/// Prints what clap has to say: help and version on standard output, a mistake on standard error.
fn refuse(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    let exit = printed(error.print(), exit);
    let first = std::env::args_os().nth(1).filter(|_| error.use_stderr());
    if first.is_some_and(|first| Line::command().find_subcommand(first).is_none()) {
        output::say("To ask something: agent run -e \"what's in this folder?\"");
    }
    exit.into()
}

fn short_help() -> ExitCode {
    printed(Line::command().print_help(), Exit::Done).into()
}

/// The end after something was printed: as meant, unless it could not be. A reader that left early has read
/// enough.
fn printed(written: io::Result<()>, meant: Exit) -> Exit {
    match written.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            output::say(&format!(
                "error: standard output cannot be written: {error}"
            ));
            Exit::Error
        }
        _ => meant,
    }
}
