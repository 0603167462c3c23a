//! Taking one event into the state.
//! Invariant: total. An event that fits nothing changes nothing but the head.
//! It must not decide what is due.

use std::collections::VecDeque;
use std::sync::Arc;

use corvid_core::Message;
use corvid_core::wire::{
    Admission, Answer, Answerer, Event, EventBody, InputId, Millis, QuestionId, ReplyComposed,
    Requester, Scope, TurnStart,
};

use super::State;
use super::turn::Turn;

/// Takes one event into the state.
pub fn apply(state: &mut State, event: &Event) {
    state.head = event.seq;
    match &event.body {
        EventBody::SessionOpened { .. }
        | EventBody::DeliveryFailed { .. }
        | EventBody::JobStarted(_)
        | EventBody::JobFinished(_) => {}
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
        EventBody::StopRequested { by } => stop(state, by),
        EventBody::ModelRequested { .. }
        | EventBody::ModelAnswered(_)
        | EventBody::ModelFailed { .. }
        | EventBody::TurnParked { .. }
        | EventBody::TimerFired { .. } => {
            if let Some(turn) = &mut state.turn {
                apply_to_asking(turn, &event.body);
            }
        }
        EventBody::QuestionAnswered {
            question,
            answer,
            by,
        } => hear(state, question, answer, by.as_ref()),
        EventBody::TurnUndone { turn, restored, .. } => state.history.push(undone(*turn, restored)),
        EventBody::CallDecided(_)
        | EventBody::QuestionAsked(_)
        | EventBody::ToolStarted { .. }
        | EventBody::ToolFinished { .. }
        | EventBody::OutcomeAnswered { .. } => {
            if let Some(turn) = &mut state.turn {
                apply_to_calls(turn, &event.body);
            }
        }
    }
}

/// What is said while a question is open answers it: it is what the model wanted to know, or the reason why a
/// call is denied. A person's steer that arrives while somebody is asked what became of a call answers that: leave
/// it, and go on with what the steer says. What a job tells answers nothing.
fn admit(state: &mut State, admission: &Admission) {
    let Some(turn) = state.turn.as_mut().filter(|turn| turn.closing.is_none()) else {
        state.waiting.push_back(admission.clone());
        return;
    };
    let said = turn
        .question()
        .and_then(|question| Some((question.clone(), question.answered_by(admission)?)));
    if let Some((question, (answer, by))) = said {
        turn.hear(&question.question, &answer, Some(&by));
        if let Answer::Text { .. } = answer {
            // The call's result says it already.
            turn.inputs.push(admission.clone());
            return;
        }
    }
    if admission.job.is_none() && turn.is_steered_by(admission) {
        turn.skip_unknown();
    }
    state.waiting.push_back(admission.clone());
}

/// Takes an answer to the open question; what it allows for the session is kept.
fn hear(state: &mut State, id: &QuestionId, answer: &Answer, by: Option<&Answerer>) {
    let Some(turn) = state.turn.as_mut().filter(|turn| turn.closing.is_none()) else {
        return;
    };
    let binding = turn
        .question()
        .filter(|question| question.question == *id && question.takes(answer))
        .and_then(|question| Some(question.approval()?.binding.clone()));
    turn.hear(id, answer, by);
    if let (Some(binding), Some(by)) = (binding, by)
        && let Answer::Allow {
            scope: Scope::Session,
        } = answer
    {
        state.grants.insert(binding, by.clone());
    }
}

/// What the model is told of a turn whose changes were taken back.
fn undone(turn: u32, restored: &[String]) -> Vec<Arc<Message>> {
    let files = match restored {
        [] => "no file was changed by that".to_owned(),
        files => format!("these files are as before it again: {}", files.join(", ")),
    };
    vec![Arc::new(Message::User {
        text: format!("[The changes of turn {turn} were undone; {files}.]"),
        images: Vec::new(),
    })]
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

/// A stop ends the turn, and with it whatever the same person has said in its conversations and that still waits.
fn stop(state: &mut State, by: &Requester) {
    let Some(turn) = &mut state.turn else { return };
    turn.stop();
    let (stopped, left): (VecDeque<_>, VecDeque<_>) = state.waiting.drain(..).partition(|input| {
        input.job.is_none()
            && input.requester == *by
            && turn.inputs.iter().any(|own| own.origin == input.origin)
    });
    state.waiting = left;
    turn.inputs.extend(stopped);
}

fn take(state: &mut State, inputs: &[InputId]) -> Vec<Admission> {
    let (taken, left) = state
        .waiting
        .drain(..)
        .partition(|input| inputs.contains(&input.input));
    state.waiting = left;
    let taken: VecDeque<Admission> = taken;
    taken.into()
}

fn apply_to_asking(turn: &mut Turn, body: &EventBody) {
    // What was asked for by another attempt than the one under way is nobody's answer any more.
    let is_asked = |number: u32, step: u32, attempt: u32| {
        turn.asking.requested
            && (number, step, attempt) == (turn.number, turn.step, turn.asking.attempt)
    };
    match body {
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
        EventBody::TimerFired { due_at } => turn.pass(*due_at),
        _ => {}
    }
}

fn apply_to_calls(turn: &mut Turn, body: &EventBody) {
    match body {
        EventBody::CallDecided(decision) => turn.decided(decision),
        EventBody::QuestionAsked(question) => {
            if let Some(call) = turn.call_mut(question.call) {
                call.ask(question);
            }
        }
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
