//! The signals that a daemon hears.
//! Invariant: none is lost once they are heard.
//! It must not know what comes of one.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
pub(super) enum Wanted {
    /// The end.
    End,
    /// The config, read anew.
    Reload,
}

/// The signals that a daemon hears.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over from now on.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be heard");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// What the next signal asks for.
    pub(super) async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.interrupt.recv() => Wanted::End,
            _ = self.terminate.recv() => Wanted::End,
            _ = self.hangup.recv() => Wanted::Reload,
        }
    }

    /// Returns at the next signal that asks for the end.
    pub(super) async fn second(&mut self) {
        while !matches!(self.next().await, Wanted::End) {}
    }
}
