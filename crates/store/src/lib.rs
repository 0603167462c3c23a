//! The store: one `SQLite` file that holds the journal and what is derived from it. The only place with SQL.
//! Invariant: events and their projections commit together; a stale lane cannot write; nothing that was
//! reported as appended is ever lost.
//! It must not know what a turn is for, which channels there are, or what an event leads to.

mod config;
mod delivery;
mod error;
mod open;
mod owner;
mod read;
mod store;
mod writer;

pub use config::{Config, UrlError};
pub use delivery::{DeliveryEnd, DeliveryRow, DeliveryState};
pub use error::{OpenError, StoreError};
pub use read::{Health, InputRow, JobInputRow, JobRow, QuestionRow, QuestionState, SessionRow};
pub use store::Store;
