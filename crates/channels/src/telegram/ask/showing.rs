//! Showing a question in one conversation.
//! Invariant: it is tried until it is shown, cannot be, or nobody asks any more; nothing is begun after that.
//! It must not know what is asked.

use std::sync::Arc;

use corvid_core::wire::Millis;
use tokio::sync::oneshot;

use crate::telegram::api::Fault;
use crate::telegram::post::{Arrival, Part, Poster, Stuck};
use crate::telegram::render::Sheet;
use crate::telegram::spot::Spot;

/// What a notification says of a question, whose text comes by edit.
const ASKING: &str = "❓ A question for you …";

/// Between two attempts at showing a question, in milliseconds.
const PATIENCE_MS: Millis = 5_000;

/// One conversation in which a question is being shown.
pub(super) struct Showing {
    pub(super) poster: Arc<Poster>,
    pub(super) post: String,
    pub(super) first_part: u32,
    pub(super) spot: Spot,
    pub(super) sheets: Arc<Vec<Sheet>>,
    /// Told whether it is shown; closed when nobody asks any more.
    pub(super) done: oneshot::Sender<bool>,
}

impl Showing {
    /// Shows it, and tells whoever still asks.
    pub(super) async fn run(mut self) {
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
