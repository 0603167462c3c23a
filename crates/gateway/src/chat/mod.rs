//! Commands and buttons in a conversation: from what was typed or pressed to an answer.
//! Invariant: whoever acts has passed the one gate; a command acts at most once, or as if once, and is always answered.
//! It must not know how a messenger shows anything.

mod act;
mod choices;
mod inert;
mod line;
mod press;
mod questions;
mod report;
mod sessions;
mod table;
#[cfg(test)]
mod tests;
mod turns;

use corvid_core::wire::{Address, Millis, Mode, Person, Requester, Role, SessionId};
use corvid_core::{Place, Said};
use corvid_store::{CommandState, Post};

use crate::Gateway;
use crate::error::GatewayError;
use crate::surroundings::Surroundings;
use line::{Word, nearest};
use table::{Again, Command};

pub(crate) use act::{Act, Pressed};
pub(crate) use inert::{code, plain};
pub(crate) use line::{Line, parse};
pub use table::{COMMANDS, ChatCommand};

/// What is said of a command that a process died in.
const NOT_KNOWN: &str =
    "I was cut off in the middle of that command, and it is not known whether it took effect.";

/// Who gives a command, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Speaker {
    /// Who, as the gate has seen them.
    pub(crate) requester: Requester,
    /// The conversation.
    pub(crate) origin: Address,
    /// What kind of conversation that is.
    pub(crate) place: Place,
    /// What they call themselves; untrusted.
    pub(crate) name: String,
    /// The id under which the channel will never send another message.
    pub(crate) external_id: String,
    /// When they said it.
    pub(crate) at: Millis,
}

impl Speaker {
    /// Who says this, after they have passed the gate.
    pub(crate) fn of(said: &Said, requester: Requester) -> Self {
        Self {
            requester,
            origin: said.origin.clone(),
            place: said.place,
            name: said.name.clone(),
            external_id: said.external_id.clone(),
            at: said.at,
        }
    }

    /// Them, as the store knows people.
    pub(crate) fn person(&self) -> Person {
        Person {
            channel: self.origin.channel.clone(),
            id: self.requester.id.clone(),
        }
    }

    fn is_owner(&self) -> bool {
        self.requester.role == Role::Owner
    }

    fn is_private(&self) -> bool {
        self.place == Place::Private
    }
}

/// The answer to a command.
struct Told {
    /// In markdown.
    text: String,
    /// A session in which something is to be seen to.
    wake: Option<SessionId>,
}

impl<T: Into<String>> From<T> for Told {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            wake: None,
        }
    }
}

impl Gateway {
    /// Carries a command out and posts its answer, or says what is to be admitted for it.
    ///
    /// # Errors
    /// The store's: the message is to be handed in again.
    pub(crate) async fn command(
        &self,
        line: &Line,
        said: &Speaker,
        around: &dyn Surroundings,
    ) -> Result<Act, GatewayError> {
        let to_admit = match &line.word {
            Word::Known(Command::Steer) => to_say(&line.rest, Mode::Steer),
            Word::Known(Command::Queue) => to_say(&line.rest, Mode::Queue),
            Word::Known(Command::Retry) => match self.retry(said).await {
                Ok(to_admit) => to_admit,
                Err(error) => Err(failed(said, &error)),
            },
            _ => Err(String::new()),
        };
        let refusal = match to_admit {
            Ok(act) => return Ok(act),
            Err(refusal) => refusal,
        };
        let Address {
            channel, account, ..
        } = &said.origin;
        let (id, now) = (&said.external_id, self.clock.now());
        let state = self.store.begin_command(channel, account, id, now).await?;
        let told = match state {
            CommandState::Done => return Ok(Act::Done),
            CommandState::Begun if !may_repeat(&line.word) => not_known(&line.word),
            CommandState::Fresh | CommandState::Begun if !refusal.is_empty() => refusal.into(),
            // A message that fails each time must not keep all others waiting behind it.
            CommandState::Fresh | CommandState::Begun => self
                .carry_out(line, said, around)
                .await
                .unwrap_or_else(|error| failed(said, &error).into()),
        };
        let answer = Post {
            key: format!("command {channel} {account} {id}"),
            to: said.origin.clone(),
            text: told.text,
            file: None,
            at: now,
        };
        let ended = self.store.end_command(channel, account, id, Some(&answer));
        ended.await?;
        Ok(told.wake.map_or(Act::Done, Act::Wake))
    }

