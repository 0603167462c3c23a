//! `agent sessions`: which sessions there are, and what was said and done in one.
//! Invariant: reads only; everything foreign in it is inert.
//! It must not know how a turn runs.

mod diff;
mod transcript;

use anyhow::bail;
use corvid_channels::inert_line;
use corvid_core::wire::{Event, SessionId};
use corvid_core::{Journal as _, Tasks};
use corvid_store::{SessionRow, Store};
use serde_json::json;

use super::console::Console;
use super::{compose, moment};
use crate::args::{Sessions, Turn};
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{out_look, print, print_json};
use crate::wiring;

/// Events read at once.
const PAGE: u32 = 500;

/// Lists or shows sessions.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn sessions(
    command: Sessions,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    if let Sessions::Diff(turn) = command {
        return show_diff(&turn, home, environment).await;
    }
    let composed = compose(home, environment)?;
    let tasks = Tasks::default();
    let store = wiring::store(&composed, &tasks).await?;
    match command {
        Sessions::Diff(_) => {}
        Sessions::List { limit, json } => list(&store, limit, json.json).await?,
        Sessions::Show { session, json } => {
            let session = SessionId::new(session);
            if json.json {
                show_json(&store, &session).await?;
            } else {
                show(&store, &session, environment).await?;
            }
        }
    }
    tasks.shutdown().await;
    Ok(Exit::Done)
}

async fn show_diff(turn: &Turn, home: &Home, environment: &Environment) -> anyhow::Result<Exit> {
    let console = Console::open(home, environment).await?;
    let session = console.session(turn.session.as_deref()).await;
    let checkpoints = wiring::checkpoints(&console.composed);
    console.close().await;
    let text = diff::diff(&checkpoints, &session?, turn.turn, out_look(environment))?;
    print(&text)?;
    Ok(Exit::Done)
}

async fn list(store: &Store, limit: u32, as_json: bool) -> anyhow::Result<()> {
    let rows = store.sessions(limit).await?;
    if as_json {
        for row in &rows {
            print_json(&json!({
                "session": row.id,
                "working_dir": row.working_dir,
                "opened_at": row.opened_at,
                "last_at": row.last_at,
                "turns": row.turns,
                "open_inputs": row.open_inputs,
                "title": row.title,
            }))?;
        }
        return Ok(());
    }
    if rows.is_empty() {
        return print("no sessions yet; `agent run -e TEXT` begins one\n");
    }
    let width = rows.iter().map(|row| row.id.as_str().len()).max();
    let lines: String = rows
        .iter()
        .map(|row| listed(row, width.unwrap_or(0)))
        .collect();
    print(&lines)
}

fn listed(row: &SessionRow, width: usize) -> String {
    let open = match row.open_inputs {
        0 => "",
        _ => " (unanswered)",
    };
    format!(
        "{:width$}  {}  {:>9}  {}{open}\n",
        row.id.as_str(),
        moment(row.last_at),
        turns(row.turns),
        inert_line(&row.title),
    )
}

/// A number of turns in words.
fn turns(count: u64) -> String {
    match count {
        1 => "1 turn".to_owned(),
        count => format!("{count} turns"),
    }
}

async fn show(store: &Store, session: &SessionId, environment: &Environment) -> anyhow::Result<()> {
    let Some(row) = store.session(session).await? else {
        return unknown(session);
    };
    let mut transcript = transcript::Transcript::new(out_look(environment));
    print(&transcript.heading(&row))?;
    read(store, session, |events| {
        let text: String = events.iter().map(|event| transcript.entry(event)).collect();
        print(&text)
    })
    .await?;
    print(&transcript.ending(&row))
}

async fn show_json(store: &Store, session: &SessionId) -> anyhow::Result<()> {
    if store.session(session).await?.is_none() {
        return unknown(session);
    }
    read(store, session, |events| {
        events.iter().try_for_each(print_json)
    })
    .await
}

/// Reads a session from its beginning, some events at a time.
async fn read(
    store: &Store,
    session: &SessionId,
    mut page: impl FnMut(&[Event]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let events = store.read(session, after, PAGE).await?;
        let Some(last) = events.last() else {
            return Ok(());
        };
        after = last.seq;
        page(&events)?;
    }
}

fn unknown(session: &SessionId) -> anyhow::Result<()> {
    bail!(
        "no session `{}`; `agent sessions list` shows what there is",
        inert_line(session.as_str())
    )
}
