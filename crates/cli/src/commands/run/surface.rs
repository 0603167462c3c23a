//! The terminal that a run was started from, as the channel of its turn.
//! Invariant: a person is asked only where they can see the question, and never by a program that reads JSON.
//! It must not know what is asked.

use std::path::Path;
use std::sync::Arc;

use corvid_channels::terminal::{Form, Keyboard, Person, Surface, Terminal};
use corvid_core::Clock;
use corvid_gateway::Target;

use crate::args::Run;
use crate::config::Environment;
use crate::output::{out_look, progress_look};

/// The terminal of this process.
pub(super) fn terminal(
    arguments: &Run,
    environment: &Environment,
    target: &Target,
    person: Option<Person>,
    clock: &Arc<dyn Clock>,
) -> Terminal {
    let form = match target {
        Target::Session(session) | Target::Existing(session) if arguments.json => {
            Form::Json(session.clone())
        }
        _ => out_look(environment).map_or(Form::Plain, Form::Screen),
    };
    let surface = Surface {
        out: Box::new(std::io::stdout()),
        form,
        err: Box::new(std::io::stderr()),
        progress: progress_look(environment),
        waits: arguments.wait,
        person,
    };
    Terminal::new(surface, Arc::clone(clock))
}

/// The person at the keyboard, which standard input may not be; none if they could not see what they are asked.
pub(super) fn person(arguments: &Run, environment: &Environment, user: u32) -> Option<Person> {
    if arguments.json || progress_look(environment).is_none() {
        return None;
    }
    Some(Person {
        id: user.to_string(),
        keyboard: Keyboard::open(Path::new("/dev/tty")).ok()?,
    })
}
