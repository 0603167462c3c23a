//! What is shown while it happens: text as the model writes it, lines of a running call.
//! Invariant: never waits; whoever cannot keep up misses something that the journal will hold.
//! It must not know who listens.

use std::sync::{Arc, Mutex, PoisonError};

use corvid_core::redact::{RedactStream, Redactor};
use corvid_core::wire::{CallId, LiveEvent};
use corvid_core::{ModelSink, Progress};
use tokio::sync::mpsc;

use super::Lane;

impl Lane {
    /// Where a running call shows what it has.
    pub(super) fn progress(&self, call: CallId) -> Arc<dyn Progress> {
        Arc::new(LiveProgress {
            live: self.hooks.live.downgrade(),
            redactor: Arc::clone(&self.ports.redactor),
            call,
        })
    }

    /// Where an attempt's text goes as it comes.
    pub(super) fn live_text(&self, step: u32, attempt: u32) -> LiveText {
        LiveText {
            live: self.hooks.live.clone(),
            step,
            attempt,
            written: Mutex::new(Written::new(&self.ports.redactor)),
            redactor: Arc::clone(&self.ports.redactor),
        }
    }
}

/// Passes an attempt's text on.
pub(super) struct LiveText {
    live: mpsc::Sender<LiveEvent>,
    step: u32,
    attempt: u32,
    written: Mutex<Written>,
    redactor: Arc<Redactor>,
}

/// How far an attempt's text has come.
struct Written {
    offset: u64,
    /// Holds back what may be the beginning of a secret; the reply has it all.
    clean: RedactStream,
}

impl Written {
    fn new(redactor: &Redactor) -> Self {
        Self {
            offset: 0,
            clean: redactor.stream(),
        }
    }
}

impl ModelSink for LiveText {
    fn delta(&self, text: &str) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let clean = written.clean.push(text.as_bytes());
        if clean.is_empty() {
            return;
        }
        // What is held back ends at a character's end, unless the text itself does not.
        let text = String::from_utf8_lossy(&clean);
        let offset = written.offset;
        written.offset += u64::try_from(text.len()).unwrap_or(u64::MAX);
        drop(written);
        // A listener that cannot keep up misses text; the reply has it all.
        drop(self.live.try_send(LiveEvent::Delta {
            step: self.step,
            attempt: self.attempt,
            offset,
            text: text.into_owned(),
        }));
    }

    fn restart(&self) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Written::new(&self.redactor);
    }

    fn waiting(&self, for_ms: u64, reason: &str) {
        drop(self.live.try_send(LiveEvent::Waiting {
            for_ms,
            reason: self.redactor.text(reason).into_owned(),
        }));
    }
}

struct LiveProgress {
    /// A call that goes on as a job outlasts whoever listens, and must not keep them.
    live: mpsc::WeakSender<LiveEvent>,
    redactor: Arc<Redactor>,
    call: CallId,
}

impl Progress for LiveProgress {
    fn show(&self, line: &str) {
        let Some(listener) = self.live.upgrade() else {
            return;
        };
        drop(listener.try_send(LiveEvent::Progress {
            call: self.call,
            text: self.redactor.text(line).into_owned(),
        }));
    }
}
