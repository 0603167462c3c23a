//! How text that others wrote is shown: nothing in it acts on a terminal, hides or reorders.
//! Invariant: whatever reaches a model or a person through a tool has passed here.
//! It must not know whose text it is.

mod clean;
mod controls;
mod visible;

pub(crate) use clean::{Cleaned, Rest, clean, clean_line};
pub(crate) use visible::visible;
