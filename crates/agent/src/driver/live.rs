//! What is shown while it happens: text as the model writes it, lines of a running call.
//! Invariant: never waits; whoever cannot keep up misses something that the journal will hold.
//! It must not know who listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use corvid_core::wire::{CallId, LiveEvent};
use corvid_core::{ModelSink, Progress};
use tokio::sync::mpsc;

use super::Lane;

impl Lane {
    /// Where a running call shows what it has.
    pub(super) fn progress(&self, call: CallId) -> Arc<dyn Progress> {
        Arc::new(LiveProgress {
            live: self.hooks.live.clone(),
            call,
        })
    }

    /// Where an attempt's text goes as it comes.
    pub(super) fn live_text(&self, step: u32, attempt: u32) -> LiveText {
        LiveText {
            live: self.hooks.live.clone(),
            step,
            attempt,
            offset: AtomicU64::new(0),
        }
    }
}

/// Passes an attempt's text on.
pub(super) struct LiveText {
    live: mpsc::Sender<LiveEvent>,
    step: u32,
    attempt: u32,
    offset: AtomicU64,
}

impl ModelSink for LiveText {
    fn delta(&self, text: &str) {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let offset = self.offset.fetch_add(length, Ordering::Relaxed);
        // A listener that cannot keep up misses text; the reply has it all.
        drop(self.live.try_send(LiveEvent::Delta {
            step: self.step,
            attempt: self.attempt,
            offset,
            text: text.to_owned(),
        }));
    }

    fn restart(&self) {
        self.offset.store(0, Ordering::Relaxed);
    }

    fn waiting(&self, for_ms: u64, reason: &str) {
        drop(self.live.try_send(LiveEvent::Waiting {
            for_ms,
            reason: reason.to_owned(),
        }));
    }
}

struct LiveProgress {
    live: mpsc::Sender<LiveEvent>,
    call: CallId,
}

impl Progress for LiveProgress {
    fn show(&self, line: &str) {
        drop(self.live.try_send(LiveEvent::Progress {
            call: self.call,
            text: line.to_owned(),
        }));
    }
}
