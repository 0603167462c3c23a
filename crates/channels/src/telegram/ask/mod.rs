//! Questions in conversations: shown once in each, with buttons, and taken back when they are settled.
//! Invariant: a question that is begun to be shown is kept track of, even if whoever asked is gone meanwhile; it looks
//! answered only once that is noted.
//! It must not know whether an answer counts.

mod closing;
mod showing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::wire::{Address, OutcomeAnswer, Question};
use corvid_core::{Heard, HeardOutcome, OutcomeQuestion, TaskKind};
use tokio::sync::oneshot;

use self::closing::Closing;
use self::showing::Showing;
use super::post::Poster;
use super::render::{Sheet, card};
use super::spot::{MessageSpot, Spot};

/// The numbers that the parts of a question have in one conversation; the next ones are the next conversation's.
const PARTS: u32 = 64;

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
        drop(alone);
        for (_, message) in last.into_values() {
            let closing = Closing {
                poster: Arc::clone(&self.poster),
                post: post.to_owned(),
                message,
                sheet: sheet.clone(),
            };
            if closing.done().await {
                continue;
            }
            // Nobody is kept waiting by an outage.
            let tasks = &self.poster.tasks;
            drop(tasks.spawn(TaskKind::Service, "settled", closing.run()));
        }
    }

    fn open_outcomes(&self) -> MutexGuard<'_, HashMap<String, OutcomeQuestion>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn question_post(question: &Question) -> String {
    format!("question {}", question.question)
}

#[cfg(test)]
mod tests;
