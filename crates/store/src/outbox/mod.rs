//! The outbox: replies and notices on their way, how far each got, and the marks of what was posted.
//! Invariant: what is open is found by its account without a look at anything else, and in the order in which it
//! came.
//! It must not know how a channel sends.

mod delivery;
mod marks;
mod notice;
mod read;

pub use delivery::{DeliveryEnd, DeliveryRow, DeliveryState};
pub use notice::{Post, PostFile};
pub(crate) use notice::{post_statements, post_values};
pub use read::OutboxRow;
