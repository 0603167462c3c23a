//! How answers are asked for, and what servers were found to refuse of it.
//! Invariant: what was refused once is not asked again in this process; each refusal leads to less.
//! It must not know what is asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corvid_core::ModelError;
use corvid_core::wire::Fault;

use crate::presets::Streaming;

/// What was found out about models, by `provider/model`.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    streaming: Mutex<HashMap<String, Streaming>>,
}

impl Learned {
    /// How this model lets itself be asked; `otherwise` where nothing is known.
    pub(crate) fn streaming(&self, id: &str, otherwise: Streaming) -> Streaming {
        self.lock().get(id).copied().unwrap_or(otherwise)
    }

    /// Remembers how this model lets itself be asked.
    pub(crate) fn learn(&self, id: &str, streaming: Streaming) {
        self.lock().insert(id.to_owned(), streaming);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Streaming>> {
        self.streaming
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left to ask for after this refusal; `None` if it had other reasons.
pub(super) fn less(asked: Streaming, refusal: &ModelError) -> Option<Streaming> {
    /// Older and smaller servers do not know the field.
    const NO_USAGE: &[&str] = &["stream_options", "include_usage"];
    /// `OpenAI` streams some models to verified organizations only.
    const NO_STREAM: &[&str] = &["to stream this model", "not support stream"];
    let says = |words: &[&str]| words.iter().any(|word| refusal.message.contains(word));
    match asked {
        _ if refusal.fault != Fault::Final => None,
        Streaming::WithUsage if says(NO_USAGE) => Some(Streaming::Plain),
        Streaming::WithUsage | Streaming::Plain if says(NO_STREAM) => Some(Streaming::Off),
        _ => None,
    }
}
