//! The agent's tests through its public door: the fold against journals, the lane against scripted seams.
//! Invariant: no test waits for real time, and each builds the world that it needs.
//! It must not know private parts of the crate; those are tested where they are written.

#![expect(
    clippy::expect_used,
    reason = "where a test's own world is broken the test has failed"
)]

mod fold;
mod lane;
mod prompt;
mod script;
mod transcript;
