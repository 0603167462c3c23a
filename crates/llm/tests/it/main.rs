//! The crate as its users see it: bodies, streams, and models against a strict server.
//! Invariant: every expectation is a whole value; nothing sleeps, and no address but loopback is used.
//! It must not know the crate's insides.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its own functions too"
)]

mod encode;
mod encode_any;
mod faults;
mod manual;
mod models;
mod pictures;
mod refusals;
mod scene;
mod stream_ends;
mod streams;
mod transcribe;
