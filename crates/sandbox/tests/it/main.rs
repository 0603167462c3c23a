//! The sandbox's integration tests, one binary.

#![expect(
    clippy::unwrap_used,
    reason = "a test's scene panics where it cannot be set up"
)]

mod attacks;
mod binding;
mod bounds;
mod calls;
mod commands;
mod egress;
mod hidden;
mod less;
mod lifecycle;
mod paths;
mod processes;
mod proxied;
mod race;
mod redaction;
mod scene;
mod spares;
mod target;
mod wider;
