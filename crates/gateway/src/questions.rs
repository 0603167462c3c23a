//! Questions on their way to people: each channel of this process that can ask does.
//! Invariant: a question goes to the conversations that its turn answers, and the first clear answer counts.
//! It must not know how a channel shows a question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use corvid_core::wire::{Address, CallId, OutcomeAnswer, Question, SessionId};
use corvid_core::{Channel, Heard, HeardOutcome, OutcomeQuestion, Questions};
use tokio::sync::oneshot;

/// The channels of this process as one that asks.
pub(crate) struct AllChannels {
    pub(crate) channels: Vec<Arc<dyn Channel>>,
    pub(crate) outcomes: Arc<Outcomes>,
}

#[async_trait]
impl Questions for AllChannels {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        // Before it is shown, so that no press comes too early.
        let pressed = self.outcomes.wait(&question.session, question.call);
        let mut shown = false;
        for channel in &self.channels {
            if !question.shown_in.iter().any(|at| channel.hosts(at)) {
                continue;
            }
            match channel.ask_outcome(question).await {
                HeardOutcome::Nobody => {}
                HeardOutcome::Shown => shown = true,
                answered @ HeardOutcome::Answered { .. } => return answered,
            }
        }
        if !shown {
            return HeardOutcome::Nobody;
        }
        match pressed.await {
            Ok((answer, by)) => HeardOutcome::Answered { answer, by },
            Err(_) => HeardOutcome::Nobody,
        }
    }

    /// Asks in one channel after the other; those that only show a question do not keep others from it.
    async fn ask(&self, question: &Question) -> Heard {
        let mut heard = Heard::Nobody;
        for channel in &self.channels {
            let asks_there = |address: &Address| channel.hosts(address);
            if !question.shown_in.iter().any(asks_there) {
                continue;
            }
            match (channel.ask(question).await, &heard) {
                (Heard::Nobody, _) | (Heard::TooLong(_), Heard::Shown) => {}
                (answered @ Heard::Answered { .. }, _) => return answered,
                (other, _) => heard = other,
            }
        }
        heard
    }
}

/// The answer that a press gave, and who pressed.
type Pressed = (OutcomeAnswer, String);

/// Calls about whose outcome somebody is asked, and presses that came before anybody waited for them.
#[derive(Default)]
pub(crate) struct Outcomes(Mutex<HashMap<(SessionId, CallId), Met>>);

/// One side of the two that are to meet.
enum Met {
    /// Somebody waits for a press.
    Asked(oneshot::Sender<Pressed>),
    /// Somebody has pressed, and is told when that is heard.
    Given(Pressed, oneshot::Sender<()>),
}

impl Met {
    fn is_over(&self) -> bool {
        match self {
            Self::Asked(sender) => sender.is_closed(),
            Self::Given(_, heard) => heard.is_closed(),
        }
    }
}

impl Outcomes {
    fn wait(&self, session: &SessionId, call: CallId) -> oneshot::Receiver<Pressed> {
        let (sender, pressed) = oneshot::channel();
        let key = (session.clone(), call);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, met| !met.is_over());
        match open.remove(&key) {
            Some(Met::Given(given, heard)) => {
                // Both sides are here; neither can miss the other.
                drop(sender.send(given));
                if heard.send(()).is_err() {
                    tracing::debug!("whoever pressed waits no more");
                }
            }
            Some(Met::Asked(_)) | None => drop(open.insert(key, Met::Asked(sender))),
        }
        pressed
    }

    /// Hands a press to whoever asks, now or as soon as somebody does (a process that has just begun shows its
    /// questions a little later); resolves then.
    pub(crate) async fn settle(
        &self,
        session: &SessionId,
        call: CallId,
        answer: OutcomeAnswer,
        by: &str,
    ) {
        let heard = self.give((session.clone(), call), (answer, by.to_owned()));
        if let Some(heard) = heard {
            // Whoever pressed again has taken this one's place.
            drop(heard.await);
        }
    }

    fn give(&self, key: (SessionId, CallId), given: Pressed) -> Option<oneshot::Receiver<()>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let given = match open.remove(&key) {
            Some(Met::Asked(sender)) => match sender.send(given) {
                Ok(()) => return None,
                Err(given) => given,
            },
            Some(Met::Given(..)) | None => given,
        };
        let (told, heard) = oneshot::channel();
        open.insert(key, Met::Given(given, told));
        Some(heard)
    }
}
