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

/// Calls about whose outcome somebody is asked, waiting for a press.
#[derive(Default)]
pub(crate) struct Outcomes(Mutex<HashMap<(SessionId, CallId), oneshot::Sender<Pressed>>>);

impl Outcomes {
    fn wait(&self, session: &SessionId, call: CallId) -> oneshot::Receiver<Pressed> {
        let (sender, pressed) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| !sender.is_closed());
        waiting.insert((session.clone(), call), sender);
        pressed
    }

    /// Hands a press to whoever waits for it; false if nobody does.
    pub(crate) fn settle(
        &self,
        session: &SessionId,
        call: CallId,
        answer: OutcomeAnswer,
        by: &str,
    ) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = waiting.remove(&(session.clone(), call));
        drop(waiting);
        sender.is_some_and(|sender| sender.send((answer, by.to_owned())).is_ok())
    }
}
