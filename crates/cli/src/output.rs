//! Standard output of the commands that print data, and standard error of all.
//! Invariant: a reader that leaves early ends the command quietly; foreign text is inert on a screen; no secret that
//! is known by then is shown.
//! It must not know what is printed.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use corvid_channels::inert;
use corvid_channels::terminal::Look;
use serde::Serialize;

use crate::config::Environment;
use crate::logs::without_secrets;

/// The columns of a screen that does not tell its width.
const USUAL_WIDTH: u16 = 80;

/// Prints text to standard output, whole but for the secrets that are known by then: what was kept of files has them.
///
/// # Errors
/// If standard output cannot be written, for another reason than that its reader left.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_on(text).map(drop)
}

/// The same, for whoever goes on printing: says whether anybody still reads.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_on(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    let text = without_secrets(text);
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .context("standard output cannot be written"),
    }
}

/// Prints a value as JSON on one line.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Says something on standard error, without the secrets that are known by then. Where that is closed there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let line = format!("{}\n", inert(&without_secrets(text)));
    let written = io::stderr().lock().write_all(line.as_bytes());
    drop(written);
}

/// How standard output is laid out; none if it is no screen.
pub(crate) fn out_look(environment: &Environment) -> Option<Look> {
    let screen = io::stdout().is_terminal();
    screen.then(|| look(&console::Term::stdout(), environment))
}

/// Whether standard error is read on a screen, be it one that cannot erase.
pub(crate) fn is_shown() -> bool {
    io::stderr().is_terminal()
}

/// How standard error is drawn; none if it is no screen, or one that cannot erase.
pub(crate) fn progress_look(environment: &Environment) -> Option<Look> {
    let screen = is_shown() && !is_dumb(environment);
    screen.then(|| look(&console::Term::stderr(), environment))
}

fn look(term: &console::Term, environment: &Environment) -> Look {
    let (_, columns) = term.size_checked().unwrap_or((24, USUAL_WIDTH));
    Look {
        width: usize::from(columns),
        color: !environment.has("NO_COLOR") && !is_dumb(environment),
    }
}

fn is_dumb(environment: &Environment) -> bool {
    matches!(environment.text("TERM"), Ok(None | Some("dumb")) | Err(_))
}
