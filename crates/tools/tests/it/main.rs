//! The built-in tools from outside, on real folders.
//! Invariant: every call passes the tool's own check first, as in a turn.
//! It must not know the tools' insides.

#![expect(
    clippy::expect_used,
    reason = "a scene that cannot be set up fails its test"
)]

mod background;
mod changes;
mod commands;
mod confinement;
mod escalation;
mod job_tools;
mod jobs;
mod looks;
mod previews;
mod sandbox;
mod scene;
mod searches;
mod sending;
mod specs;
