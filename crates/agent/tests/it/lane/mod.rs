//! The lane, driven through its seams: an in-memory journal, a scripted model, tools that keep a ledger.
//! Invariant: time stands still unless a test moves it; verdicts come from the journal and the ledger.
//! It must not know how a lane remembers what it is at work on.

mod claims;
mod commits;
mod crashes;
mod journal;
mod live;
mod model;
mod questions;
mod recovery;
mod scene;
mod steps;
mod stops;
mod tools;
