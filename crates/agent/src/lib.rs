//! The `ReAct` turn: a pure fold over the journal, and a driver that does what the fold says is due.
//! Invariant: every decision is a function of events; the driver has no memory that a crash could lose.
//! It must not know a messenger, SQL, a provider, or how code is confined.

mod driver;
pub mod fold;
pub mod prompt;

pub use driver::{Hooks, Lane, LaneError, LanePorts, Settings, Takeover};
