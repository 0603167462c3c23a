//! The client of the control socket: what a test says to a fake, in its own process or in another.
//! Invariant: every call is one exchange over a connection of its own, so that it works wherever it is called.
//! It must not know the server's insides.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::control::{Command, Mode};
use super::fault::Plan;
use super::ledger::Call;
use super::say::{PressButton, Say};
use super::setup::{Group, Person, Setup};
use super::view::{SeenAnswer, SeenChat};

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

    /// Names a person; one who is not named is called by their id.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn person(&self, person: Person) -> io::Result<()> {
        self.ask(&Command::Person(person))
    }

    /// Makes a group with the bot in it.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if its id is not below zero.
    pub fn group(&self, group: Group) -> io::Result<()> {
        self.ask(&Command::Group(group))
    }

    /// A person writes. Returns the message's id.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if an app would not let them.
    pub fn say(&self, said: Say) -> io::Result<i32> {
        self.ask(&Command::Say(Box::new(said)))
    }

    /// A person changes what they wrote.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn edit(&self, chat: i64, message: i32, text: &str) -> io::Result<()> {
        let text = text.to_owned();
        self.ask(&Command::Edit {
            chat,
            message,
            text,
        })
    }

    /// A person presses a button, named by its text or data. Returns the id of the press.
    ///
    /// # Errors
    /// As [`Remote::say`]; if there is no such button.
    pub fn press(&self, chat: i64, from: i64, message: i32, button: &str) -> io::Result<String> {
        self.ask(&Command::Press(PressButton {
            chat,
            from,
            message,
            button: button.to_owned(),
            stale: false,
        }))
    }

    /// A person presses a button that their app still shows and that is no longer there.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn press_stale(
        &self,
        chat: i64,
        from: i64,
        message: i32,
        data: &str,
    ) -> io::Result<String> {
        self.ask(&Command::Press(PressButton {
            chat,
            from,
            message,
            button: data.to_owned(),
            stale: true,
        }))
    }

    /// What a person was shown for a press; none while it is open.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if there was no such press.
    pub fn press_answer(&self, press: &str) -> io::Result<Option<SeenAnswer>> {
        let press = press.to_owned();
        self.ask(&Command::PressAnswer { press })
    }

    /// A person blocks the bot, or a group throws it out.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn block(&self, chat: i64) -> io::Result<()> {
        self.ask(&Command::Block { chat })
    }

    /// The bot may write again.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn unblock(&self, chat: i64) -> io::Result<()> {
        self.ask(&Command::Unblock { chat })
    }

    /// A person deletes their account.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn deactivate(&self, person: i64) -> io::Result<()> {
        self.ask(&Command::Deactivate { person })
    }

    /// A basic group becomes a supergroup with this id.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn migrate(&self, chat: i64, to: i64) -> io::Result<()> {
        self.ask(&Command::Migrate { chat, to })
    }

    /// A person deletes a message.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn delete_message(&self, chat: i64, message: i32) -> io::Result<()> {
        self.ask(&Command::Delete { chat, message })
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
            let (path, body) = spelled(&changes(seen, HOLD))?;
            let mut stream = tokio::net::TcpStream::connect(self.address).await?;
            stream.write_all(&request(&path, &body)).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            seen = read(&answer)?;
        }
        Ok(())
    }

    fn ask<T: DeserializeOwned>(&self, command: &Command) -> io::Result<T> {
        let (path, body) = spelled(command)?;
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&request(&path, &body))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        read(&answer)
    }
}

fn changes(seen: u64, wait: Duration) -> Command {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Command::Changes { seen, wait_ms }
}

/// A command's name and its fields.
fn spelled<T: Serialize>(command: &T) -> io::Result<(String, String)> {
    let spelled = serde_json::to_value(command)?;
    let fields = spelled.as_object().and_then(|fields| fields.iter().next());
    let (name, fields) = fields.ok_or(io::ErrorKind::InvalidInput)?;
    Ok((name.clone(), fields.to_string()))
}

fn request(name: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /_control/{name} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    (head + body).into_bytes()
}

/// Reads an answer that ends with its connection.
fn read<T: DeserializeOwned>(answer: &[u8]) -> io::Result<T> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let body = head.map_or(&b""[..], |at| &answer[at + 4..]);
    if answer.starts_with(b"HTTP/1.1 200") {
        return Ok(serde_json::from_slice(body)?);
    }
    let refused: Value = serde_json::from_slice(body).unwrap_or_default();
    let reason = refused["error"]
        .as_str()
        .unwrap_or("the fake did not answer");
    Err(io::Error::other(reason.to_owned()))
}
