//! What is open in a state, whoever may already be at work on it.
//! Invariant: everything open has exactly one action that leads on, and at rest there is none. Never
//! compares with now: a deadline becomes `WaitUntil`.
//! It must not change anything.

use corvid_core::faults::defect;
use corvid_core::wire::{Admission, Effect, InputId};

use super::call::{Call, CallState};
use super::turn::Turn;
use super::{Action, State};

/// Everything that is open.
pub fn due(state: &State) -> Vec<Action> {
    let Some(turn) = &state.turn else {
        let inputs = next(state);
        return match inputs.as_slice() {
            [] => Vec::new(),
            _ => vec![Action::Promote { inputs }],
        };
    };
    if turn.closing.is_some() {
        return close(state, turn);
    }
    if turn.calls.is_empty() {
        return vec![ask(state, turn)];
    }
    work(turn)
}

/// The input that comes next, with those that belong to it: the rest of an album or of a long paste, and what
/// corrects any of them.
fn next(state: &State) -> Vec<InputId> {
    let Some(first) = state.waiting.front() else {
        return Vec::new();
    };
    let mut inputs = vec![first.input.clone()];
    for input in state.waiting.iter().skip(1) {
        let together = first.together.is_some()
            && (&input.together, &input.requester, &input.origin)
                == (&first.together, &first.requester, &first.origin);
        let corrects = input
            .replaces
            .as_ref()
            .is_some_and(|replaced| inputs.contains(replaced));
        if together || corrects {
            inputs.push(input.input.clone());
        }
    }
    inputs
}

fn ask(state: &State, turn: &Turn) -> Action {
    let asking = &turn.asking;
    if let Some(steers) = steers(state, turn) {
        return steers;
    }
    if !asking.requested {
        if asking.failures >= turn.limits.attempts {
            return Action::Park {
                turn: turn.number,
                parked: turn.parked,
            };
        }
        if asking.not_before > turn.passed {
            return Action::WaitUntil {
                turn: turn.number,
                time: asking.not_before,
            };
        }
    }
    Action::CallModel {
        turn: turn.number,
        step: turn.step,
        attempt: asking.attempt,
        requested: asking.requested,
    }
}

/// The inputs that join at this step boundary.
fn steers(state: &State, turn: &Turn) -> Option<Action> {
    if !turn.takes_steers() {
        return None;
    }
    let inputs: Vec<_> = state
        .waiting
        .iter()
        .filter(|input| turn.is_steered_by(input) && !corrects_queued(state, turn, input))
        .map(|input| input.input.clone())
        .collect();
    (!inputs.is_empty()).then_some(Action::Promote { inputs })
}

/// Whether it corrects what waits for the end of this turn, and so waits with that.
fn corrects_queued(state: &State, turn: &Turn, input: &Admission) -> bool {
    let Some(corrected) = &input.replaces else {
        return false;
    };
    let mut waiting = state.waiting.iter();
    waiting.any(|other| other.input == *corrected && !turn.is_steered_by(other))
}

/// Consecutive pure calls are open together; any other call is a barrier, in the model's order.
fn work(turn: &Turn) -> Vec<Action> {
    let undecided: Vec<_> = turn
        .calls
        .iter()
        .filter(|call| call.decision.is_none() && !call.settled())
        .map(|call| Action::DecideCall {
            call: call.asked.id,
        })
        .collect();
    if !undecided.is_empty() {
        return undecided;
    }
    let parallel = usize::try_from(turn.limits.parallel_calls.max(1)).unwrap_or(usize::MAX);
    let mut actions = Vec::new();
    for call in turn.calls.iter().filter(|call| !call.settled()) {
        // What waits for a person is a barrier too: one question at a time.
        let beside = call.effect() == Effect::Pure && !matches!(call.state, CallState::Held { .. });
        if beside || actions.is_empty() {
            actions.extend(lead_on(call));
        }
        if !beside || actions.len() >= parallel {
            break;
        }
    }
    actions
}

fn lead_on(call: &Call) -> Option<Action> {
    let id = call.asked.id;
    Some(match &call.state {
        CallState::Settled(_) => return None,
        CallState::Held { question: None, .. } => Action::Ask {
            call: id,
            asked: call.asked_about,
        },
        CallState::Held {
            question: Some(question),
            ..
        } => Action::AwaitAnswer {
            question: question.question.clone(),
            until: question.expires_at,
        },
        CallState::Ready { attempt } => Action::RunTool {
            call: id,
            attempt: *attempt,
            started: false,
        },
        CallState::Running { attempt, .. } => Action::RunTool {
            call: id,
            attempt: *attempt,
            started: true,
        },
        CallState::Interrupted { attempt, .. } => match call.effect() {
            Effect::Pure | Effect::Idempotent => Action::RunTool {
                call: id,
                attempt: attempt + 1,
                started: false,
            },
            Effect::Unsafe if defect("rerun-unsafe-call") => Action::RunTool {
                call: id,
                attempt: attempt + 1,
                started: false,
            },
            Effect::Reconcilable | Effect::Unsafe => Action::Reconcile {
                call: id,
                attempt: *attempt,
            },
        },
        CallState::Unknown { attempt, .. } => Action::AskOutcome {
            call: id,
            attempt: *attempt,
        },
    })
}

/// A closing turn waits for what runs, finds out what was cut off, and then replies.
fn close(state: &State, turn: &Turn) -> Vec<Action> {
    let open: Vec<_> = turn
        .calls
        .iter()
        .filter_map(|call| match &call.state {
            CallState::Running { attempt, .. } => Some(Action::EndTool {
                call: call.asked.id,
                attempt: *attempt,
            }),
            CallState::Interrupted { attempt, .. } if call.effect() != Effect::Pure => {
                Some(Action::Reconcile {
                    call: call.asked.id,
                    attempt: *attempt,
                })
            }
            _ => None,
        })
        .collect();
    if !open.is_empty() {
        return open;
    }
    let compose = Action::Compose { turn: turn.number };
    vec![steers(state, turn).unwrap_or(compose)]
}
