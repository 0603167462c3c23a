//! The one integration test binary: it belongs to `cli`, so it always runs the `agent` just built.
//! Invariant: everything goes through the binary or the files in the repository, nothing through a crate's inside.
//! It must not know how a crate does its work.

mod asking;
mod chats;
mod cli_approvals;
#[cfg(feature = "faults")]
mod cli_card;
mod cli_config;
mod cli_disk;
mod cli_interrupt;
mod cli_jobs;
mod cli_mistakes;
mod cli_pair;
mod cli_policy;
mod cli_run;
mod cli_sessions;
mod cli_terminal;
mod cli_token;
mod cli_undo;
#[cfg(feature = "faults")]
mod crash;
mod daemon;
#[cfg(feature = "faults")]
mod flood;
mod house;
#[cfg(feature = "faults")]
mod lesser;
mod many_jobs;
mod mishaps;
mod network;
#[cfg(feature = "faults")]
mod outage;
mod outages;
mod redaction;
#[cfg(feature = "faults")]
mod seat;
mod security;
mod spares;
mod stage;
#[cfg(feature = "faults")]
mod waits;
