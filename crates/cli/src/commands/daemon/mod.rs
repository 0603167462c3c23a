//! What runs all the time for messengers: starting it, stopping it, asking it how it is, reading its log.
//! Invariant: one process runs for a home, and what is done to it is done only while its lock says that it is the one.
//! It must not know a messenger.

mod ask;
mod end;
mod instance;
mod live;
mod log;
mod parts;
mod reload;
mod serve;
mod signals;
mod start;
mod status;

pub(super) use ask::wake;
pub(super) use end::{restart, stop};
pub(super) use instance::{There, there};
pub(super) use log::logs;
pub(super) use start::start;
pub(super) use status::status;
