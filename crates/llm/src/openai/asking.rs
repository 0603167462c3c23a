//! How answers are asked for, and what servers were found to refuse of it.
//! Invariant: what was refused once is not asked again in this process; each refusal leads to less.
//! It must not know what is asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corvid_core::wire::Fault;
use corvid_core::{Image, ModelError};

use super::shown::Shown;
use crate::fault::is_about_the_request;
use crate::presets::Streaming;

/// What was found out about models, by `provider/model`.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    streaming: Mutex<HashMap<String, Streaming>>,
    /// Pictures that a model was not sent again, with its `provider/model`.
    withheld: Mutex<HashSet<(String, Image)>>,
}

impl Learned {
    /// How this model lets itself be asked; `otherwise` where nothing is known.
    pub(crate) fn streaming(&self, id: &str, otherwise: Streaming) -> Streaming {
        lock(&self.streaming).get(id).copied().unwrap_or(otherwise)
    }

    /// Remembers how this model lets itself be asked.
    pub(crate) fn learn(&self, id: &str, streaming: Streaming) {
        lock(&self.streaming).insert(id.to_owned(), streaming);
    }

    /// Remembers pictures with which this model took no request, though it did without.
    pub(super) fn withhold(&self, id: &str, shown: &Shown) {
        let images = shown.images().map(|image| (id.to_owned(), image.clone()));
        lock(&self.withheld).extend(images);
    }

    /// Whether this model took no request with that picture.
    pub(super) fn withholds(&self, id: &str, image: &Image) -> bool {
        lock(&self.withheld).contains(&(id.to_owned(), image.clone()))
    }
}

fn lock<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a request may be taken without its pictures that was refused with them.
pub(super) fn may_be_the_pictures(refusal: &ModelError) -> bool {
    match refusal.fault {
        // They fill the context too.
        Fault::ContextExceeded => true,
        Fault::Final => is_about_the_request(refusal),
        _ => false,
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
