//! Where a message goes: the folder it works in and the session it belongs to.
//! Invariant: a private folder is never worked in; a session's id is never made up.
//! It must not know what is asked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use corvid_channels::terminal;
use corvid_core::draw;
use corvid_core::wire::SessionId;
use corvid_gateway::Target;
use corvid_sandbox::paths::RealPaths;
use corvid_store::Store;

use crate::args::Run;
use crate::output::say;

/// What every drawn session id begins with; no name does.
const DRAWN: &str = "s-";

/// How many sessions are looked through for a name that may have been meant.
const LOOKED_THROUGH: u32 = 500;

/// How alike two names are that may be a slip of the same, from 0 to 1.
const ALIKE: f64 = 0.7;

/// The folder to work in, absolute and with its links followed.
///
/// # Errors
/// If it is not there, is no folder, is no text, or lies in one of the private folders.
pub(in crate::commands) fn working_dir(
    given: Option<&Path>,
    private: &[PathBuf],
) -> anyhow::Result<PathBuf> {
    let folder = match given {
        Some(folder) => folder.to_path_buf(),
        None => std::env::current_dir()
            .context("the folder you are in is gone; `cd` to another or name one with `--cwd`")?,
    };
    let shown = folder.display();
    let real = folder.canonicalize().map_err(|error| {
        anyhow!(
            "the working folder `{shown}` cannot be opened ({error}); name another with `--cwd`"
        )
    })?;
    if !real.is_dir() {
        bail!("the working folder `{shown}` is no folder; name one with `--cwd`");
    }
    if real.to_str().is_none() {
        bail!(
            "the working folder `{shown}` has a name that is no UTF-8; rename it or name another with `--cwd`"
        );
    }
    let mut real_paths = RealPaths::default();
    let mut own = private.iter().map(|path| real_paths.of(path));
    if let Some(own) = own.find(|own| real.starts_with(own)) {
        bail!(
            "the working folder `{shown}` lies in `{}`, which no tool may touch since it holds Corvid's own files or \
             your credentials; name another with `--cwd`",
            own.display()
        );
    }
    Ok(real)
}

/// The session that the options name; for a key that was asked under before, the session that has it.
///
/// # Errors
/// If it cannot be a session's name, or there is none to continue.
pub(super) async fn target(arguments: &Run, store: &Store, user: u32) -> anyhow::Result<Target> {
    let user = user.to_string();
    if let Some(key) = &arguments.id
        && let Some(asked) = store.input(terminal::NAME, &user, key).await?
    {
        return Ok(Target::Existing(asked.session));
    }
    if arguments.continue_last {
        let latest = store.latest_session(terminal::NAME, &user).await?;
        return match latest {
            Some(session) => Ok(Target::Existing(session)),
            None => bail!("there is no session to continue; leave out `--continue` to begin one"),
        };
    }
    match &arguments.session {
        Some(name) => named(name, store).await,
        // The lines of `--json` bear the session's id from the first one on.
        None if arguments.json => Ok(Target::Session(draw::session_id())),
        None => Ok(Target::New),
    }
}

async fn named(name: &str, store: &Store) -> anyhow::Result<Target> {
    if !Target::is_name(name) {
        bail!(
            "`{name}` cannot name a session; use 1 to 64 letters (a to z), digits, `-`, `_` and `.`, not beginning \
             with a dot"
        );
    }
    let session = SessionId::new(name);
    if name.starts_with(DRAWN) {
        return Ok(Target::Existing(session));
    }
    if store.session(&session).await?.is_none() {
        let near = nearest(name, store).await?.map_or(String::new(), |near| {
            format!("; there is also `{near}`, if that was meant")
        });
        say(&format!("new session `{name}`{near}"));
    }
    Ok(Target::Session(session))
}

async fn nearest(name: &str, store: &Store) -> anyhow::Result<Option<SessionId>> {
    let rows = store.sessions(LOOKED_THROUGH).await?;
    let alike = rows
        .into_iter()
        .map(|row| row.id)
        .filter(|id| !id.as_str().starts_with(DRAWN))
        .map(|id| {
            (
                strsim::normalized_damerau_levenshtein(name, id.as_str()),
                id,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE);
    Ok(alike
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, id)| id))
}
