//! `agent run`: one message from the command line to its printed answer.
//! Invariant: the message is checked whole before anything of it is admitted.
//! It must not know how a turn runs.

mod message;
mod place;
mod signals;

use std::sync::Arc;

use anyhow::bail;
use corvid_channels::terminal::{self, Form, Person, Printed, Surface, Terminal};
use corvid_core::wire::{Address, Ending, Flags, Mode};
use corvid_core::{Clock, Models as _, Tasks, draw};
use corvid_gateway::{Inbound, Target};
use tokio::sync::mpsc;

use crate::args::Run;
use crate::config::{Composed, Environment, Home, check_model};
use crate::exit::Exit;
use crate::output::{out_look, progress_look, say};
use crate::wiring;

/// Live events that may wait to be shown; a commit waits for a listener that is further behind.
const LIVE_EVENTS: usize = 64;

/// The longest `--id`, in bytes.
const LONGEST_ID: usize = 200;

/// Asks once and prints the answer.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn run(
    arguments: Run,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let parts = match message::parts(&arguments)? {
        Ok(parts) => parts,
        Err(mistake) => {
            say(&format!("error: {mistake}"));
            return Ok(Exit::Usage);
        }
    };
    if let Some(mistake) = mistake(&arguments) {
        say(&format!("error: {mistake}"));
        return Ok(Exit::Usage);
    }
    let composed = Composed::load(home, environment)?;
    let working_dir = place::working_dir(arguments.cwd.as_deref(), &composed.private)?;
    let clock = wiring::clock(environment)?;
    let models = Arc::new(wiring::models(&composed, Arc::clone(&clock)));
    let model = arguments.model.as_deref().unwrap_or(&composed.model.name);
    if let Err(error) = models.open(model) {
        say(&format!("error: {error}"));
        return Ok(Exit::Declined);
    }
    let tasks = Tasks::default();
    let store = wiring::store(&composed, &tasks).await?;
    let user = rustix::process::getuid().as_raw();
    let target = place::target(&arguments, &store, user).await?;
    let terminal = Arc::new(surface(&arguments, environment, &target, user, &clock));
    let gateway = wiring::gateway(wiring::Ingredients {
        composed: &composed,
        environment,
        store,
        models,
        model,
        terminal: Arc::clone(&terminal),
        user,
        clock,
        tasks: tasks.clone(),
    })?;
    let external_id = arguments.id.unwrap_or_else(draw::external_id);
    let inbound = Inbound {
        target,
        origin: origin(user, &external_id),
        external_id,
        person: user.to_string(),
        parts,
        mode: Mode::Queue,
        working_dir,
        flags: Flags {
            yes: false,
            model: arguments.model,
            max_steps: arguments.max_steps,
        },
    };
    let exit = converse(&gateway, &inbound, &terminal).await;
    tasks.shutdown().await;
    exit
}

/// Runs the turn and shows it, until the reply is printed or a signal ends the wait.
async fn converse(
    gateway: &corvid_gateway::Gateway,
    inbound: &Inbound,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let interrupt = signals::Interrupt::default();
    let signals = signals::Signals::new()?;
    let (live, events) = mpsc::channel(LIVE_EVENTS);
    let answered = async {
        tokio::join!(
            gateway.run(inbound, live, interrupt.stop()),
            terminal.follow(events),
        )
        .0
    };
    let answered = tokio::select! {
        answered = answered => answered,
        never = signals.listen(&interrupt, terminal) => match never {},
    };
    let answered = match (answered, interrupt.signal()) {
        (Ok(answered), _) => answered,
        (Err(error), Some(signal)) => {
            say(&format!("error: {error}"));
            return Ok(Exit::Signal(signal));
        }
        (Err(error), None) => return Err(error.into()),
    };
    if answered.repeated {
        let printed = terminal.print_recorded(&answered.session, &answered.reply);
        if let Printed::Failed(reason) = printed.await {
            bail!("the reply is recorded but standard output did not take it: {reason}");
        }
    }
    if inbound.target == Target::New {
        terminal.hint(&format!(
            "session {}; `agent run -c -e …` goes on",
            answered.session
        ));
    }
    Ok(match (answered.reply.ending, interrupt.signal()) {
        (Ending::Stopped, Some(signal)) => Exit::Signal(signal),
        (ending, _) => Exit::from(ending),
    })
}

/// What is wrong with the options, beside what clap finds.
fn mistake(arguments: &Run) -> Option<String> {
    if let Some(id) = &arguments.id
        && (id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control))
    {
        return Some(format!(
            "`--id` must be 1 to {LONGEST_ID} bytes of text on one line"
        ));
    }
    if let Some(model) = &arguments.model {
        return check_model(model).err().map(|allowed| {
            format!(
                "`--model {model}` is no model; it must be {allowed}; `agent model list` shows them"
            )
        });
    }
    None
}

/// Each message is a conversation of its own: no other process prints its reply, but who asks again under the
/// same key takes up the delivery where a process that died left it.
fn origin(user: u32, external_id: &str) -> Address {
    Address {
        channel: terminal::NAME.to_owned(),
        account: user.to_string(),
        conversation: external_id.to_owned(),
    }
}

fn surface(
    arguments: &Run,
    environment: &Environment,
    target: &Target,
    user: u32,
    clock: &Arc<dyn Clock>,
) -> Terminal {
    let form = match target {
        Target::Session(session) | Target::Existing(session) if arguments.json => {
            Form::Json(session.clone())
        }
        _ => out_look(environment).map_or(Form::Plain, Form::Screen),
    };
    let progress = progress_look(environment);
    let asks = progress.is_some() && !arguments.json;
    let surface = Surface {
        out: Box::new(std::io::stdout()),
        form,
        err: Box::new(std::io::stderr()),
        progress,
        person: if asks { person(user) } else { None },
    };
    Terminal::new(surface, Arc::clone(clock))
}

/// The person at the keyboard, which standard input may not be.
fn person(user: u32) -> Option<Person> {
    let keyboard = std::fs::File::open("/dev/tty").ok()?;
    Some((
        user.to_string(),
        Box::new(std::io::BufReader::new(keyboard)),
    ))
}
