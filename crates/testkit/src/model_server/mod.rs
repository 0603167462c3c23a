//! A scripted, strict model server that speaks OpenAI's chat completions, streamed or whole.
//! Invariant: an invalid request is refused with the reason and entered in the ledger; no request is lost.
//! It must not know Corvid; what it is told to say and what it saw is all it has.

mod body;
mod fault;
mod ledger;
mod render;
mod reply;
mod request;
mod script;
mod serve;
mod state;
mod validate;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::loopback::Loopback;
use ledger::Ledger;
use state::State;

pub use fault::Fault;
pub use ledger::{End, Entry};
pub use reply::{Call, Reply, Tokens};
pub use script::{Access, Rule, Script, When};

/// A running model server; dropped, it stops.
#[derive(Debug)]
pub struct ModelServer {
    state: Arc<State>,
    loopback: Loopback,
}

impl ModelServer {
    /// Starts a server on a free port of 127.0.0.1, with a thread and runtime of its own.
    ///
    /// # Errors
    /// If no port can be bound or no thread be started.
    pub fn start(script: Script) -> io::Result<Self> {
        Self::serve(script, Ledger::new(None))
    }

    /// As [`ModelServer::start`]; `ledger` takes a JSON line ([`Entry`]) for every exchange that has ended.
    ///
    /// # Errors
    /// As [`ModelServer::start`].
    pub fn start_with_ledger(script: Script, ledger: File) -> io::Result<Self> {
        Self::serve(script, Ledger::new(Some(ledger)))
    }

    fn serve(script: Script, ledger: Ledger) -> io::Result<Self> {
        let state = Arc::new(State::new(script, ledger));
        let served = Arc::clone(&state);
        let loopback = Loopback::start("model server", move |stream| {
            serve::connection(Arc::clone(&served), stream)
        })?;
        Ok(Self { state, loopback })
    }

    /// The base URL that a client is configured with, `http://127.0.0.1:PORT/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.loopback.address())
    }

    /// Every request so far, in the order in which they came.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state.ledger.entries()
    }

    /// What was wrong with the requests so far; empty if all were good.
    pub fn violations(&self) -> Vec<String> {
        let entries = self.ledger().into_iter();
        entries.flat_map(|entry| entry.violations).collect()
    }

    /// Lets every reply go on that waits (or will wait) at this gate.
    pub fn open(&self, gate: &str) {
        self.state.open_gate(gate);
    }

    /// Blocks until the ledger is as asked; false if it is not within `limit` of real time.
    pub fn wait_for(&self, limit: Duration, done: impl Fn(&[Entry]) -> bool) -> bool {
        self.state.ledger.wait(limit, done)
    }

    /// Resolves once the ledger is as asked.
    pub async fn until(&self, done: impl Fn(&[Entry]) -> bool) {
        self.state.ledger.until(done).await;
    }
}
