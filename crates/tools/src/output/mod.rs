//! What calls put out: made harmless, cut for the model, kept whole in files, read on by `output.read`.
//! Invariant: memory does not grow with the length of an output.
//! It must not know which tool an output is of.

mod excerpt;
mod read;

pub(crate) use excerpt::{excerpt, tail};
pub(crate) use read::{Read, page};
