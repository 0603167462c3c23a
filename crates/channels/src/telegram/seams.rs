//! The bot as Corvid's seams see it.
//! Invariant: nothing but the way to whoever does it.
//! It must not know how anything is done.

use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Address, LiveEvent, Question};
use corvid_core::{
    Channel, DeliverError, Delivery, FollowedTurn, Heard, HeardOutcome, Inbox, ListenError,
    Messenger, Note, OutcomeQuestion, Questions,
};
use tokio::sync::mpsc;

use super::{NAME, Telegram, ask, follow, notes, poll, post};

#[async_trait]
impl Channel for Telegram {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hosts(&self, to: &Address) -> bool {
        to.channel == NAME && to.account == self.account
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        post::deliver(self, delivery).await
    }
}

#[async_trait]
impl Questions for Telegram {
    async fn ask(&self, question: &Question) -> Heard {
        ask::ask(self, question).await
    }

    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        ask::ask_outcome(self, question).await
    }
}

#[async_trait]
impl Messenger for Telegram {
    async fn listen(&self, inbox: Arc<dyn Inbox>) -> ListenError {
        poll::listen(self, inbox).await
    }

    async fn follow(&self, turn: &FollowedTurn, live: mpsc::Receiver<LiveEvent>) {
        follow::follow(self, turn, live).await;
    }

    async fn note(&self, note: &Note) {
        notes::note(self, note).await;
    }
}
