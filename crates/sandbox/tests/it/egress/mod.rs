//! The checking proxy alone, over real sockets on the loopback.
//! Invariant: what reached a server is told by that server's own ledger.
//! It must not know commands.

mod bounds;
mod refusals;
mod requests;
pub(crate) mod scene;
