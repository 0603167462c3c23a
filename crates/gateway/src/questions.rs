//! Questions on their way to people: each channel of this process that can ask does.
//! Invariant: a question goes to a conversation that its turn answers, and the first clear answer counts.
//! It must not know how a channel shows a question.

use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Address, Question};
use corvid_core::{Channel, Heard, HeardOutcome, OutcomeQuestion, Questions};

/// The channels of this process as one that asks.
pub(crate) struct AllChannels(pub(crate) Vec<Arc<dyn Channel>>);

#[async_trait]
impl Questions for AllChannels {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        for channel in &self.0 {
            match channel.ask_outcome(question).await {
                HeardOutcome::Nobody => {}
                heard => return heard,
            }
        }
        HeardOutcome::Nobody
    }

    /// Asks in one channel after the other until one can.
    async fn ask(&self, question: &Question) -> Heard {
        let mut heard = Heard::Nobody;
        for channel in &self.0 {
            let asks_there = |address: &Address| {
                let name: &str = channel.name();
                address.channel == name
            };
            if !question.shown_in.iter().any(asks_there) {
                continue;
            }
            match channel.ask(question).await {
                Heard::Nobody => {}
                Heard::TooLong(limit) => heard = Heard::TooLong(limit),
                heard => return heard,
            }
        }
        heard
    }
}
