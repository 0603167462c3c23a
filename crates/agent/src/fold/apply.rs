//! Taking one event into the state.
//! Invariant: total. An event that fits nothing changes nothing but the head.
//! It must not decide what is due.

use corvid_core::wire::{
    Admission, CallOutcome, CallStatus, Ending, Event, EventBody, Fault, InputId, Millis, Patience,
    ReplyComposed, TurnStart,
};

use super::State;
use super::turn::Turn;

/// Takes one event into the state.
pub fn apply(state: &mut State, event: &Event) {
    state.head = event.seq;
    match &event.body {
        EventBody::SessionOpened { .. } | EventBody::DeliveryFailed { .. } => {}
        EventBody::InputAdmitted(admission) => state.waiting.push_back(admission.clone()),
        EventBody::LaneClaimed { epoch, .. } => {
            state.epoch = *epoch;
            if let Some(turn) = &mut state.turn {
                turn.interrupted();
            }
        }
        EventBody::TurnStarted(start) => begin(state, start, event.at),
        EventBody::TimerFired { due_at } => state.passed = state.passed.max(*due_at),
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
        | EventBody::CallDecided(_)
        | EventBody::ToolStarted { .. }
        | EventBody::ToolFinished { .. }
        | EventBody::OutcomeAnswered { .. }
        | EventBody::TurnParked { .. } => {
            if let Some(turn) = &mut state.turn {
                apply_to_turn(turn, &event.body);
            }
        }
    }
}

fn begin(state: &mut State, start: &TurnStart, at: Millis) {
    let inputs = take(state, &start.inputs);
    state.last_turn = start.turn;
    state.turn = Some(Turn::new(start, at, inputs));
}

fn end(state: &mut State, reply: &ReplyComposed) {
    if let Some(mut turn) = state.turn.take() {
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

fn apply_to_turn(turn: &mut Turn, body: &EventBody) {
    match body {
        EventBody::StopRequested { .. } => turn.stop(),
        EventBody::ModelRequested { step, attempt, .. } if *step == turn.step => {
            turn.request(*attempt);
        }
        EventBody::ModelAnswered(answer)
            if answer.step == turn.step && answer.attempt == turn.asking.attempt =>
        {
            turn.answered(answer);
        }
        EventBody::ModelFailed {
            step,
            attempt,
            fault,
            message,
            retry_at,
            ..
        } if *step == turn.step && *attempt == turn.asking.attempt => {
            failed(turn, *fault, message, *retry_at);
        }
        EventBody::CallDecided(decision) => {
            if let Some(call) = find(turn, decision.call) {
                call.decide(decision);
            }
            turn.decided(decision.call);
            turn.settle_step();
        }
        EventBody::ToolStarted {
            call,
            attempt,
            proof,
            ..
        } => {
            if let Some(call) = find(turn, *call) {
                call.start(*attempt, proof.as_ref());
            }
        }
        EventBody::ToolFinished { call, outcome } => finished(turn, *call, outcome),
        EventBody::OutcomeAnswered { call, answer, .. } => {
            if let Some(call) = find(turn, *call) {
                call.answer(*answer);
            }
            turn.settle_step();
        }
        EventBody::TurnParked { until, .. } => {
            turn.parked += 1;
            turn.asking.failures = 0;
            turn.asking.not_before = *until;
        }
        _ => {}
    }
}

fn find(turn: &mut Turn, id: corvid_core::wire::CallId) -> Option<&mut super::Call> {
    turn.calls.iter_mut().find(|call| call.asked.id == id)
}

fn finished(turn: &mut Turn, id: corvid_core::wire::CallId, outcome: &CallOutcome) {
    let Some(call) = find(turn, id) else { return };
    call.finish(outcome);
    if outcome.status == CallStatus::Unknown {
        let notice = format!(
            "it is not known whether `{} {}` happened: {}",
            call.asked.name, call.asked.arguments, outcome.text
        );
        turn.notices.push(notice);
    }
    turn.settle_step();
}

fn failed(turn: &mut Turn, fault: Fault, message: &str, retry_at: Millis) {
    let asking = &mut turn.asking;
    asking.requested = false;
    asking.attempt += 1;
    message.clone_into(&mut asking.failure);
    match fault {
        Fault::Transient => {
            asking.failures += 1;
            asking.not_before = retry_at;
            let spent = asking.failures >= turn.limits.attempts;
            if spent && turn.limits.patience == Patience::GiveUp {
                turn.close(Ending::Failed, message);
            }
        }
        Fault::ContextExceeded => {
            turn.context_cuts += 1;
            if turn.context_cuts > 1 {
                turn.close(Ending::Failed, message);
            }
        }
        Fault::Final => turn.close(Ending::Failed, message),
    }
}
