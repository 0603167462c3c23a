//! `agent status`: whether one runs for the home, and how it is.
//! Invariant: that one runs is said by its lock alone; how it is, by itself.
//! It must not know how a status comes about.

use anyhow::Context as _;
use corvid_channels::inert_line;
use corvid_core::wire::DaemonStatus;
use serde_json::json;

use super::ask;
use super::instance::{There, there};
use crate::args::Status;
use crate::commands::moment;
use crate::config::Home;
use crate::exit::Exit;
use crate::output::{print, print_json};

/// Says how the process that runs for the home is.
///
/// # Errors
/// If its files cannot be read, or standard output cannot be written.
pub(in crate::commands) async fn status(arguments: Status, home: &Home) -> anyhow::Result<Exit> {
    let state = home.state.display();
    let there = there(&home.state).with_context(|| format!("{state} cannot be read"))?;
    let occupant = match there {
        There::Nobody => {
            if arguments.json.json {
                print_json(&json!({ "running": false }))?;
            } else if !arguments.quiet {
                print("none runs; `agent start` begins\n")?;
            }
            return Ok(Exit::NotRunning);
        }
        There::Somebody => None,
        There::One(occupant) => Some(occupant),
    };
    if arguments.quiet {
        return Ok(Exit::Done);
    }
    let pid = occupant.as_ref().map(|occupant| occupant.pid);
    let socket = occupant.and_then(|occupant| occupant.socket);
    let asked = tokio::task::spawn_blocking(move || ask::status(&socket?)).await;
    let status = asked.ok().flatten();
    if arguments.json.json {
        print_json(&json!({ "running": true, "pid": pid, "status": status }))?;
    } else {
        print(&match (status, pid) {
            (Some(status), _) => shown(&status),
            (None, Some(pid)) => {
                format!("process {pid} runs but does not answer; `agent logs` tells more\n")
            }
            (None, None) => "one is only just beginning or ending\n".to_owned(),
        })?;
    }
    Ok(Exit::Done)
}

fn shown(status: &DaemonStatus) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, what: &str| lines.push(format!("{name:<10} {what}\n"));
    let (version, since) = (inert_line(&status.version), moment(status.since));
    line(
        "running",
        &format!("process {}, version {version}, since {since}", status.pid),
    );
    let model = status
        .model
        .as_deref()
        .map_or_else(|| "none; `agent model list`".to_owned(), inert_line);
    line("model", &model);
    for channel in &status.channels {
        let how = if channel.up {
            "listens"
        } else {
            "does not listen"
        };
        let detail = inert_line(&channel.detail);
        line(
            &inert_line(&channel.channel),
            &format!("{} {how}: {detail}", inert_line(&channel.account)),
        );
    }
    line(
        "work",
        &format!(
            "{} turns, {} jobs, {} deliveries under way",
            status.turns, status.jobs, status.deliveries
        ),
    );
    if status.pairings > 0 {
        let wait = if status.pairings == 1 {
            "1 person waits".to_owned()
        } else {
            format!("{} people wait", status.pairings)
        };
        line("people", &format!("{wait} to be let in; `agent pair list`"));
    }
    lines.concat()
}
