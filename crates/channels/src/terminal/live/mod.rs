//! What a person sees while a turn runs: one moving line, and a line for every call that ended.
//! Invariant: pure and bounded; it shows what happened and never decides anything.
//! It must not know whether anything is a terminal, nor how time passes.

use std::collections::BTreeMap;

use corvid_core::wire::{
    CallId, CallStatus, EventBody, LiveEvent, Millis, ModelAnswer, OutcomeAnswer, ToolCall,
};
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

/// The frames of the spinner.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// A call that another process asked for; only that one saw what it is.
const EARLIER: &str = "a call begun earlier";

/// How long a call must have run for its time to be told, in milliseconds.
const WORTH_TELLING: Millis = 100;

/// How much of a call's argument is shown, in characters.
const SHOWN_ARGUMENT: usize = 60;

/// A turn as far as it has been seen.
#[derive(Debug, Default)]
pub(super) struct Live {
    phase: Phase,
    asked: BTreeMap<CallId, Words>,
    running: BTreeMap<CallId, Millis>,
    latest: Option<String>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Before,
    Thinking(Millis),
    Waiting {
        until: Millis,
        reason: String,
    },
    Over,
}

#[derive(Clone, Debug)]
struct Words {
    doing: String,
    done: String,
}

impl Live {
    /// Takes in one event and returns the lines that stay, each without its line feed.
    pub(super) fn apply(&mut self, event: &LiveEvent, now: Millis) -> Vec<String> {
        match event {
            LiveEvent::Committed { event } => self.committed(&event.body, now),
            LiveEvent::Delta { .. } => {
                if !matches!(self.phase, Phase::Thinking(_)) {
                    self.phase = Phase::Thinking(now);
                }
                Vec::new()
            }
            LiveEvent::Waiting { for_ms, reason } => {
                let wait = Millis::try_from(*for_ms).unwrap_or(Millis::MAX);
                self.phase = Phase::Waiting {
                    until: now.saturating_add(wait),
                    reason: inert_line(reason),
                };
                Vec::new()
            }
            LiveEvent::Progress { text, .. } => {
                self.latest = Some(inert_line(text)).filter(|line| !line.trim().is_empty());
                Vec::new()
            }
        }
    }

    /// The moving line as it looks now; nothing once the turn is over.
    pub(super) fn line(&self, now: Millis, tick: usize) -> Option<String> {
        let frame = FRAMES[tick % FRAMES.len()];
        if let Some((call, since)) = self.running.first_key_value() {
            let doing = self.words(*call).doing;
            let others = match self.running.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let latest = self
                .latest
                .as_ref()
                .map_or(String::new(), |line| format!(" · {line}"));
            return Some(format!(
                "{frame} {doing}{others} · {}{latest}",
                whole_seconds(now - since)
            ));
        }
        match &self.phase {
            Phase::Before => Some(format!("{frame} starting")),
            Phase::Thinking(since) => {
                Some(format!("{frame} thinking · {}", whole_seconds(now - since)))
            }
            Phase::Waiting { until, reason } if *until > now => Some(format!(
                "{frame} waiting {} · {reason}",
                whole_seconds(until - now)
            )),
            Phase::Waiting { reason, .. } => Some(format!("{frame} waiting · {reason}")),
            Phase::Over => None,
        }
    }

    fn committed(&mut self, event: &EventBody, now: Millis) -> Vec<String> {
        match event {
            EventBody::TurnStarted(_) | EventBody::ModelRequested { .. } => {
                self.phase = Phase::Thinking(now);
                Vec::new()
            }
            EventBody::ModelAnswered(answer) => self.answered(answer),
            EventBody::ModelFailed { message, .. } => {
                vec![format!("✗ {}", inert_line(message))]
            }
            EventBody::ToolStarted { call, .. } => {
                self.running.insert(*call, now);
                self.latest = None;
                Vec::new()
            }
            EventBody::ToolFinished { call, outcome } => {
                let since = self.running.remove(call);
                self.latest = None;
                if self.running.is_empty() {
                    self.phase = Phase::Thinking(now);
                }
                vec![self.ended(*call, outcome.status, since.map(|since| now - since))]
            }
            EventBody::OutcomeAnswered { call, answer, .. } => {
                let what = match answer {
                    OutcomeAnswer::Retry => "runs again",
                    OutcomeAnswer::Worked => "counts as done",
                    OutcomeAnswer::Skip => "is left as it is",
                };
                vec![format!("? {}: {what}", self.words(*call).doing)]
            }
            EventBody::ReplyComposed(_) => {
                self.phase = Phase::Over;
                self.running.clear();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// An answer with calls is not the reply yet: its text stays as an interim message.
    fn answered(&mut self, answer: &ModelAnswer) -> Vec<String> {
        self.asked = answer
            .calls
            .iter()
            .map(|call| (call.id, words(call)))
            .collect();
        if answer.calls.is_empty() {
            return Vec::new();
        }
        let text = crate::inert::inert(answer.text.trim());
        text.lines().map(str::to_owned).collect()
    }

    fn ended(&self, call: CallId, status: CallStatus, took: Option<Millis>) -> String {
        let Words { doing, done } = self.words(call);
        let took = took
            .filter(|took| *took >= WORTH_TELLING)
            .map_or(String::new(), |took| format!(" · {}", tenths(took)));
        match status {
            CallStatus::Ok => format!("✓ {done}{took}"),
            CallStatus::Failed | CallStatus::Fatal => format!("✗ {doing}: failed{took}"),
            CallStatus::Interrupted => format!("✗ {doing}: interrupted"),
            CallStatus::Stopped => format!("✗ {doing}: stopped"),
            CallStatus::Unknown => format!("? {doing}: nobody knows whether it happened"),
        }
    }

    fn words(&self, call: CallId) -> Words {
        let earlier = || Words {
            doing: EARLIER.to_owned(),
            done: EARLIER.to_owned(),
        };
        self.asked.get(&call).cloned().unwrap_or_else(earlier)
    }
}

/// What a call does, for a person: `ls -la` of `system.run` and so on.
fn words(call: &ToolCall) -> Words {
    let argument = shown_argument(&call.arguments).map(|argument| format!("`{argument}`"));
    let verbs = VERBS.iter().find(|(tool, ..)| *tool == call.name);
    if let Some((_, doing, done, usual)) = verbs {
        let object = argument.as_deref().unwrap_or(usual);
        return Words {
            doing: format!("{doing} {object}"),
            done: format!("{done} {object}"),
        };
    }
    let object = [Some(inert_line(&call.name)), argument];
    let object: Vec<String> = object.into_iter().flatten().collect();
    Words {
        doing: format!("calling {}", object.join(" ")),
        done: format!("called {}", object.join(" ")),
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

fn whole_seconds(millis: Millis) -> String {
    match millis.max(0) / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn tenths(millis: Millis) -> String {
    match millis.max(0) {
        short @ 0..60_000 => format!("{}.{} s", short / 1000, short % 1000 / 100),
        long => whole_seconds(long),
    }
}

#[cfg(test)]
mod tests;
