//! The store: one `SQLite` file that holds the journal and what is derived from it. The only place with SQL.
//! Invariant: events and their projections commit together; a stale lane cannot write; nothing that was
//! reported as appended is ever lost.
//! It must not know what a turn is for, which channels there are, or what an event leads to.

mod config;
mod conversation;
mod error;
mod open;
mod outbox;
mod owner;
mod people;
mod read;
mod session;
mod store;
mod writer;

pub use config::{Config, UrlError};
pub use error::{OpenError, StoreError};
pub use outbox::{DeliveryEnd, DeliveryRow, DeliveryState, OutboxRow, Post, PostFile};
pub use people::{CommandState, Forgotten, Offer, Paired, Pairing, PendingRow, PersonRow};
pub use read::{
    Health, InputRow, JobInputRow, JobRow, OpenInput, QuestionRow, QuestionState, SessionRow,
};
pub use session::{Choices, Deletion, Spent};
pub use store::Store;
