//! `agent doctor`: whether everything that Corvid needs is there, and how to get what is missing.
//! Invariant: it makes nothing that is not there, and opens a store as every command does, which brings an older
//! one up to date; it fails exactly if something required is broken.
//! It must not know how any part does its work.

mod oversight;
mod reach;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use corvid_core::{Sandbox as _, Tasks};
use corvid_store::Health;
use rustix::fs::{Access, access};
use serde::Serialize;

use super::compose;
use crate::args::Doctor;
use crate::config::{Composed, Environment, Home};
use crate::exit::Exit;
use crate::output::{print, print_json};
use crate::wiring;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Good,
    /// It works, but not as well as it could.
    Lacking,
    Broken,
}

/// Looks at everything and says what it found.
///
/// # Errors
/// Only if the findings cannot be printed.
pub(super) async fn doctor(
    arguments: Doctor,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let mut findings = vec![corvid()];
    match compose(home, environment) {
        Ok(composed) => {
            let file = home.config_file.display();
            let there = if home.config_file.exists() {
                ""
            } else {
                " (not there; the defaults hold)"
            };
            findings.push(finding("config", State::Good, format!("{file}{there}")));
            findings.extend(state(&composed).await);
            findings.extend(sandbox(&composed, environment).await);
            findings.push(oversight::policy(&composed));
            findings.push(oversight::checkpoints(&composed));
            findings.push(model(&composed));
            findings.extend(reach::reach(arguments, &composed, home, environment).await);
            findings.extend(bare_keys(&composed, environment));
        }
        Err(error) => findings.push(finding("config", State::Broken, format!("{error:#}"))),
    }
    if arguments.json.json {
        print_json(&findings)?;
    } else {
        print(&findings.iter().map(line).collect::<String>())?;
    }
    let broken = findings
        .iter()
        .any(|finding| finding.state == State::Broken);
    Ok(if broken { Exit::Error } else { Exit::Done })
}

fn corvid() -> Finding {
    let system = rustix::system::uname();
    let text = format!(
        "{} on {} {} {}",
        env!("CARGO_PKG_VERSION"),
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        system.machine().to_string_lossy()
    );
    finding("corvid", State::Good, text)
}

fn finding(what: &'static str, state: State, text: impl Into<String>) -> Finding {
    Finding {
        what,
        state,
        text: text.into(),
    }
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "✓",
        State::Lacking => "!",
        State::Broken => "✗",
    };
    let text = corvid_channels::inert(&finding.text).replace('\n', "\n             ");
    format!("{mark} {:<10} {text}\n", finding.what)
}

/// The state folder and the store in it. A store that is not there yet is not made for the occasion.
async fn state(composed: &Composed) -> Vec<Finding> {
    let path = &composed.store.path;
    if !path.exists() {
        return vec![store_to_be(path)];
    }
    let mut findings = Vec::from_iter(folder(path.parent().unwrap_or(path)));
    let tasks = Tasks::default();
    let looked = async {
        let store = wiring::store(composed, &tasks).await?;
        let people = reach::people(composed, &store).await?;
        anyhow::Ok((store.check().await?, oversight::open(&store).await?, people))
    };
    match looked.await {
        Ok((health, open, people)) => {
            // An unsafe one is refused at opening.
            findings.push(finding("sqlite", State::Good, health.sqlite.as_str()));
            findings.push(store(path, &health));
            findings.extend(open);
            findings.extend(people);
        }
        Err(error) => findings.push(finding("store", State::Broken, format!("{error:#}"))),
    }
    tasks.shutdown().await;
    findings
}

/// What the first run will find where the store is to be.
fn store_to_be(path: &Path) -> Finding {
    let shown = path.display();
    let there = path.ancestors().find(|folder| folder.exists());
    let Some(there) = there.filter(|folder| access(*folder, Access::WRITE_OK).is_err()) else {
        let text = format!("{shown} (not there; the first run makes it)");
        return finding("store", State::Good, text);
    };
    let text = format!(
        "{shown} cannot be made: {} cannot be written; make it writable or set `store.url`",
        there.display()
    );
    finding("store", State::Broken, text)
}

fn store(path: &Path, health: &Health) -> Finding {
    let shown = path.display();
    if health.problems.is_empty() {
        let text = format!(
            "{shown} (version {}, {} sessions, {} events, whole)",
            health.version, health.sessions, health.events
        );
        return finding("store", State::Good, text);
    }
    let problems = health.problems.join("; ");
    let text = format!("{shown} is damaged: {problems}; move it away and restore a backup");
    finding("store", State::Broken, text)
}

fn folder(folder: &Path) -> Option<Finding> {
    let shown = folder.display();
    let mode = folder.metadata().ok()?.permissions().mode();
    let open = mode & 0o077 != 0;
    let text = format!("others can look into {shown}; `chmod 700 {shown}`");
    open.then(|| finding("state", State::Lacking, text))
}

async fn sandbox(composed: &Composed, environment: &Environment) -> Vec<Finding> {
    let sandbox = wiring::sandbox(composed, environment);
    let report = sandbox.report();
    let namespaces = sandbox.namespaces().await.err();
    let is_whole = report.enforced && namespaces.is_none();
    let lacking: Vec<String> = report.missing.iter().cloned().chain(namespaces).collect();
    if lacking.is_empty() {
        return vec![finding("sandbox", State::Good, "in force")];
    }
    let how = if is_whole {
        "in force, but"
    } else {
        "not in force as a whole, so every command asks"
    };
    let text = format!("{how}:\n{}", lacking.join("\n"));
    vec![finding("sandbox", State::Lacking, text)]
}

fn model(composed: &Composed) -> Finding {
    let choice = &composed.model;
    let text = format!("{} ({})", choice.name, choice.because);
    if choice.name == "manual" {
        let add = "is no language model; set OPENAI_API_KEY or see `agent model list`";
        return finding("model", State::Lacking, format!("{text} {add}"));
    }
    finding("model", State::Good, text)
}

/// The keys that others on the way to a provider can read.
fn bare_keys(composed: &Composed, environment: &Environment) -> Vec<Finding> {
    let Ok(clock) = wiring::clock(environment) else {
        return Vec::new();
    };
    let rows = wiring::models(composed, clock).list();
    let bare = rows.iter().filter(|row| row.key_is_bare);
    bare.map(|row| {
        let text = format!("{}'s is {}", row.provider, super::model::bare(row));
        finding("key", State::Lacking, text)
    })
    .collect()
}
