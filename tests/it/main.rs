//! The one integration test binary: it belongs to `cli`, so it always runs the `agent` just built.
//! Invariant: everything goes through the binary or the files in the repository, nothing through a crate's inside.
//! It must not know how a crate does its work.

mod cli_config;
mod cli_disk;
mod cli_interrupt;
mod cli_mistakes;
mod cli_run;
mod cli_sessions;
mod cli_terminal;
#[cfg(feature = "faults")]
mod crash;
mod house;
mod outages;
mod stage;
#[cfg(feature = "faults")]
mod waits;
