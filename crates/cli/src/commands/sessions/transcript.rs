//! A session's events as a person reads them: who said what, which calls ran, how they ended.
//! Invariant: pure; what a person was told is here word for word, what only machines need is left out.
//! It must not know where the events are kept.

use std::collections::BTreeMap;

use console::Style;
use corvid_channels::terminal::{Look, plain, screen};
use corvid_channels::{inert, inert_line};
use corvid_core::text::clip;
use corvid_core::wire::{
    CallDecision, CallId, CallOutcome, CallStatus, Event, EventBody, ModelAnswer, OutcomeAnswer,
    Part, ReplyComposed, Verdict,
};
use corvid_store::SessionRow;

use super::turns;
use crate::commands::moment;

/// How much of a call's arguments and of its outcome is shown, in characters.
const SHOWN_ARGUMENTS: usize = 200;
const SHOWN_OUTCOME: usize = 600;

/// A transcript being written.
pub(super) struct Transcript {
    look: Option<Look>,
    calls: BTreeMap<CallId, String>,
}

impl Transcript {
    /// A transcript for a screen of that look, or for a pipe.
    pub(super) fn new(look: Option<Look>) -> Self {
        Self {
            look,
            calls: BTreeMap::new(),
        }
    }

    /// What stands above all entries.
    pub(super) fn heading(&self, row: &SessionRow) -> String {
        let text = format!(
            "session {} · {} · opened {} · {}",
            row.id,
            inert_line(&row.working_dir),
            moment(row.opened_at),
            turns(row.turns)
        );
        format!("{}\n", self.style().bold().apply_to(text))
    }

    /// What stands below all entries: whatever still waits for its answer.
    pub(super) fn ending(&self, row: &SessionRow) -> String {
        let (waits, it) = match row.open_inputs {
            0 => return String::new(),
            1 => ("1 message waits for its answer".to_owned(), "it"),
            more => (format!("{more} messages wait for their answers"), "them"),
        };
        let id = &row.id;
        let text = format!("{waits}; the next `agent run -s {id} -e …` answers {it} first");
        format!("\n{}", self.note(&text))
    }

    /// One event's entry, ended by a line feed; empty for what only machines need.
    pub(super) fn entry(&mut self, event: &Event) -> String {
        match &event.body {
            EventBody::InputAdmitted(admission) => {
                let said: Vec<&str> = admission.parts.iter().map(Part::as_text).collect();
                let who = format!("› {} asked", moment(event.at));
                let heading = self.style().bold().apply_to(who);
                format!("\n{heading}\n{}", plain(&said.join("\n\n")))
            }
            EventBody::ModelAnswered(answer) => self.answered(answer),
            EventBody::ModelFailed { message, .. } => self.note(&format!("✗ {message}")),
            EventBody::CallDecided(decision) => self.decided(decision),
            EventBody::ToolFinished { call, outcome } => self.finished(*call, outcome),
            EventBody::OutcomeAnswered { call, answer, by } => {
                let answer = match answer {
                    OutcomeAnswer::Retry => "run it again",
                    OutcomeAnswer::Worked => "it worked",
                    OutcomeAnswer::Skip => "skip it",
                };
                let text = format!("? {}: {by} said: {answer}", self.call(*call));
                self.note(&text)
            }
            EventBody::StopRequested { .. } => self.note("✗ a person asked to stop"),
            EventBody::ReplyComposed(reply) => self.reply(event, reply),
            EventBody::DeliveryFailed { reason, .. } => {
                self.note(&format!("✗ the reply could not be delivered: {reason}"))
            }
            _ => String::new(),
        }
    }

    fn answered(&mut self, answer: &ModelAnswer) -> String {
        for call in &answer.calls {
            let arguments = clip(&inert_line(&call.arguments), SHOWN_ARGUMENTS, "");
            let text = format!(
                "{} {}",
                inert_line(&call.name),
                arguments.replace('\n', " ")
            );
            self.calls.insert(call.id, text);
        }
        // Without calls it is the reply, which comes as an event of its own.
        if answer.calls.is_empty() || answer.text.trim().is_empty() {
            return String::new();
        }
        format!("\n{}", self.prose(&answer.text))
    }

    fn decided(&self, decision: &CallDecision) -> String {
        let reason = match &decision.verdict {
            Verdict::Allow { .. } => return String::new(),
            Verdict::Deny { reason, rule } => format!("denied ({rule}): {reason}"),
            Verdict::Invalid { reason } => format!("malformed: {reason}"),
            Verdict::Repeated { reason } => format!("repeated: {reason}"),
        };
        self.note(&format!("✗ {}: {reason}", self.call(decision.call)))
    }

    fn finished(&self, call: CallId, outcome: &CallOutcome) -> String {
        let (mark, how) = match outcome.status {
            CallStatus::Ok => ("✓", ""),
            CallStatus::Failed | CallStatus::Fatal => ("✗", " failed"),
            CallStatus::Interrupted => ("✗", " was interrupted"),
            CallStatus::Stopped => ("✗", " was stopped"),
            CallStatus::Unknown => ("?", ": nobody knows whether it happened"),
        };
        let heading = self.note(&format!("{mark} {}{how}", self.call(call)));
        let text = clip(outcome.text.trim_end(), SHOWN_OUTCOME, "");
        let lines: Vec<String> = inert(&text)
            .lines()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!("{heading}{}", lines.concat())
    }

    fn reply(&self, event: &Event, reply: &ReplyComposed) -> String {
        let who = format!("‹ {} answered", moment(event.at));
        let notices: String = reply
            .notices
            .iter()
            .map(|notice| self.note(&format!("note: {notice}")))
            .collect();
        let heading = self.style().bold().apply_to(who);
        format!("\n{heading}\n{}{notices}", self.prose(&reply.text))
    }

    fn call(&self, call: CallId) -> String {
        self.calls
            .get(&call)
            .cloned()
            .unwrap_or_else(|| format!("call {call}"))
    }

    fn prose(&self, markdown: &str) -> String {
        match self.look {
            Some(look) => screen(markdown, look),
            None => plain(markdown),
        }
    }

    fn note(&self, text: &str) -> String {
        format!("{}\n", self.style().dim().apply_to(inert(text)))
    }

    fn style(&self) -> Style {
        Style::new().force_styling(self.look.is_some_and(|look| look.color))
    }
}
