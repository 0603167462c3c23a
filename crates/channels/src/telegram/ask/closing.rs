//! Taking the buttons off a question that is settled.
//! Invariant: what an outage keeps from being done is done after it.
//! It must not know how the question was settled.

use std::sync::Arc;

use corvid_core::wire::Millis;
use teloxide_core::types::MessageId;

use crate::telegram::api::Fault;
use crate::telegram::post::Poster;
use crate::telegram::render::Sheet;
use crate::telegram::spot::MessageSpot;

/// How often it is tried again.
const ATTEMPTS: usize = 60;

/// The first and the longest pause before that, in milliseconds.
const PAUSE_MS: Millis = 5_000;
const LONGEST_PAUSE_MS: Millis = 60_000;

/// A message whose buttons go.
pub(super) struct Closing {
    pub(super) poster: Arc<Poster>,
    pub(super) post: String,
    pub(super) message: MessageSpot,
    /// What it says from now on; as before if none.
    pub(super) sheet: Option<Sheet>,
}

impl Closing {
    /// Tries for a while, at growing intervals.
    pub(super) async fn run(self) {
        let stopping = self.poster.tasks.stopping();
        let mut pause = PAUSE_MS;
        for _ in 0..ATTEMPTS {
            let again = self.poster.clock.now().saturating_add(pause);
            tokio::select! {
                () = self.poster.clock.sleep_until(again) => {}
                () = stopping.cancelled() => return,
            }
            if self.done().await {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE_MS);
        }
        tracing::info!("a settled question keeps its buttons");
    }

    /// Whether it is done, or cannot be.
    pub(super) async fn done(&self) -> bool {
        let alone = self.poster.alone(&self.post).await;
        let chat = self.message.chat;
        self.poster.pacer.turn(chat).await;
        let done = if let Some(sheet) = &self.sheet {
            self.poster.fill(self.message, sheet).await
        } else {
            let id = MessageId(self.message.message);
            let done = self.poster.api.edit_buttons(chat, id, &[]).await;
            self.poster.heeded(chat, done)
        };
        drop(alone);
        match done {
            Err(Fault::Wait { .. } | Fault::Unreachable(_) | Fault::Unauthorized) => false,
            Err(fault) => {
                tracing::info!(%fault, "a settled question keeps its buttons");
                true
            }
            Ok(()) => true,
        }
    }
}
