//! The store through its public door: real files, several handles, several processes.
//! Invariant: every test makes its own folder and waits for what it needs, never for time to pass.
//! It must not know the tables.

mod admission;
mod delivery;
mod fence;
mod scene;
