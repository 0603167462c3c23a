//! The terminal that a run was started from, as the channel of its turn.
//! Invariant: a person is asked only where they can see the question, and never by a program that reads JSON.
//! It must not know what is asked.

use std::path::Path;
use std::sync::Arc;

use corvid_channels::terminal::{Form, Keyboard, Person, Surface, Terminal};
use corvid_core::{Clock, draw};
use corvid_gateway::Target;

use crate::args::Run;
use crate::config::Environment;
use crate::output::{is_shown, out_look, progress_look};

/// A terminal and who sits at it.
pub(super) struct Seat {
    /// The terminal of this process.
    pub(super) terminal: Arc<Terminal>,
    /// Where the message goes.
    pub(super) target: Target,
    /// Whether it begins a session whose name the person did not choose.
    pub(super) is_new: bool,
    /// Whether a person sits there.
    pub(super) is_watched: bool,
}

/// The terminal of this process, for a message to that target.
pub(super) fn seat(
    arguments: &Run,
    environment: &Environment,
    target: Target,
    user: u32,
    clock: &Arc<dyn Clock>,
) -> Seat {
    let person = person(arguments, user);
    let (is_new, is_watched) = (target == Target::New, person.is_some());
    // Whoever may send a call to the background by a key must be able to name the session meanwhile.
    let target = match target {
        Target::New if is_watched => Target::Session(draw::session_id()),
        target => target,
    };
    let form = match &target {
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
    Seat {
        terminal: Arc::new(Terminal::new(surface, Arc::clone(clock))),
        target,
        is_new,
        is_watched,
    }
}

/// The person at the keyboard, which standard input may not be; none if they could not see what they are asked.
fn person(arguments: &Run, user: u32) -> Option<Person> {
    if arguments.json || !is_shown() {
        return None;
    }
    Some(Person {
        id: user.to_string(),
        keyboard: Keyboard::open(Path::new("/dev/tty")).ok()?,
    })
}
