//! Questions in conversations: shown once in each, with buttons, and taken back when they are settled.
//! Invariant: a question that is begun to be shown is kept track of, even if whoever asked is gone meanwhile; it looks
//! answered only once that is noted.
//! It must not know whether an answer counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::wire::{Address, Millis, OutcomeAnswer, Question};
use corvid_core::{Heard, HeardOutcome, OutcomeQuestion, TaskKind};
use teloxide_core::types::MessageId;
use tokio::sync::oneshot;

use super::api::Fault;
use super::post::{Arrival, Part, Poster, Stuck};
use super::render::{Sheet, card};
use super::spot::{MessageSpot, Spot};

/// The numbers that the parts of a question have in one conversation; the next ones are the next conversation's.
const PARTS: u32 = 64;

/// What a notification says of a question, whose text comes by edit.
const ASKING: &str = "❓ A question for you …";

/// Between two attempts at showing a question, in milliseconds.
const PATIENCE_MS: Millis = 5_000;

/// Shows questions in one bot's name.
pub(super) struct Asker {
    poster: Arc<Poster>,
    /// Open questions about outcomes: what settles them names no more than their keys.
    outcomes: Mutex<HashMap<String, OutcomeQuestion>>,
}

impl Asker {
    /// Nothing is asked yet.
    pub(super) fn new(poster: Arc<Poster>) -> Self {
        Self {
            poster,
            outcomes: Mutex::default(),
        }
    }

    /// Shows a question in those of its conversations that are given.
    pub(super) async fn ask(&self, question: &Question, shown_in: &[Address]) -> Heard {
        let sheets = match card::question(question) {
            Ok(sheets) => sheets,
            Err(reason) => return Heard::TooLong(reason),
        };
        let post = question_post(question);
        match self.show(&post, shown_in, sheets).await {
            0 => Heard::Nobody,
            _ => Heard::Shown,
        }
    }

    /// Asks what became of a call.
    pub(super) async fn ask_outcome(
        &self,
        question: &OutcomeQuestion,
        shown_in: &[Address],
    ) -> HeardOutcome {
        let Ok(sheets) = card::outcome(question) else {
            return HeardOutcome::Nobody;
        };
        self.open_outcomes()
            .insert(question.key(), question.clone());
        match self.show(&question.key(), shown_in, sheets).await {
            0 => HeardOutcome::Nobody,
            _ => HeardOutcome::Shown,
        }
    }

    /// A question has its answer: its buttons give way to how.
    pub(super) async fn settled(&self, question: &Question, how: &str) {
        let sheet = card::settled(question, how);
        self.close(&question_post(question), sheet).await;
    }

    /// It is settled what became of a call.
    pub(super) async fn outcome_settled(&self, key: &str, answer: OutcomeAnswer) {
        let question = self.open_outcomes().remove(key);
        let sheet = question.and_then(|question| card::outcome_settled(&question, answer));
        self.close(key, sheet).await;
    }

    /// Shows a question everywhere at once and says in how many conversations it is shown.
    async fn show(&self, post: &str, shown_in: &[Address], sheets: Vec<Sheet>) -> usize {
        let sheets = Arc::new(sheets);
        let mut showing = Vec::new();
        for (index, at) in (0..).zip(shown_in) {
            let Some(spot) = Spot::parse(&at.conversation) else {
                continue;
            };
            let (done, shown) = oneshot::channel();
            let showing_here = Showing {
                poster: Arc::clone(&self.poster),
                post: post.to_owned(),
                first_part: index * PARTS,
                spot,
                sheets: Arc::clone(&sheets),
                done,
            };
            // A task of its own: dropped between a message and its mark, the message would never be found again.
            let tasks = &self.poster.tasks;
            drop(tasks.spawn(TaskKind::Service, "question", showing_here.run()));
            showing.push(shown);
        }
        let mut count = 0;
        for shown in showing {
            count += usize::from(shown.await == Ok(true));
        }
        count
    }

