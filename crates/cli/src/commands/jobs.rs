//! `agent jobs`: what runs in the background, what it has written, and ending it.
//! Invariant: a job's end is told as it stands in the journal, never as it was asked for.
//! It must not know how a job runs.

use std::io::{self, IsTerminal as _, Read, Write as _};

use anyhow::{Context as _, bail};
use corvid_channels::{inert, inert_line};
use corvid_core::Outputs;
use corvid_core::wire::CallStatus;
use corvid_gateway::Backgrounded;
use corvid_store::JobRow;
use serde_json::json;

use super::console::{ALIKE, Console, named_enough, the_one};
use super::moment;
use crate::args::Jobs;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{print, print_json, say};

/// How jobs are named where one is not found.
const WHAT: (&str, &str) = ("job", "agent jobs list --all");

/// How much of a command a line of the list shows, in characters.
const SHOWN: usize = 60;

/// Does what `jobs` asks.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn jobs(
    command: Jobs,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let console = Console::open(home, environment).await?;
    let done = act(&console, command).await;
    console.close().await;
    done.map(|()| Exit::Done)
}

async fn act(console: &Console, command: Jobs) -> anyhow::Result<()> {
    match command {
        Jobs::List { all, json } => list(console, all, json.json).await,
        Jobs::Show { job, json } => {
            let row = find(console, &job).await?;
            if json.json {
                print_json(&as_json(&row))
            } else {
                print(&shown(console, &row))
            }
        }
        Jobs::Output { job } => output(console, &find(console, &job).await?),
        Jobs::Cancel { job } => {
            let row = find(console, &job).await?;
            named_enough(&row.start.job, &job)?;
            cancel(console, &row).await
        }
        Jobs::Background { session } => background(console, session.as_deref()).await,
    }
}

/// The job whose id it is, or begins so.
async fn find(console: &Console, given: &str) -> anyhow::Result<JobRow> {
    let store = &console.store;
    let ids = match given.trim() {
        "" => Vec::new(),
        begins => store.job_ids(begins, ALIKE).await?,
    };
    let row = store.job(the_one(&ids, given, WHAT)?).await?;
    row.with_context(|| format!("the job `{given}` is gone"))
}

async fn list(console: &Console, all: bool, json: bool) -> anyhow::Result<()> {
    let rows = if all {
        console.store.jobs(None).await?
    } else {
        console.store.open_jobs(None).await?
    };
    if json {
        return rows.iter().try_for_each(|row| print_json(&as_json(row)));
    }
    if rows.is_empty() {
        return print(if all {
            "no jobs yet\n"
        } else {
            "no job runs; `agent jobs list --all` shows those that have ended\n"
        });
    }
    let width = rows.iter().map(|row| row.session.as_str().len()).max();
    let lines = rows.iter().map(|row| {
        let title = inert_line(&row.start.title);
        let mut shown: String = title.chars().take(SHOWN).collect();
        if shown.len() < title.len() {
            shown.push('…');
        }
        format!(
            "{}  {:width$}  {}  {:<11}  {shown}\n",
            row.start.job,
            row.session.as_str(),
            moment(row.started_at),
            state(console, row),
            width = width.unwrap_or(0),
        )
    });
    print(&lines.collect::<String>())
}

/// How a job stands, in a word or two.
fn state(console: &Console, row: &JobRow) -> &'static str {
    match &row.ended {
        Some((_, end)) => ending(end.status),
        None if console.store.is_alive(&row.owner) => "open",
        // Whoever next works in the session finds out how it ended.
        None => "cut off",
    }
}

fn ending(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Ok => "ended",
        CallStatus::Failed | CallStatus::Fatal => "failed",
        CallStatus::Interrupted => "interrupted",
        CallStatus::Stopped => "stopped",
        CallStatus::Unknown => "unknown",
    }
}

fn shown(console: &Console, row: &JobRow) -> String {
    let start = &row.start;
    let ended = row.ended.as_ref().map_or(String::new(), |(at, end)| {
        format!("{} {}\n", ending(end.status), moment(*at))
    });
    format!(
        "{} · session {} · {}\nbegan {}, may run {} s\nin {}\n{ended}{}\n",
        start.job,
        row.session,
        state(console, row),
        moment(row.started_at),
        start.timeout_ms / 1_000,
        inert_line(&start.working_dir),
        inert(&start.title),
    )
}

fn as_json(row: &JobRow) -> serde_json::Value {
    json!({
        "job": row.start.job,
        "session": row.session,
        "started_at": row.started_at,
        "ended_at": row.ended.as_ref().map(|(at, _)| at),
        "status": row.ended.as_ref().map(|(_, end)| end.status),
        "start": row.start,
    })
}

/// Copies a job's output to standard output: as it is for a program, inert on a screen.
fn output(console: &Console, row: &JobRow) -> anyhow::Result<()> {
    let outputs = Outputs::new(&console.composed.outputs);
    let path = outputs.file(&row.session, row.start.call);
    let mut file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            say("it has written nothing yet");
            return Ok(());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    };
    if io::stdout().is_terminal() {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        return print(&inert(&String::from_utf8_lossy(&bytes)));
    }
    let mut out = io::stdout().lock();
    match io::copy(&mut file, &mut out).and_then(|_| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

async fn cancel(console: &Console, row: &JobRow) -> anyhow::Result<()> {
    let job = &row.start.job;
    let view = console
        .gateway
        .cancel_job(&row.session, job, &console.from, &console.person)
        .await?;
    match view.ended {
        Some((_, status)) => print(&format!("{job}: {}\n", ending(status))),
        None if view.alive => print(&format!("{job}: asked to end\n")),
        None => bail!(
            "{job}: the process that had it is dead, and it ended with that; the next `agent run -s {} -e …` is told how",
            row.session
        ),
    }
}

async fn background(console: &Console, named: Option<&str>) -> anyhow::Result<()> {
    let session = console.session(named).await?;
    let asked = console
        .gateway
        .background(&session, &console.from, &console.person)
        .await?;
    match asked {
        Backgrounded::Asked => print(&format!(
            "asked: the command of `{session}` goes on in the background; `agent jobs list` shows it\n"
        )),
        Backgrounded::NobodyAtWork => bail!("nothing runs in the session `{session}`"),
    }
}
