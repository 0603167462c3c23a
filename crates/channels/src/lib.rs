//! Messenger adapters, and what they share: reading markdown and making foreign text harmless.
//! Invariant: an adapter renders and sends; whether a delivery is due is decided elsewhere.
//! It must not know sessions' state, turns' rules, the journal or a model.

mod inert;
pub mod markdown;
mod spelled;
mod split;
pub mod telegram;
pub mod terminal;
mod words;

pub use inert::{inert, inert_line};
pub use split::{Hold, HoldKind, Room, fits, split};