    /// Takes the buttons off wherever a question is shown.
    async fn close(&self, post: &str, sheet: Option<Sheet>) {
        let alone = self.poster.alone(post).await;
        let kept = match self.poster.kept(post).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "a settled question keeps its buttons");
                return;
            }
        };
        // The last part in each conversation has the buttons.
        let mut last: HashMap<u32, (u32, MessageSpot)> = HashMap::new();
        for mark in &kept {
            if let Some(message) = MessageSpot::parse(&mark.external_id) {
                let place = last
                    .entry(mark.part / PARTS)
                    .or_insert((mark.part, message));
                if mark.part >= place.0 {
                    *place = (mark.part, message);
                }
            }
        }
        for (_, message) in last.into_values() {
            self.take_back(message, sheet.as_ref()).await;
        }
        drop(alone);
    }

    async fn take_back(&self, message: MessageSpot, sheet: Option<&Sheet>) {
        loop {
            self.poster.pacer.turn(message.chat).await;
            let done = if let Some(sheet) = sheet {
                self.poster.fill(message, sheet).await
            } else {
                let id = MessageId(message.message);
                let done = self.poster.api.edit_buttons(message.chat, id, &[]).await;
                self.poster.heeded(message.chat, done)
            };
            match done {
                Err(Fault::Wait { .. }) => {}
                Ok(()) => return,
                Err(fault) => {
                    tracing::info!(%fault, "a settled question keeps its buttons");
                    return;
                }
            }
        }
    }

    fn open_outcomes(&self) -> MutexGuard<'_, HashMap<String, OutcomeQuestion>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One conversation in which a question is being shown.
struct Showing {
    poster: Arc<Poster>,
    post: String,
    first_part: u32,
    spot: Spot,
    sheets: Arc<Vec<Sheet>>,
    /// Told whether it is shown; closed when nobody asks any more.
    done: oneshot::Sender<bool>,
}

impl Showing {
    async fn run(mut self) {
        let shown = self.tried().await;
        // Whoever asked may be gone; then the question is settled, and taken back by its marks.
        if self.done.send(shown).is_err() {
            tracing::debug!("a question was settled while it was shown");
        }
    }

    /// Tries until it is shown, cannot be, or nobody asks any more.
    async fn tried(&mut self) -> bool {
        let stopping = self.poster.tasks.stopping();
        loop {
            let alone = self.poster.alone(&self.post).await;
            if self.done.is_closed() {
                return false;
            }
            let stuck = match self.put().await {
                Ok(()) => return true,
                Err(stuck) => stuck,
            };
            drop(alone);
            match &stuck {
                Stuck::Fault(Fault::Moved(chat)) => {
                    self.spot.chat = *chat;
                    continue;
                }
                Stuck::Fault(
                    Fault::Wait { .. }
                    | Fault::Unreachable(_)
                    | Fault::Unauthorized
                    | Fault::Conflict
                    | Fault::MessageGone(_)
                    | Fault::NotModified,
                )
                | Stuck::Marks(_) => {}
                Stuck::Fault(
                    Fault::Blocked(_) | Fault::Unparsed(_) | Fault::TooLong(_) | Fault::Refused(_),
                ) => {
                    tracing::warn!(%stuck, "a question cannot be shown");
                    return false;
                }
            }
            let again = self.poster.clock.now().saturating_add(PATIENCE_MS);
            let clock = Arc::clone(&self.poster.clock);
            tokio::select! {
                () = clock.sleep_until(again) => {}
                () = self.done.closed() => return false,
                () = stopping.cancelled() => return false,
            }
        }
    }

    async fn put(&self) -> Result<(), Stuck> {
        let kept = self.poster.kept(&self.post).await?;
        let last = self.sheets.len().saturating_sub(1);
        for (index, sheet) in self.sheets.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let part = Part {
                post: &self.post,
                number: self.first_part.saturating_add(number),
                spot: self.spot,
                arrival: if index == last {
                    Arrival::Heard(ASKING)
                } else {
                    Arrival::Silent
                },
            };
            self.poster.put(part, &kept, sheet).await?;
        }
        Ok(())
    }
}

fn question_post(question: &Question) -> String {
    format!("question {}", question.question)
}

#[cfg(test)]
mod tests;
