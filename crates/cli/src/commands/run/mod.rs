//! `agent run`: one message from the command line to its printed answer.
//! Invariant: the message is checked whole before anything of it is admitted.
//! It must not know how a turn runs.

mod meanwhile;
mod message;
mod place;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use corvid_channels::terminal::{self, Form, Person, Printed, Surface, Terminal};
use corvid_core::wire::{Address, Ending, Flags, Mode, Part};
use corvid_core::{Clock, Models as _, Tasks, draw};
use corvid_gateway::{Gateway, Inbound, Target};
use corvid_store::Store;
use tokio::sync::mpsc;

use self::signals::{Interrupt, Signals};
use crate::args::Run;
use crate::config::{Composed, Environment, Home, check_model};
use crate::exit::{Exit, Refused};
use crate::output::{out_look, progress_look};
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
    check(&arguments)?;
    let composed = Composed::load(home, environment)?;
    let working_dir = place::working_dir(arguments.cwd.as_deref(), &composed.private)?;
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
    let terminal = Arc::new(surface(&arguments, environment, &target, user, &clock));
    let gateway = wiring::gateway(wiring::Ingredients {
        composed: &composed,
        environment,
        store: store.clone(),
        models,
        model: &*model,
        terminal: Arc::clone(&terminal),
        user,
        clock,
        tasks: tasks.clone(),
    });
    let place = Place {
        target,
        working_dir,
        user,
    };
    let inbound = inbound(arguments, parts, place);
    let interrupt = Interrupt::default();
    let signals = Signals::new()?;
    let conversation = async {
        let exit = converse(&gateway, &store, &inbound, &terminal, &interrupt).await;
        tasks.shutdown().await;
        exit
    };
    // Whatever is waited for, a second signal ends it.
    tokio::select! {
        exit = conversation => exit,
        never = signals.listen(&interrupt, &terminal) => match never {},
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
        },
    }
}

/// Runs the turn and shows it, until the reply is printed.
async fn converse(
    gateway: &Gateway,
    store: &Store,
    inbound: &Inbound,
    terminal: &Terminal,
    interrupt: &Interrupt,
) -> anyhow::Result<Exit> {
    let (live, events) = mpsc::channel(LIVE_EVENTS);
    let (answered, ()) = tokio::join!(
        gateway.run(inbound, live, interrupt.stop()),
        terminal.follow(events),
    );
    let answered = match (answered, interrupt.signal()) {
        (Ok(answered), _) => answered,
        (Err(error), Some(signal)) => {
            return Err(Refused::new(Exit::Signal(signal), error.to_string()).into());
        }
        (Err(error), None) => return Err(error.into()),
    };
    if answered.repeated {
        let printed = terminal.print_recorded(&answered.session, &answered.reply);
        if let Printed::Failed(reason) = printed.await {
            bail!("the reply is recorded but standard output did not take it: {reason}");
        }
        terminal.hint("the recorded answer; no new turn was made");
    }
    let mut others = terminal.composed();
    others.retain(|reply| reply.turn != answered.reply.turn);
    // The answer stands, whatever becomes of these lines.
    let lines = meanwhile::lines(store, &answered.session, &others).await;
    for line in lines.unwrap_or_default() {
        terminal.notice(&line);
    }
    if inbound.target == Target::New {
        let session = &answered.session;
        terminal.hint(&format!("session {session}; `agent run -c -e …` goes on"));
    }
    Ok(match (answered.reply.ending, interrupt.signal()) {
        (Ending::Stopped, Some(signal)) => Exit::Signal(signal),
        (ending, _) => Exit::from(ending),
    })
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
    if let Some(model) = &arguments.model
        && let Err(allowed) = check_model(model)
    {
        return usage(format!(
            "`--model {model}` is no model; it must be {allowed}; `agent model list` shows them"
        ));
    }
    Ok(())
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
