//! What a person sees of a turn while it goes on: the text so far, and a line on what it is at.
//! Invariant: pure; only the newest attempt's text is shown, and never as if it were whole.
//! It must not know when or whether anything is shown.

use std::collections::{BTreeMap, HashMap};

use corvid_core::wire::{CallId, CallStatus, EventBody, LiveEvent, Millis, ParkReason, QuestionId};

use crate::inert::inert_line;
use crate::split::Room;
use crate::telegram::post::PLACEHOLDER;
use crate::telegram::render::{MESSAGE, Rich, Style, rich, uncalling};
use crate::words::{Words, whole_seconds, words};

/// How much of the text so far is shown, in UTF-16 units.
const SO_FAR: Room = Room {
    limit: 3_500,
    ..MESSAGE
};

/// The longest status line, in characters.
const LONGEST_STATUS: usize = 300;

/// A turn as far as it has been seen.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Step and attempt of the text.
    at: (u32, u32),
    text: String,
    /// A whole answer that nothing has followed yet.
    answer: Option<String>,
    /// Whole answers that the turn went on after, and that are to stay.
    interim: Vec<String>,
    asked: HashMap<CallId, Words>,
    running: BTreeMap<CallId, Millis>,
    done: usize,
    failed: usize,
    open: Vec<QuestionId>,
    wait: Option<String>,
    is_parked: bool,
    is_over: bool,
}

/// What is to be seen, and what of it changes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The text so far.
    text: String,
    /// The status line but for the time.
    status: String,
    /// Since when the call runs that the status line tells of.
    since: Option<Millis>,
}

impl Watch {
    /// Takes in one event.
    pub(super) fn apply(&mut self, event: &LiveEvent, now: Millis) {
        match event {
            LiveEvent::Committed { event } => self.committed(&event.body, now),
            LiveEvent::Delta {
                step,
                attempt,
                offset,
                text,
            } => self.delta((*step, *attempt), *offset, text),
            LiveEvent::Waiting { reason, .. } => {
                self.wait = Some(format!("waits for the model: {}", inert_line(reason)));
            }
            LiveEvent::Progress { .. } => {}
        }
    }

    /// Whether the reply is composed, so that nothing is to be shown any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether nothing goes on: a person is asked, or the turn waits for a better time.
    pub(super) fn rests(&self) -> bool {
        self.is_parked || !self.open.is_empty() && self.running.is_empty()
    }

    /// The next whole answer that the turn went on after, since a message joined it just then.
    pub(super) fn take_interim(&mut self) -> Option<String> {
        (!self.interim.is_empty()).then(|| self.interim.remove(0))
    }

    /// What is to be seen now.
    pub(super) fn seen(&self) -> Seen {
        let mut since = None;
        let status = if let Some((call, start)) = self.running.first_key_value() {
            since = Some(*start);
            let doing = self.asked.get(call).map_or("a call", |words| &words.doing);
            match self.running.len() {
                1 => doing.to_owned(),
                more => format!("{doing} and {} more", more - 1),
            }
        } else if !self.open.is_empty() {
            "waits for an answer".to_owned()
        } else if let Some(wait) = &self.wait {
            wait.clone()
        } else {
            match (self.done, self.failed) {
                (0, _) => String::new(),
                (1, 0) => "1 tool done".to_owned(),
                (done, 0) => format!("{done} tools done"),
                (done, failed) => format!("{done} tools done, {failed} failed"),
            }
        };
        Seen {
            text: self.text.clone(),
            status,
            since,
        }
    }

    /// A new attempt voids what came before; what comes late from an old one is passed over.
    fn delta(&mut self, at: (u32, u32), offset: u64, text: &str) {
        if at < self.at {
            return;
        }
        if at > self.at || offset == 0 {
            self.at = at;
            self.text.clear();
        }
        self.wait = None;
        let length = self.text.len();
        match usize::try_from(offset) {
            Ok(offset) if offset <= length && self.text.is_char_boundary(offset) => {
                self.text.truncate(offset);
            }
            // Something between was lost on the way; the reply will have it.
            _ => self.text.push('…'),
        }
        self.text.push_str(text);
    }

    fn committed(&mut self, event: &EventBody, now: Millis) {
        match event {
            EventBody::ModelRequested { .. } => {
                self.wait = None;
                self.answer = None;
                self.is_parked = false;
                // The model is asked once every call has ended; the end of one may have been missed.
                self.running.clear();
            }
            EventBody::ModelAnswered(answer) => {
                self.at = (answer.step, answer.attempt);
                self.text.clone_from(&answer.text);
                let is_whole = answer.calls.is_empty() && !answer.text.trim().is_empty();
                self.answer = is_whole.then(|| answer.text.clone());
                self.asked = answer
                    .calls
                    .iter()
                    .map(|call| (call.id, words(call)))
                    .collect();
            }
            EventBody::ModelFailed { message, .. } => {
                self.text.clear();
                self.wait = Some(format!("tries again: {}", inert_line(message)));
            }
            EventBody::InputSteered { .. } => {
                if let Some(answer) = self.answer.take() {
                    self.interim.push(answer);
                    self.text.clear();
                }
            }
            EventBody::TurnParked {
                reason: ParkReason::ModelUnreachable,
                ..
            } => {
                self.is_parked = true;
                self.wait = Some("waits until the model can be reached".to_owned());
            }
            EventBody::ToolStarted { call, .. } => {
                self.running.insert(*call, now);
            }
            EventBody::ToolFinished { call, outcome } => {
                self.running.remove(call);
                self.done += 1;
                self.failed += usize::from(outcome.status != CallStatus::Ok);
            }
            EventBody::QuestionAsked(question) => self.open.push(question.question.clone()),
            EventBody::QuestionAnswered { question, .. } => {
                self.open.retain(|open| open != question);
            }
            EventBody::ReplyComposed(_) => self.is_over = true,
            _ => {}
        }
    }
}

impl Seen {
    /// As a message at that time.
    pub(super) fn rich(&self, now: Millis) -> Rich {
        let mut pieces = rich(&self.text).split_for(SO_FAR);
        let is_cut = pieces.len() > 1;
        let mut page = Rich::default();
        if is_cut {
            page.push("…\n");
        }
        if let Some(last) = pieces.pop() {
            page.append(last);
        }
        let status = self.line(now);
        if !status.is_empty() {
            if !page.is_blank() {
                page.push("\n\n");
            }
            page.push_in(Style::Italic, &status);
        }
        if page.is_blank() {
            page.push(PLACEHOLDER);
        }
        page
    }

    /// Whether nothing but the time may have changed.
    pub(super) fn is_timed(&self) -> bool {
        self.since.is_some()
    }

    fn line(&self, now: Millis) -> String {
        let mut line: String = uncalling(&self.status)
            .chars()
            .take(LONGEST_STATUS)
            .collect();
        if line.len() < self.status.len() && self.status.chars().count() > LONGEST_STATUS {
            line.push('…');
        }
        match self.since {
            Some(since) => format!("{line} · {}", whole_seconds(now - since)),
            None => line,
        }
    }
}
