//! A strict fake of the Telegram Bot API: the wire protocol of its methods and files, a world of people and chats
//! behind it, and a control socket by which a test plays the people.
//! Invariant: whatever the real server would refuse is refused in the same words; every call is in the ledger.
//! It must not know Corvid.

mod asked;
mod control;
mod fault;
mod ledger;
mod methods;
mod multipart;
mod pace;
mod people;
mod poll;
mod refusal;
mod remote;
mod say;
mod serve;
mod setup;
mod state;
mod text;
mod view;
mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use corvid_core::{Clock, SystemClock};

use crate::loopback::Loopback;
use state::State;

pub use control::Mode;
pub use fault::{Fault, Plan};
pub use ledger::{Call, CallEnd};
pub use remote::Remote;
pub use say::{PressButton, Say, SentFile, SentKind};
pub use setup::{Group, Person, Setup};
pub use view::{SeenAnswer, SeenButton, SeenChat, SeenFile, SeenMessage};

/// A running fake; dropped, it stops.
#[derive(Debug)]
pub struct FakeTelegram {
    loopback: Loopback,
    remote: Remote,
    token: String,
}

impl FakeTelegram {
    /// Starts a fake with the usual bot on a free port of 127.0.0.1, with a thread and runtime of its own. Its time is
    /// the machine's.
    ///
    /// # Errors
    /// If no port can be bound or no thread be started.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Setup::default(), Arc::new(SystemClock))
    }

    /// As [`FakeTelegram::start`], with this bot, and this clock for time stamps and pacing. Polls wait in real time.
    ///
    /// # Errors
    /// As [`FakeTelegram::start`].
    pub fn start_with(setup: Setup, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let token = setup.token.clone();
        let state = Arc::new(State::new(setup, clock));
        let loopback = Loopback::start("fake telegram", move |stream| {
            serve::connection(Arc::clone(&state), stream)
        })?;
        let remote = Remote::new(&format!("http://{}", loopback.address()))?;
        Ok(Self {
            loopback,
            remote,
            token,
        })
    }

    /// The URL that a bot is configured with, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// The bot's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The handle by which a test plays the people and asks what happened.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
}
