//! Messenger adapters, and what they share: reading markdown and making foreign text harmless.
//! Invariant: an adapter renders and sends; whether a delivery is due is decided elsewhere.
//! It must not know sessions' state, turns' rules, the journal or a model.

mod inert;
pub mod markdown;
pub mod terminal;

pub use inert::{inert, inert_line};
