//! Ctrl-C and its kin: the first stops the turn, which is still recorded; the second ends the process.
//! Invariant: a signal never loses what was admitted.
//! It must not know what is being stopped.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context as _;
use corvid_channels::terminal::Terminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether a signal came.
#[derive(Default)]
pub(super) struct Interrupt {
    stop: CancellationToken,
    /// The number of the signal that came; 0 while none has.
    number: AtomicU8,
}

/// Hears the signals.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupt {
    /// Cancelled by the first signal.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The number of the signal that came, if one did.
    pub(super) fn signal(&self) -> Option<u8> {
        Some(self.number.load(Ordering::Relaxed)).filter(|number| *number > 0)
    }
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

    /// Stops the turn at the first signal and ends the process at the second.
    pub(super) async fn listen(mut self, interrupt: &Interrupt, terminal: &Terminal) -> Infallible {
        loop {
            let number = self.next().await;
            if interrupt.signal().is_some() {
                terminal.leave();
                terminal.notice("ended; what was said is kept in the session");
                std::process::exit(i32::from(128 + number));
            }
            interrupt.number.store(number, Ordering::Relaxed);
            interrupt.stop.cancel();
            terminal.notice("stopping; once more ends at once");
        }
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}
