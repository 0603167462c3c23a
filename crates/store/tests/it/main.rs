//! The store through its public door: real files, several handles, several processes.
//! Invariant: every test makes its own folder and waits for what it needs, never for time to pass.
//! It must not know the tables.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose scene cannot be set has failed"
)]

mod admission;
mod asking;
mod closings;
mod delivery;
mod fence;
mod grouping;
mod hands;
mod jobs;
mod kinds;
mod model;
mod mounts;
mod opening;
mod people;
mod process;
mod questions;
mod rest;
mod scene;
