//! The client of the control socket: what a test says to a fake, in its own process or in another.
//! Invariant: every call is one exchange over a connection of its own, so that it works wherever it is called.
//! It must not know the server's insides.

mod people;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::control::{Command, Mode};
use super::fault::Plan;
use super::ledger::Call;
use super::setup::Setup;
use super::view::SeenChat;

/// How long the server holds back an answer to who waits for a change.
const HOLD: Duration = Duration::from_secs(20);

/// A handle on a running fake.
#[derive(Clone, Debug)]
pub struct Remote {
    address: SocketAddr,
}

impl Remote {
    /// A handle on the fake at this URL, `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// If that is no such URL.
    pub fn new(url: &str) -> io::Result<Self> {
        let address = url.trim_end_matches('/').trim_start_matches("http://");
        let address = address.parse().map_err(|_| {
            let reason = format!("`{url}` is no address of a fake; expected http://127.0.0.1:PORT");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        Ok(Self { address })
    }

    /// The URL that a bot is configured with.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How the fake was set up: the bot's token and names.
    ///
    /// # Errors
    /// If the server is gone; so every method here.
    pub fn setup(&self) -> io::Result<Setup> {
        self.ask(&Command::Setup {})
    }

    /// Revokes the bot's token.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn revoke_token(&self) -> io::Result<()> {
        self.ask(&Command::Revoke { token: None })
    }

    /// Somebody else sets a webhook, which forbids polling.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn set_webhook(&self) -> io::Result<()> {
        self.ask(&Command::Webhook {})
    }

    /// How updates come from now on.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn updates(&self, mode: Mode) -> io::Result<()> {
        self.ask(&Command::Updates(mode))
    }

    /// Ids of updates go on lower than before, as after a week without one. What is not confirmed is forgotten.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn restart_update_ids(&self) -> io::Result<()> {
        self.ask(&Command::RestartIds {})
    }

    /// Whether calls that come too fast are refused; they are always counted.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn strict_pace(&self, on: bool) -> io::Result<()> {
        self.ask(&Command::StrictPace { on })
    }

    /// Plans a fault.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn fault(&self, plan: Plan) -> io::Result<()> {
        self.ask(&Command::Fault(plan))
    }

    /// Lifts all planned faults: an outage is over.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn lift(&self) -> io::Result<()> {
        self.ask(&Command::Lift {})
    }

    /// Every call so far.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn ledger(&self) -> io::Result<Vec<Call>> {
        self.calls_from(0)
    }

    /// Every call from this one on.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn calls_from(&self, from: usize) -> io::Result<Vec<Call>> {
        self.ask(&Command::Calls { from })
    }

    /// The calls of one method.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn calls_of(&self, method: &str) -> io::Result<Vec<Call>> {
        let mut calls = self.ledger()?;
        calls.retain(|call| call.method == method);
        Ok(calls)
    }

    /// What a well-behaved bot would not have sent; empty if all was good.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn violations(&self) -> io::Result<Vec<String>> {
        let calls = self.ledger()?.into_iter();
        Ok(calls.flat_map(|call| call.faults).collect())
    }

    /// A chat as a person sees it; empty if nobody has written there.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn chat(&self, id: i64) -> io::Result<SeenChat> {
        self.ask(&Command::Chat { id })
    }

    /// The commands that the bot has registered by default, as the protocol spells them.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn commands(&self) -> io::Result<Vec<Value>> {
        self.ask(&Command::Commands {})
    }

    /// How many updates the bot has not confirmed.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn pending(&self) -> io::Result<usize> {
        self.ask(&Command::Pending {})
    }

    /// Microseconds of real time since the server's start, as [`Call::at_us`] tells them.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn uptime_us(&self) -> io::Result<u64> {
        self.ask(&Command::Uptime {})
    }

    /// Blocks until `done` says yes, looking anew at every change; false if it does not within `limit` of real
    /// time.
    ///
    /// # Errors
    /// As [`Remote::setup`], and what `done` fails with.
    pub fn wait_for(
        &self,
        limit: Duration,
        mut done: impl FnMut(&Self) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let started = Instant::now();
        let mut seen: u64 = self.ask(&changes(0, Duration::ZERO))?;
        loop {
            if done(self)? {
                return Ok(true);
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            seen = self.ask(&changes(seen, left.min(HOLD)))?;
        }
    }

    /// Resolves once `done` says yes, looking anew at every change. For tests whose bot runs on the same thread.
    ///
    /// # Errors
    /// As [`Remote::wait_for`].
    pub async fn until(&self, mut done: impl FnMut(&Self) -> io::Result<bool>) -> io::Result<()> {
        let mut seen: u64 = self.ask(&changes(0, Duration::ZERO))?;
        while !done(self)? {
            seen = wire::ask_later(self.address, &changes(seen, HOLD)).await?;
        }
        Ok(())
    }

    fn ask<T: DeserializeOwned>(&self, command: &Command) -> io::Result<T> {
        wire::ask(self.address, command)
    }
}

fn changes(seen: u64, wait: Duration) -> Command {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Command::Changes { seen, wait_ms }
}
