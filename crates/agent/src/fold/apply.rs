//! Taking one event into the state.
//! Invariant: total. An event that fits nothing changes nothing but the head.
//! It must not decide what is due.

use corvid_core::wire::{Admission, Event, EventBody, InputId, Millis, ReplyComposed, TurnStart};

use super::State;
use super::turn::Turn;

/// Takes one event into the state.
pub fn apply(state: &mut State, event: &Event) {
    state.head = event.seq;
    match &event.body {
        EventBody::SessionOpened { .. } | EventBody::DeliveryFailed { .. } => {}
        EventBody::InputAdmitted(admission) => admit(state, admission),
        EventBody::LaneClaimed { epoch, .. } => {
            state.epoch = *epoch;
            if let Some(turn) = &mut state.turn {
                turn.interrupted();
            }
        }
        EventBody::TurnStarted(start) => begin(state, start, event.at),
        EventBody::ReplyComposed(reply) => end(state, reply),
        EventBody::InputSteered { turn, inputs } => {
            if state.turn.as_ref().is_some_and(|open| open.number == *turn) {
                let taken = take(state, inputs);
                if let Some(open) = &mut state.turn {
                    open.steer(taken);
                }
            }
        }
        EventBody::StopRequested { .. }
        | EventBody::ModelRequested { .. }
        | EventBody::ModelAnswered(_)
        | EventBody::ModelFailed { .. }
        | EventBody::TurnParked { .. }
        | EventBody::TimerFired { .. } => {
            if let Some(turn) = &mut state.turn {
                apply_to_asking(turn, &event.body);
            }
        }
        EventBody::CallDecided(_)
        | EventBody::ToolStarted { .. }
        | EventBody::ToolFinished { .. }
        | EventBody::OutcomeAnswered { .. } => {
            if let Some(turn) = &mut state.turn {
                apply_to_calls(turn, &event.body);
            }
        }
    }
}

/// A steer that arrives while a person is asked what became of a call answers that: leave it, and go on
/// with what the steer says.
fn admit(state: &mut State, admission: &Admission) {
    state.waiting.push_back(admission.clone());
    if let Some(turn) = &mut state.turn
        && turn.closing.is_none()
        && turn.is_steered_by(admission)
    {
        turn.skip_unknown();
    }
}

fn begin(state: &mut State, start: &TurnStart, at: Millis) {
    if state.turn.is_some() {
        return;
    }
    let inputs = take(state, &start.inputs);
    state.last_turn = start.turn;
    state.turn = Some(Turn::new(start, at, inputs));
}

fn end(state: &mut State, reply: &ReplyComposed) {
    if let Some(mut turn) = state.turn.take_if(|turn| turn.number == reply.turn) {
        state.history.push(turn.end(&reply.text));
    }
}

fn take(state: &mut State, inputs: &[InputId]) -> Vec<Admission> {
    let (taken, left) = state
        .waiting
        .drain(..)
        .partition(|input| inputs.contains(&input.input));
    state.waiting = left;
    let taken: std::collections::VecDeque<Admission> = taken;
    taken.into()
}

fn apply_to_asking(turn: &mut Turn, body: &EventBody) {
    // What was asked for by another attempt than the one under way is nobody's answer any more.
    let is_asked = |number: u32, step: u32, attempt: u32| {
        turn.asking.requested
            && (number, step, attempt) == (turn.number, turn.step, turn.asking.attempt)
    };
    match body {
        EventBody::StopRequested { .. } => turn.stop(),
        EventBody::ModelRequested {
            turn: number,
            step,
            attempt,
            ..
        } if (*number, *step) == (turn.number, turn.step) => turn.request(*attempt),
        EventBody::ModelAnswered(answer) if is_asked(answer.turn, answer.step, answer.attempt) => {
            turn.answered(answer);
        }
        EventBody::ModelFailed {
            turn: number,
            step,
            attempt,
            fault,
            message,
            retry_at,
        } if is_asked(*number, *step, *attempt) => turn.failed(*fault, message, *retry_at),
        EventBody::TurnParked {
            turn: number,
            until,
            ..
        } if *number == turn.number => turn.park(*until),
        EventBody::TimerFired { due_at } => turn.passed = turn.passed.max(*due_at),
        _ => {}
    }
}

fn apply_to_calls(turn: &mut Turn, body: &EventBody) {
    match body {
        EventBody::CallDecided(decision) => turn.decided(decision),
        EventBody::ToolStarted {
            call,
            attempt,
            proof,
            ..
        } => {
            if let Some(call) = turn.call_mut(*call) {
                call.start(*attempt, proof.as_ref());
            }
        }
        EventBody::ToolFinished { call, outcome } => turn.finished(*call, outcome),
        EventBody::OutcomeAnswered { call, answer, .. } => turn.outcome_answered(*call, *answer),
        _ => {}
    }
}
