//! `agent run`: one message from the command line to its printed answer.
//! Invariant: the message is checked whole before anything of it is admitted.
//! It must not know how a turn runs.

mod converse;
mod meanwhile;
mod message;
mod pending;
mod place;
mod signals;
mod surface;

use std::path::PathBuf;
use std::sync::Arc;

use corvid_channels::terminal;
use corvid_core::wire::{Address, Flags, Mode, Part, Patience};
use corvid_core::{Channel, Clock, Models as _, Tasks, draw};
use corvid_gateway::{Inbound, Target};

pub(super) use self::place::working_dir;

use self::converse::Conversation;
use self::signals::{Interrupt, Signals};
use super::{compose, undo};
use crate::args::{Run, Undo};
use crate::config::{Composed, Environment, Home, check_model};
use crate::exit::{Exit, Refused};
use crate::output::say;
use crate::wiring;

/// The longest `--id`, in bytes.
const LONGEST_ID: usize = 200;

/// What the keys begin with under which the ends of jobs are told.
const OF_JOBS: &str = "job:";

/// Asks once and prints the answer.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn run(
    arguments: Run,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    check(&arguments)?;
    if message::is_undo(arguments.text.as_deref())? {
        return undo::undo(Undo::said(arguments), home, environment).await;
    }
    let composed = compose(home, environment)?;
    let working_dir = working_dir(arguments.cwd.as_deref(), &composed.private)?;
    let clock = wiring::clock(environment)?;
    let models = Arc::new(wiring::models(&composed, Arc::clone(&clock)));
    let name = arguments.model.as_deref();
    let model = models
        .open(name.unwrap_or(&composed.model.name))
        .map_err(|error| Refused::new(Exit::Declined, error.message))?;
    let parts = message::parts(arguments.text.as_deref())?;
    let tasks = Tasks::default();
    let store = wiring::store(&composed, &tasks).await?;
    let user = rustix::process::getuid().as_raw();
    let target = place::target(&arguments, &store, user).await?;
    for line in pending::lines(&arguments, &store, &target, user, clock.now()).await? {
        say(&line);
    }
    let seat = surface::seat(&arguments, environment, target, user, &clock);
    let gateway = wiring::gateway(wiring::Ingredients {
        composed: &composed,
        environment,
        store: store.clone(),
        models,
        model: model.id().to_owned(),
        context_tokens: model.context_tokens(),
        policy: Arc::new(wiring::policy(&composed)),
        patience: Patience::GiveUp,
        channels: vec![Arc::clone(&seat.terminal) as Arc<dyn Channel>],
        access: wiring::access(&composed, user),
        clock: Arc::clone(&clock),
        tasks: tasks.clone(),
    });
    let place = Place {
        target: seat.target,
        working_dir,
        user,
    };
    let conversation = Conversation {
        gateway: &gateway,
        store: &store,
        terminal: &seat.terminal,
        interrupt: &Interrupt::default(),
        is_new: seat.is_new,
        is_watched: seat.is_watched,
    };
    let inbound = inbound(arguments, parts, place);
    let exit = unless_ended(&conversation, &inbound, &tasks).await;
    prune(&composed, &clock);
    exit
}

/// Holds the conversation; whatever it waits for, a second signal ends it.
async fn unless_ended(
    conversation: &Conversation<'_>,
    inbound: &Inbound,
    tasks: &Tasks,
) -> anyhow::Result<Exit> {
    let signals = Signals::new()?;
    let held = async {
        let exit = conversation.hold(inbound).await;
        tasks.shutdown().await;
        exit
    };
    tokio::select! {
        exit = held => exit,
        never = signals.listen(conversation.interrupt, conversation.terminal) => match never {},
    }
}

/// Lets old checkpoints go. The answer stands, whatever comes of it.
fn prune(composed: &Composed, clock: &Arc<dyn Clock>) {
    if let Err(error) = wiring::checkpoints(composed).prune(clock.now()) {
        say(&format!("note: old checkpoints stay: {error}"));
    }
}

/// Where a message goes and who sends it.
struct Place {
    target: Target,
    working_dir: PathBuf,
    user: u32,
}

/// Each message is a conversation of its own: no other process prints its reply, but who asks again under the
/// same key takes up the delivery where a process that died left it.
fn inbound(arguments: Run, parts: Vec<Part>, place: Place) -> Inbound {
    let external_id = arguments.id.unwrap_or_else(draw::external_id);
    let user = place.user.to_string();
    Inbound {
        target: place.target,
        origin: Address {
            channel: terminal::NAME.to_owned(),
            account: user.clone(),
            conversation: external_id.clone(),
        },
        external_id,
        person: user,
        parts,
        mode: Mode::Queue,
        working_dir: place.working_dir,
        flags: Flags {
            model: arguments.model,
            max_steps: arguments.max_steps,
            yes: arguments.yes,
        },
    }
}

/// Checks the options, beyond what clap does.
fn check(arguments: &Run) -> Result<(), Refused> {
    let usage = |text: String| Err(Refused::new(Exit::Usage, text));
    if let Some(stray) = message::stray(arguments) {
        return usage(stray);
    }
    if let Some(id) = &arguments.id
        && (id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control))
    {
        return usage(format!(
            "`--id` must be 1 to {LONGEST_ID} bytes of text on one line"
        ));
    }
    if let Some(id) = &arguments.id
        && id.starts_with(OF_JOBS)
    {
        return usage(format!(
            "`--id` must not begin with `{OF_JOBS}`, as the keys of jobs do"
        ));
    }
    if let Some(model) = &arguments.model
        && let Err(allowed) = check_model(model)
    {
        return usage(format!(
            "`--model {model}` is no model; it must be {allowed}; `agent model list` shows them"
        ));
    }
    Ok(())
}
