//! What a call does, and how long it took, in words.
//! Invariant: what is shown of a call's arguments is bounded and inert.
//! It must not know what becomes of a call.

use corvid_core::wire::{Millis, ToolCall};
use serde_json::Value;

use crate::inert::inert_line;

/// How a known tool's work is said: while it runs, afterwards, and upon what unless an argument says so.
/// Any other tool is "called".
const VERBS: &[(&str, &str, &str, &str)] = &[
    ("file.edit", "editing", "edited", "a file"),
    ("file.list", "listing", "listed", "the folder"),
    ("file.read", "reading", "read", "a file"),
    ("file.search", "searching", "searched", "the folder"),
    ("file.write", "writing", "wrote", "a file"),
    (
        "output.read",
        "reading the output of",
        "read the output of",
        "a call",
    ),
    ("system.run", "running", "ran", "a command"),
];

/// The tool whose calls can go on in the background.
const MOVABLE: &str = "system.run";

/// How much of a call's argument is shown, in characters.
const SHOWN_ARGUMENT: usize = 60;

/// A call that another process asked for; only that one saw what it is.
const EARLIER: &str = "a call begun earlier";

/// A call in words.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// While it runs.
    pub(crate) doing: String,
    /// Afterwards.
    pub(crate) done: String,
    /// Whether it can go on in the background.
    pub(crate) movable: bool,
}

impl Words {
    /// Of a call that was asked for by another process.
    pub(crate) fn earlier() -> Self {
        Self {
            doing: EARLIER.to_owned(),
            done: EARLIER.to_owned(),
            movable: false,
        }
    }
}

/// What a call does, for a person: `ls -la` of `system.run` and so on.
pub(crate) fn words(call: &ToolCall) -> Words {
    let argument = shown_argument(&call.arguments).map(|argument| format!("`{argument}`"));
    let verbs = VERBS.iter().find(|(tool, ..)| *tool == call.name);
    if let Some((_, doing, done, usual)) = verbs {
        let object = argument.as_deref().unwrap_or(usual);
        return Words {
            doing: format!("{doing} {object}"),
            done: format!("{done} {object}"),
            movable: call.name == MOVABLE,
        };
    }
    let object = [Some(inert_line(&call.name)), argument];
    let object: Vec<String> = object.into_iter().flatten().collect();
    Words {
        doing: format!("calling {}", object.join(" ")),
        done: format!("called {}", object.join(" ")),
        movable: false,
    }
}

/// The argument that says most: the command, path or pattern, else the first text.
fn shown_argument(arguments: &str) -> Option<String> {
    let Ok(Value::Object(arguments)) = serde_json::from_str(arguments) else {
        return None;
    };
    let text = ["command", "pattern", "path", "call"]
        .iter()
        .find_map(|name| arguments.get(*name)?.as_str())
        .or_else(|| arguments.values().find_map(Value::as_str))?;
    let line = inert_line(text);
    let mut shown: String = line.chars().take(SHOWN_ARGUMENT).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    Some(shown)
}

pub(crate) fn whole_seconds(millis: Millis) -> String {
    match millis.max(0) / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

pub(crate) fn tenths(millis: Millis) -> String {
    match millis.max(0) {
        short @ 0..60_000 => format!("{}.{} s", short / 1000, short % 1000 / 100),
        long => whole_seconds(long),
    }
}