    async fn carry_out(
        &self,
        line: &Line,
        said: &Speaker,
        around: &dyn Surroundings,
    ) -> Result<Told, GatewayError> {
        let command = match &line.word {
            Word::Known(command) => *command,
            Word::Unknown(word) => return Ok(unknown(word).into()),
        };
        let entry = command.entry();
        if entry.is_some_and(|entry| entry.for_role == Role::Owner) && !said.is_owner() {
            let name = entry.map_or("that", |entry| entry.name);
            return Ok(format!("Only an owner may use /{name}.").into());
        }
        let session = self.store.binding(&said.origin).await?;
        let (session, rest) = (session.as_ref(), line.rest.as_str());
        Ok(match command {
            Command::Start => self.greeting(&said.requester).into(),
            Command::Help => report::help(said.requester.role).into(),
            Command::New => self.begin_new(said, session).await?.into(),
            Command::Stop => self.stop(session, &said.requester, &said.origin).await?,
            Command::Steer | Command::Queue | Command::Retry => usage(command).into(),
            Command::Sessions => self.list_sessions(said, session).await?.into(),
            Command::Resume => self.resume(said, session, rest).await?,
            Command::Cd => self
                .change_folder(said, session, rest, around)
                .await?
                .into(),
            Command::Model => self.change_model(said, session, rest).await?.into(),
            Command::Status => self.tell_state(session).await?.into(),
            Command::Cost => self.tell_cost(session).await?.into(),
            Command::Jobs => self.see_to_own_jobs(said, session, rest).await?.into(),
            Command::Undo => self.take_back(said, session, around).await?.into(),
            Command::Approve => self.approve(said, session).await?,
            Command::Deny => self.deny(said, session, rest).await?,
            Command::Pair => self.pair(said, rest).await?.into(),
            Command::Forget => self.forget(said, rest, around).await?.into(),
            Command::Timezone => self.set_timezone(said, rest).await?.into(),
        })
    }
}

/// What a message says that was edited into a command, or into another one; else a sentence why not. Nobody is to set
/// something off by mending a word of what they said long ago.
pub(crate) fn edited(line: &Line) -> Result<Act, String> {
    match &line.word {
        Word::Known(Command::Steer) => to_say(&line.rest, Mode::Steer),
        Word::Known(Command::Queue) => to_say(&line.rest, Mode::Queue),
        Word::Known(_) | Word::Unknown(_) => {
            Err("I take no commands from edits; send it as a new message.".to_owned())
        }
    }
}

/// What is to be admitted in place of the line; its usage where there is nothing.
fn to_say(rest: &str, mode: Mode) -> Result<Act, String> {
    if rest.is_empty() {
        return Err(usage(match mode {
            Mode::Steer => Command::Steer,
            Mode::Queue => Command::Queue,
        }));
    }
    Ok(Act::Admit {
        text: rest.to_owned(),
        mode,
    })
}

/// What is said of a command that failed. Only an owner hears what of this machine it is about.
fn failed(said: &Speaker, error: &GatewayError) -> String {
    tracing::error!(%error, "a command failed");
    if said.is_owner() {
        format!("That did not work: {error}.")
    } else {
        "That did not work; my log says why.".to_owned()
    }
}

fn may_repeat(word: &Word) -> bool {
    match word {
        Word::Known(command) => command
            .entry()
            .is_none_or(|entry| entry.again == Again::Harmless),
        Word::Unknown(_) => true,
    }
}

/// How to find out what became of a command that must not be done twice.
fn not_known(word: &Word) -> Told {
    let look = match word {
        Word::Known(Command::Undo) => {
            "Look at the files; /undo again would take back one turn more if it did."
        }
        Word::Known(Command::Pair) => "/pair shows who still waits.",
        _ => "/status shows how things are.",
    };
    format!("{NOT_KNOWN} {look}").into()
}

fn usage(command: Command) -> String {
    command.entry().map_or_else(String::new, |entry| {
        format!(
            "Use it as `/{} {}`: {}.",
            entry.name, entry.usage, entry.description
        )
    })
}

fn unknown(word: &str) -> String {
    let meant = nearest(word).map_or_else(String::new, |name| format!(" Did you mean /{name}?"));
    format!(
        "There is no command `/{word}`.{meant} /help lists them all. If it was a message, put a word before the slash."
    )
}
