//! What a person sees while a turn runs: one moving line, and a line for every call that ended.
//! Invariant: pure and bounded; it shows what happened and never decides anything.
//! It must not know whether anything is a terminal, nor how time passes.

mod beside;

use std::collections::BTreeMap;

use corvid_core::wire::{
    Answer, CallId, CallStatus, EventBody, LiveEvent, Millis, ModelAnswer, OutcomeAnswer,
    QuestionId,
};

use self::beside::Beside;
use crate::inert::inert_line;
use crate::words::{Words, tenths, whole_seconds, words};

/// The frames of the spinner.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// How long a call must have run for its time to be told, in milliseconds.
const WORTH_TELLING: Millis = 100;

/// A turn as far as it has been seen.
#[derive(Debug, Default)]
pub(super) struct Live {
    phase: Phase,
    asked: BTreeMap<CallId, Words>,
    running: BTreeMap<CallId, Millis>,
    latest: Option<String>,
    beside: Beside,
    stopping: bool,
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

    /// This answer was given here, so that who gave it needs no saying.
    pub(super) fn answered_here(&mut self, question: &QuestionId, answer: &Answer) {
        self.beside.answered_here(question, answer);
    }

    /// A call that runs since `before` or longer and could go on in the background.
    pub(super) fn movable(&self, before: Millis) -> Option<CallId> {
        let movable = |(call, since): &(&CallId, &Millis)| {
            let known = self.asked.get(*call).is_some_and(|words| words.movable);
            known && **since <= before && !self.beside.has_job(**call)
        };
        let call = self.running.iter().find(movable).map(|(call, _)| *call);
        call.filter(|_| !self.stopping)
    }

    /// The moving line as it looks now; nothing once the turn is over. With `offers` it names the key that moves
    /// the running call to the background.
    pub(super) fn line(&self, now: Millis, tick: usize, offers: bool) -> Option<String> {
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
            let offer = if offers {
                format!(" · {}: background", char::from(super::watch::KEY))
            } else {
                String::new()
            };
            return Some(format!(
                "{frame} {doing}{others} · {}{offer}{latest}",
                whole_seconds(now - since)
            ));
        }
        if let Some(asked) = self
            .beside
            .waiting()
            .filter(|_| !matches!(self.phase, Phase::Over))
        {
            return Some(format!("{frame} {asked}"));
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
        let mut lines = Vec::from_iter(self.beside.apply(event));
        lines.extend(self.step(event, now));
        lines
    }

    fn step(&mut self, event: &EventBody, now: Millis) -> Vec<String> {
        match event {
            EventBody::TurnStarted(_) => {
                self.phase = Phase::Thinking(now);
                self.stopping = false;
                Vec::new()
            }
            EventBody::ModelRequested { .. } => {
                self.phase = Phase::Thinking(now);
                Vec::new()
            }
            EventBody::StopRequested { .. } => {
                self.stopping = true;
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
                // It goes on as a job, which was told already.
                if outcome.status == CallStatus::Ok && self.beside.has_job(*call) {
                    return Vec::new();
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
        let Words { doing, done, .. } = self.words(call);
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
        self.asked
            .get(&call)
            .cloned()
            .unwrap_or_else(Words::earlier)
    }
}

#[cfg(test)]
mod tests;
