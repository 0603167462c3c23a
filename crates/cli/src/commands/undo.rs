//! `agent undo`, and `/undo` as a message: taking back what a turn changed in files.
//! Invariant: nothing is restored while a turn is at work in the session, and the session is told what was.
//! It must not know how files are kept.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use corvid_channels::inert_line;
use corvid_core::wire::{Address, SessionId};
use corvid_gateway::Gateway;
use corvid_tools::checkpoint::{Checkpoints, TurnChanges, UndoReport};
use serde_json::json;

use super::console::Console;
use crate::args::Undo;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{print, print_json, say};
use crate::wiring;

/// Takes back what a turn changed, or says what that would be.
///
/// # Errors
/// If there is nothing to take back, a turn runs, or the store or the files fail.
pub(super) async fn undo(
    arguments: Undo,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let console = Console::open(home, environment).await?;
    let done = act(&console, &arguments).await;
    console.close().await;
    done
}

async fn act(console: &Console, arguments: &Undo) -> anyhow::Result<Exit> {
    let checkpoints = Arc::new(wiring::checkpoints(&console.composed));
    let session = console.session(arguments.turn.session.as_deref()).await?;
    let turn = match arguments.turn.turn {
        Some(turn) => turn,
        None => last(&checkpoints, &session, |turn| !turn.undone)?,
    };
    // What cannot be undone at all is no event.
    let preview = checkpoints.undo_preview(&session, turn)?;
    let report = if arguments.dry_run || preview.restored.is_empty() {
        preview
    } else {
        let whose = (&console.from, console.person.as_str());
        restore(&console.gateway, &checkpoints, &session, turn, whose).await?
    };
    if arguments.json.json {
        let left = report
            .left
            .iter()
            .map(|(path, why)| json!({ "path": path, "why": why }));
        print_json(&json!({
            "session": session,
            "turn": turn,
            "dry_run": arguments.dry_run,
            "restored": report.restored,
            "left": left.collect::<Vec<_>>(),
            "lost": report.lost,
            "kept": report.kept.as_deref().map(Path::to_string_lossy),
        }))?;
    } else {
        let days = console.composed.settings.checkpoints.keep_days;
        print(&told(&report, turn, arguments.dry_run, days))?;
        for sentence in &report.lost {
            say(&format!("note: {sentence}"));
        }
    }
    let refused = report.restored.is_empty() && !report.left.is_empty();
    Ok(if refused { Exit::Error } else { Exit::Done })
}

/// The last turn of a session that changed files and is `wanted`.
///
/// # Errors
/// If there is none, what a later one changed is not known yet, or the checkpoints cannot be read.
pub(crate) fn last(
    checkpoints: &Checkpoints,
    session: &SessionId,
    wanted: impl Fn(&TurnChanges) -> bool,
) -> anyhow::Result<u32> {
    let turns = checkpoints.turns(session)?;
    let mut changed = turns.iter().rev().filter(|turn| turn.files > 0);
    let newest = changed.clone().next();
    let open = checkpoints.open_turn(session)?;
    if let Some(open) = open.filter(|open| newest.is_none_or(|newest| newest.turn < *open)) {
        let earlier = newest.map_or(String::new(), |newest| {
            format!("; `--turn {}` is the one before it", newest.turn)
        });
        bail!(
            "a command of turn {open} of session `{session}` runs or was cut off, and what it changed is looked at \
             when the session goes on: `agent run -s {session} -e …`{earlier}"
        );
    }
    let Some(newest) = newest else {
        bail!(
            "no turn of session `{session}` changed a file, or what is kept of it has expired \
             (`checkpoints.keep_days`, `checkpoints.max_mb`)"
        );
    };
    match changed.find(|turn| wanted(turn)) {
        Some(turn) => Ok(turn.turn),
        None => bail!(
            "every turn of session `{session}` that changed a file was undone before; `--turn {}` tries one again",
            newest.turn
        ),
    }
}

/// Takes a turn back in the name of somebody who speaks from there.
///
/// # Errors
/// If a turn runs, that person may not, or the store or the files fail.
pub(crate) async fn restore(
    gateway: &Gateway,
    checkpoints: &Arc<Checkpoints>,
    session: &SessionId,
    turn: u32,
    (from, person): (&Address, &str),
) -> anyhow::Result<UndoReport> {
    let mut came = None;
    let restoring = async || {
        let (files, of) = (Arc::clone(checkpoints), session.clone());
        let undone = tokio::task::spawn_blocking(move || files.undo(&of, turn)).await;
        let undone = undone
            .map_err(anyhow::Error::from)
            .and_then(|undone| Ok(undone?));
        let noted = match &undone {
            Ok(report) => {
                let left = report.left.iter();
                let left = left.map(|(path, why)| format!("{path}: {why}"));
                (report.restored.clone(), left.collect())
            }
            Err(error) => (Vec::new(), vec![format!("everything: {error}")]),
        };
        came = Some(undone);
        noted
    };
    gateway.undo(session, turn, from, person, restoring).await?;
    Ok(came.transpose()?.unwrap_or_default())
}

/// What was taken back and what was not, a line each.
pub(crate) fn told(report: &UndoReport, turn: u32, is_dry: bool, days: u64) -> String {
    if report.restored.is_empty() && report.left.is_empty() {
        return format!("turn {turn}: every file is as it was before it\n");
    }
    let (restored, left) = if is_dry {
        ("would restore", "would leave")
    } else {
        ("restored", "left")
    };
    let width = restored.len();
    let back = report.restored.iter();
    let back = back.map(|path| format!("{restored}  {}\n", inert_line(path)));
    let as_they_are = report.left.iter().map(|(path, why)| {
        let (path, why) = (inert_line(path), inert_line(why));
        format!("{left:width$}  {path}: {why}\n")
    });
    let kept = report.kept.iter().map(|folder| {
        let folder = inert_line(&folder.to_string_lossy());
        let days = if days == 1 {
            "1 day".to_owned()
        } else {
            format!("{days} days")
        };
        format!("what was there is kept in {folder} for {days}\n")
    });
    let lines: String = back.chain(as_they_are).chain(kept).collect();
    format!("turn {turn}:\n{lines}")
}
