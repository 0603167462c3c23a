//! The control socket: what a test tells the server to do, and asks of it, each a `POST /_control/<command>`.
//! Invariant: a command that cannot be obeyed is answered 400 with the reason, and changes nothing.
//! It must not know the Bot API.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Plan;
use super::people;
use super::say::{PressButton, Say};
use super::setup::{Group, Person};
use super::state::State;
use super::view::{SeenAnswer, SeenChat};
use super::world::World;

/// A command; its name is the last part of the path, its fields are the body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    /// How the server was set up.
    Setup {},
    /// Names a person.
    Person(Person),
    /// Makes a group, or changes one.
    Group(Group),
    /// A person writes; answers the message's id.
    Say(Box<Say>),
    /// Several people write at once, in this order; answers the messages' ids.
    SayAll { all: Vec<Say> },
    /// A person changes what they wrote.
    Edit {
        chat: i64,
        message: i32,
        text: String,
    },
    /// A person presses a button; answers the press's id.
    Press(PressButton),
    /// What a person was shown for a press; null while it is open.
    PressAnswer { press: String },
    /// A person blocks the bot, or a group throws it out.
    Block { chat: i64 },
    /// The bot may write again.
    Unblock { chat: i64 },
    /// A person deletes their account.
    Deactivate { person: i64 },
    /// A group becomes a supergroup.
    Migrate { chat: i64, to: i64 },
    /// A person deletes a message.
    Delete { chat: i64, message: i32 },
    /// The bot's token is revoked; a new one may take its place.
    Revoke { token: Option<String> },
    /// A webhook is set by somebody else.
    Webhook {},
    /// How updates come from now on.
    Updates(Mode),
    /// Ids of updates go on lower than before.
    RestartIds {},
    /// Whether calls that come too fast are refused.
    StrictPace { on: bool },
    /// Plans a fault.
    Fault(Plan),
    /// Lifts all planned faults.
    Lift {},
    /// All calls from this one on.
    Calls { from: usize },
    /// A chat as a person sees it.
    Chat { id: i64 },
    /// The commands that the bot has registered by default.
    Commands {},
    /// How many updates have not been confirmed.
    Pending {},
    /// Microseconds of real time since the server's start, as in the ledger.
    Uptime {},
    /// How often the world has changed, once it is more often than `seen`, or after `wait_ms` of real time.
    Changes { seen: u64, wait_ms: u64 },
}

/// How updates come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mode {
    /// Every update comes twice, the second time under an id of its own.
    pub twice: bool,
    /// New updates come in an order drawn from this seed.
    pub shuffle: Option<u64>,
    /// Nothing new comes until this is off again.
    pub held: bool,
}

/// Obeys the command of a path.
pub(super) async fn obey(state: &Arc<State>, name: &str, body: &[u8]) -> (StatusCode, Value) {
    let fields: Result<Value, _> = match body {
        [] => Ok(json!({})),
        body => serde_json::from_slice(body),
    };
    let command = fields.and_then(|fields| serde_json::from_value(json!({ name: fields })));
    let outcome = match command {
        Ok(Command::Changes { seen, wait_ms }) => {
            let mut changes = state.changes();
            let more = changes.wait_for(|count| *count > seen);
            // Whether it came or not: the count is told.
            let waited = tokio::time::timeout(Duration::from_millis(wait_ms), more).await;
            drop(waited);
            let count = *state.changes().borrow();
            Ok(json!(count))
        }
        Ok(command) => answer(state, command),
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Ok(answer) => (StatusCode::OK, answer),
        Err(reason) => (StatusCode::BAD_REQUEST, json!({ "error": reason })),
    }
}

/// Questions are answered without a change, so that who waits for one is not woken by who asks.
fn answer(state: &State, command: Command) -> Result<Value, String> {
    match command {
        Command::Setup {} => Ok(state.look(|world| json!(world.setup))),
        Command::PressAnswer { press } => state.look(|world| press_answer(world, &press)),
        Command::Calls { from } => {
            Ok(state.look(|world| json!(world.calls.get(from..).unwrap_or_default())))
        }
        Command::Chat { id } => state.look(|world| {
            let chat = world.chats.get(&id);
            Ok(json!(chat.map_or_else(
                || SeenChat {
                    id,
                    ..SeenChat::default()
                },
                |chat| SeenChat::of(world, chat)
            )))
        }),
        Command::Commands {} => Ok(state.look(|world| {
            let commands = world.commands.get(r#"{"type":"default"} "#);
            commands.cloned().unwrap_or_else(|| json!([]))
        })),
        Command::Pending {} => Ok(state.look(|world| json!(world.updates.pending()))),
        Command::Uptime {} => Ok(json!(state.uptime_us())),
        command => act(state, command),
    }
}

fn act(state: &State, command: Command) -> Result<Value, String> {
    state.change(|world, now| {
        match command {
            Command::Person(person) => drop(world.people.insert(person.id, person)),
            Command::Group(group) if group.id >= 0 => {
                return Err(format!("a group's id is below zero, not {}", group.id));
            }
            Command::Group(group) => world.make_group(&group),
            Command::Say(said) => return people::say(world, *said, now).map(|id| json!(id)),
            Command::SayAll { all } => {
                let ids = all.into_iter().map(|said| people::say(world, said, now));
                return ids.collect::<Result<Vec<_>, _>>().map(|ids| json!(ids));
            }
            Command::Edit {
                chat,
                message,
                text,
            } => people::edit(world, (chat, message), text, now)?,
            Command::Press(press) => return people::press(world, &press, now).map(|id| json!(id)),
            Command::Block { chat } => people::block(world, chat, now)?,
            Command::Unblock { chat } => people::unblock(world, chat, now)?,
            Command::Deactivate { person } => people::deactivate(world, person)?,
            Command::Migrate { chat, to } => people::migrate(world, chat, to, now)?,
            Command::Delete { chat, message } => people::delete(world, chat, message)?,
            Command::Revoke { token: Some(token) } => world.setup.token = token,
            Command::Revoke { token: None } => world.revoked = true,
            Command::Webhook {} => world.webhook = true,
            Command::Updates(mode) => {
                world.updates.twice = mode.twice;
                world.updates.shuffle = mode.shuffle;
                world.updates.held = mode.held;
            }
            Command::RestartIds {} => world.updates.restart_ids(),
            Command::StrictPace { on } => world.strict_pace = on,
            Command::Fault(plan) => world.plans.push(plan),
            Command::Lift {} => world.plans.clear(),
            Command::Setup {}
            | Command::PressAnswer { .. }
            | Command::Calls { .. }
            | Command::Chat { .. }
            | Command::Commands {}
            | Command::Pending {}
            | Command::Uptime {}
            | Command::Changes { .. } => {}
        }
        Ok(Value::Null)
    })
}

fn press_answer(world: &World, press: &str) -> Result<Value, String> {
    let pressed = world.presses.get(press);
    let pressed = pressed.ok_or_else(|| format!("there was no press `{press}`"))?;
    Ok(json!(pressed.answer.as_ref().map(|answer| SeenAnswer {
        text: answer.text.clone(),
        alert: answer.alert,
    })))
}
