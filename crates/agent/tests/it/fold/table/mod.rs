//! One check a rule: these events, then exactly this is due.
//! Invariant: a check folds a journal written by hand and compares whole values.
//! It must not know how the fold keeps its counters.

mod calls;
mod crashes;
mod faults;
mod outcomes;
mod questions;
mod steers;
mod together;

use corvid_agent::fold::{Action, State, due};
use corvid_core::Message;
use corvid_core::wire::{CallId, Ending, EventBody, InputId, Limits};

use crate::script::{AMPLE, admitted, claimed, journal, limits, opened, requested, started};

/// A session in which turn 1 has asked the model.
fn asking_under(limits: Limits) -> Vec<EventBody> {
    vec![
        opened(),
        admitted("i1"),
        claimed(1),
        started(1, "i1", limits),
        requested(1, 1),
    ]
}

/// The same under the limits of DESIGN §5.
fn asking() -> Vec<EventBody> {
    asking_under(limits())
}

fn fold<const N: usize>(beginning: Vec<EventBody>, then: [EventBody; N]) -> State {
    State::replay(AMPLE, &journal(beginning.into_iter().chain(then)))
}

/// After `beginning` and `then`, exactly `expected` is due.
#[track_caller]
fn check<const N: usize>(beginning: Vec<EventBody>, then: [EventBody; N], expected: &[Action]) {
    assert_eq!(due(&fold(beginning, then)), expected);
}

/// After `beginning` and `then`, the turn replies with exactly this text and these notices.
#[track_caller]
fn check_reply<const N: usize>(
    beginning: Vec<EventBody>,
    then: [EventBody; N],
    ending: Ending,
    text: &str,
    notices: &[&str],
) {
    let state = fold(beginning, then);
    assert_eq!(due(&state), [Action::Compose { turn: 1 }]);
    let turn = state.turn.expect("a turn that composes is there");
    let closing = turn.closing.as_ref().map(|c| (c.ending, c.text.as_str()));
    assert_eq!(closing, Some((ending, text)));
    assert_eq!(turn.notices(), notices);
}

/// The newest message of the running turn, as `role: text`.
fn newest_message(state: &State) -> String {
    let newest = state.turn.as_ref().and_then(|turn| turn.messages.last());
    match newest.map(AsRef::as_ref) {
        None => String::new(),
        Some(Message::User { text, .. }) => format!("user: {text}"),
        Some(Message::Assistant { text, .. }) => format!("assistant: {text}"),
        Some(Message::Tool { text, .. }) => format!("tool: {text}"),
    }
}

/// The model is to be asked.
fn ask(step: u32, attempt: u32) -> Action {
    Action::CallModel {
        turn: 1,
        step,
        attempt,
        requested: false,
    }
}

/// The model is being asked.
fn asked_already(step: u32, attempt: u32) -> Action {
    Action::CallModel {
        turn: 1,
        step,
        attempt,
        requested: true,
    }
}

/// A call is to be started.
fn start(call: CallId, attempt: u32) -> Action {
    Action::RunTool {
        call,
        attempt,
        started: false,
    }
}

/// A call runs.
fn run(call: CallId, attempt: u32) -> Action {
    Action::RunTool {
        call,
        attempt,
        started: true,
    }
}

/// These inputs are to be taken up.
fn promote(inputs: &[&str]) -> Action {
    Action::Promote {
        inputs: inputs.iter().copied().map(InputId::new).collect(),
    }
}

const COMPOSE: Action = Action::Compose { turn: 1 };
