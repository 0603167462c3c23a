//! One file a command: from its arguments to what it prints.
//! Invariant: data goes to standard output, everything else to standard error.
//! It must not know how a turn runs or where events are kept.

mod approvals;
mod config;
mod console;
mod daemon;
mod doctor;
mod jobs;
mod model;
mod pair;
mod policy;
mod run;
mod sessions;
pub(crate) mod undo;

use anyhow::Context as _;
use clap::CommandFactory as _;
use corvid_core::wire::Millis;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Command, Line};
use crate::config::{Composed, Environment, Home};
use crate::exit::Exit;
use crate::{logs, output};

/// What a command logs unless `CORVID_LOG` says otherwise: what runs all the time tells what it does.
pub(crate) fn usual_log(command: &Command) -> LevelFilter {
    match command {
        Command::Start => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    }
}

/// Does what the command line asks.
///
/// # Errors
/// With the sentence for the person; the program then ends with [`Exit::Error`].
pub(crate) fn dispatch(command: Command, environment: &Environment) -> anyhow::Result<Exit> {
    if let Command::Completions { shell } = command {
        return completions(shell);
    }
    let home = Home::find(environment)?;
    match command {
        Command::Completions { .. } => Ok(Exit::Done),
        Command::Config(command) => block_on(async { config::config(command, &home, environment) }),
        Command::Start => daemon::start(&home, environment),
        Command::Stop => block_on(daemon::stop(&home, environment)),
        Command::Restart => block_on(daemon::restart(&home, environment)),
        Command::Status(arguments) => block_on(daemon::status(arguments, &home)),
        Command::Logs(arguments) => block_on(daemon::logs(arguments, &home)),
        Command::Pair(command) => block_on(pair::pair(command, &home, environment)),
        Command::Run(arguments) => block_on(run::run(arguments, &home, environment)),
        Command::Sessions(command) => block_on(sessions::sessions(command, &home, environment)),
        Command::Approvals(command) => block_on(approvals::approvals(command, &home, environment)),
        Command::Jobs(command) => block_on(jobs::jobs(command, &home, environment)),
        Command::Undo(arguments) => block_on(undo::undo(arguments, &home, environment)),
        Command::Policy(command) => policy::policy(command, &home, environment),
        Command::Model(command) => block_on(model::model(command, &home, environment)),
        Command::Doctor(arguments) => block_on(doctor::doctor(arguments, &home, environment)),
    }
}

/// The composed config, whose secrets no log shows from now on.
///
/// # Errors
/// As [`Composed::load`].
fn compose(home: &Home, environment: &Environment) -> anyhow::Result<Composed> {
    let composed = Composed::load(home, environment)?;
    logs::hide(&composed.redactor);
    Ok(composed)
}

/// A time for a person, to the minute.
fn moment(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(
        |_| format!("{millis} ms"),
        |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "agent", &mut script);
    output::print(&String::from_utf8(script).context("the completion script is text")?)?;
    Ok(Exit::Done)
}

/// Runs a command on one thread. Blocking work that is still going on (a question nobody answered) does not
/// hold up the end.
fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be made")?;
    let exit = runtime.block_on(async {
        // Its default ends the process without a word; once it was heard, the write fails and says why.
        let too_large = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
        let exit = command.await;
        drop(too_large);
        exit
    });
    runtime.shutdown_background();
    exit
}
