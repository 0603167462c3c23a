//! The fake of the Telegram Bot API as a process of its own.
//! Invariant: the first line on standard output is its URL; it serves until it is killed, or until standard
//! input closes where it was told to mind that.
//! It must not know anything that `telegram` does not.

use std::error::Error;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::sync::Arc;

use corvid_core::{Clock, SystemClock};
use corvid_testkit::telegram::Setup;
use corvid_testkit::{FakeTelegram, ServedClock};

const USAGE: &str = "usage: fake-telegram [--token TOKEN] [--clock ADDRESS] [--with-stdin]

Serves a fake Telegram Bot API on a free port of 127.0.0.1 and prints its URL, which a bot takes as its API URL.
--token TOKEN    the bot's token (default: 4242:fake-token-of-the-fake-bot_0123456789)
--clock ADDRESS  take the time from a clock server, e.g. 127.0.0.1:4242
--with-stdin     end when standard input closes

People are played over HTTP: POST /_control/<command> with JSON, e.g.
  curl -d '{\"chat\":7,\"from\":7,\"text\":\"hello\"}' URL/_control/say
  curl -d '{\"id\":7}' URL/_control/chat
people   person, group, say, say_all, edit, press, press_answer, block, unblock, deactivate, migrate, delete
server   revoke, webhook, updates, restart_ids, strict_pace, fault, lift
verdicts calls, chat, commands, pending, changes, uptime, setup
A command that lacks a field is answered with its name.";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words: &[String] = &arguments;
    let mut setup = Setup::default();
    let mut clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut with_stdin = false;
    loop {
        match words {
            [] => break,
            [word, ..] if word == "--help" || word == "-h" => {
                writeln!(stdout(), "{USAGE}")?;
                return Ok(());
            }
            [word, rest @ ..] if word == "--with-stdin" => {
                with_stdin = true;
                words = rest;
            }
            [word, token, rest @ ..] if word == "--token" => {
                setup.token.clone_from(token);
                words = rest;
            }
            [word, address, rest @ ..] if word == "--clock" => {
                clock = Arc::new(ServedClock::connect(address)?);
                words = rest;
            }
            _ => return Err(USAGE.into()),
        }
    }
    let fake = FakeTelegram::start_with(setup, clock)?;
    writeln!(stdout(), "{}", fake.url())?;
    stdout().flush()?;
    if with_stdin {
        stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}
