//! A session's events as a person reads them: who said what, which calls ran, how they ended.
//! Invariant: pure; what a person was told is here word for word, what only machines need is left out.
//! It must not know where the events are kept.

mod tale;

use std::collections::{BTreeMap, BTreeSet};

use console::Style;
use corvid_channels::terminal::{Look, plain, screen};
use corvid_channels::{inert, inert_line};
use corvid_core::text::clip;
use corvid_core::wire::{
    CallDecision, CallId, CallOutcome, CallStatus, Event, EventBody, ModelAnswer, OutcomeAnswer,
    Part, Question, ReplyComposed, Verdict,
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
    /// The calls of the latest step that have no outcome yet.
    open: BTreeSet<CallId>,
    /// Outcomes that came before that of an earlier call: entries stand in the model's order.
    held: BTreeMap<CallId, String>,
    /// The question that waits for its answer.
    question: Option<Box<Question>>,
}

impl Transcript {
    /// A transcript for a screen of that look, or for a pipe.
    pub(super) fn new(look: Option<Look>) -> Self {
        Self {
            look,
            calls: BTreeMap::new(),
            open: BTreeSet::new(),
            held: BTreeMap::new(),
            question: None,
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
    pub(super) fn ending(&mut self, row: &SessionRow) -> String {
        let held = self.release_all();
        let (waits, it) = match row.open_inputs {
            0 => return held,
            1 => ("1 message waits for its answer".to_owned(), "it"),
            more => (format!("{more} messages wait for their answers"), "them"),
        };
        let id = &row.id;
        let text = format!("{waits}; the next `agent run -s {id} -e …` answers {it} first");
        format!("{held}\n{}", self.note(&text))
    }

    /// One event's entry, ended by a line feed; empty for what only machines need.
    pub(super) fn entry(&mut self, event: &Event) -> String {
        let entry = self.entry_of(event);
        format!("{entry}{}", self.settled(event))
    }

    /// What becomes of the open question by this event.
    fn settled(&mut self, event: &Event) -> String {
        let Some(text) = self
            .question
            .as_ref()
            .and_then(|question| tale::settled(question, event))
        else {
            return String::new();
        };
        let note = self.note(&text);
        match self.question.take() {
            Some(question) => self.of_call(question.call, &note),
            None => note,
        }
    }

    fn entry_of(&mut self, event: &Event) -> String {
        match &event.body {
            EventBody::InputAdmitted(admission) => {
                let said: Vec<_> = admission.parts.iter().map(Part::said).collect();
                let who = match admission.job {
                    Some(_) => format!("› {} a job ended", moment(event.at)),
                    None => format!("› {} asked", moment(event.at)),
                };
                let heading = self.style().bold().apply_to(who);
                format!("\n{heading}\n{}", plain(&said.join("\n\n")))
            }
            EventBody::QuestionAsked(question) => {
                let note = self.note(&tale::asked(question, SHOWN_OUTCOME));
                let call = question.call;
                self.question = Some(question.clone());
                self.of_call(call, &note)
            }
            EventBody::JobStarted(start) => self.note(&tale::job_started(start)),
            EventBody::JobFinished(end) => self.note(&tale::job_finished(end)),
            EventBody::TurnUndone {
                turn,
                restored,
                left,
                by,
            } => self.note(&tale::undone(*turn, restored, left, by)),
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
                let note = self.note(&text);
                self.of_call(*call, &note)
            }
            EventBody::StopRequested { .. } => self.note("✗ a person asked to stop"),
            EventBody::ReplyComposed(reply) => {
                let held = self.release_all();
                format!("{held}{}", self.reply(event, reply))
            }
            EventBody::DeliveryFailed { reason, .. } => {
                self.note(&format!("✗ the reply could not be delivered: {reason}"))
            }
            _ => String::new(),
        }
    }

    fn answered(&mut self, answer: &ModelAnswer) -> String {
        let held = self.release_all();
        for call in &answer.calls {
            self.open.insert(call.id);
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
            return held;
        }
        format!("{held}\n{}", self.prose(&answer.text))
    }

    fn decided(&mut self, decision: &CallDecision) -> String {
        let reason = match &decision.verdict {
            // The question and its answer are events of their own.
            Verdict::Allow { .. } | Verdict::Ask { .. } | Verdict::Inquire { .. } => {
                return String::new();
            }
            Verdict::Deny { reason, rule } => format!("denied ({rule}): {reason}"),
            Verdict::Invalid { reason } => format!("malformed: {reason}"),
            Verdict::Repeated { reason } => format!("repeated: {reason}"),
        };
        let note = self.note(&format!("✗ {}: {reason}", self.call(decision.call)));
        self.ended(decision.call, &note)
    }

    fn finished(&mut self, call: CallId, outcome: &CallOutcome) -> String {
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
        let entry = format!("{heading}{}", lines.concat());
        self.ended(call, &entry)
    }

    /// Takes in a call's outcome and returns what can stand now.
    fn ended(&mut self, call: CallId, entry: &str) -> String {
        self.open.remove(&call);
        self.of_call(call, entry)
    }

    fn of_call(&mut self, call: CallId, entry: &str) -> String {
        self.held.entry(call).or_default().push_str(entry);
        let waiting = self.open.first().map(|first| self.held.split_off(first));
        let ready = std::mem::replace(&mut self.held, waiting.unwrap_or_default());
        ready.into_values().collect()
    }

    /// Whatever was held back: the step is over.
    fn release_all(&mut self) -> String {
        self.open.clear();
        std::mem::take(&mut self.held).into_values().collect()
    }

    fn reply(&self, event: &Event, reply: &ReplyComposed) -> String {
        let who = format!("‹ {} answered", moment(event.at));
        let notices = reply.notices.iter().map(|text| format!("note: {text}"));
        let unapproved = reply.unapproved.iter();
        let unapproved = unapproved.map(|text| format!("not approved: {text}"));
        let notices: String = notices
            .chain(unapproved)
            .map(|text| self.note(&text))
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

#[cfg(test)]
mod tests;
