//! "Everything open has exactly one way forward", spelled out.
//! Invariant: reads the state's public fields and the actions, and says what does not fit.
//! It must not decide what is due; it only judges.

use std::collections::BTreeSet;

use corvid_agent::fold::{Action, Call, CallState, State, Turn};
use corvid_core::wire::{CallId, Effect};

/// What is wrong with these actions in this state, or nothing.
///
/// - At rest nothing is due; otherwise something is. No key comes twice.
/// - Without a turn, the first waiting input is taken up, and nothing else.
/// - A turn that asks the model has one action: take up steers, ask, wait, or park.
/// - A turn that works on calls has actions on calls alone. Each open call either has exactly one, which fits
///   how far it has come, or a reason to wait for one that has.
/// - A turn that closes ends what runs and finds out what was cut off, then replies (or takes up steers).
pub(super) fn complaint(state: &State, due: &[Action]) -> Option<String> {
    let keys: BTreeSet<String> = due.iter().map(Action::key).collect();
    if keys.len() != due.len() {
        return Some("a key comes twice".to_owned());
    }
    if state.at_rest() != due.is_empty() {
        return Some(format!("at rest: {}", state.at_rest()));
    }
    let Some(turn) = &state.turn else {
        return idle(state, due);
    };
    let numbers = due.iter().filter_map(turn_of);
    if let Some(number) = numbers.into_iter().find(|number| *number != turn.number) {
        return Some(format!("an action of turn {number}"));
    }
    match (&turn.closing, turn.calls.is_empty()) {
        (Some(_), _) => closing(turn, due),
        (None, true) => asking(due),
        (None, false) => turn.calls.iter().find_map(|call| working(turn, call, due)),
    }
}

fn idle(state: &State, due: &[Action]) -> Option<String> {
    let front = state.waiting.front().map(|input| &input.input);
    match due {
        [] if front.is_none() => None,
        [Action::Promote { inputs }] if inputs.first() == front && inputs.len() == 1 => None,
        _ => Some("an idle lane takes up its first input".to_owned()),
    }
}

fn asking(due: &[Action]) -> Option<String> {
    match due {
        [
            Action::Promote { .. }
            | Action::CallModel { .. }
            | Action::Park { .. }
            | Action::WaitUntil { .. },
        ] => None,
        _ => Some("asking the model is one action".to_owned()),
    }
}

fn working(turn: &Turn, call: &Call, due: &[Action]) -> Option<String> {
    let id = call.asked.id;
    let own: Vec<&Action> = due.iter().filter(|action| is_about(action, call)).collect();
    match own.as_slice() {
        [] if call.settled() => None,
        [] => (!may_wait(turn, call, due)).then(|| format!("call {id} is stuck")),
        [action] => {
            (!leads_on(call, action)).then(|| format!("call {id} does not need {action:?}"))
        }
        _ => Some(format!("call {id} has several ways forward")),
    }
}

/// Whether the action is the one that fits how far the call has come.
fn leads_on(call: &Call, action: &Action) -> bool {
    let harmless = matches!(call.effect(), Effect::Pure | Effect::Idempotent);
    match (&call.state, action) {
        (CallState::Ready { .. }, Action::DecideCall { .. }) => call.decision.is_none(),
        (
            CallState::Ready { attempt: next },
            Action::RunTool {
                attempt, started, ..
            },
        ) => call.decision.is_some() && !started && attempt == next,
        (
            CallState::Running { attempt: now, .. },
            Action::RunTool {
                attempt, started, ..
            },
        ) => *started && attempt == now,
        (
            CallState::Interrupted { attempt: last, .. },
            Action::RunTool {
                attempt, started, ..
            },
        ) => harmless && !started && *attempt == last + 1,
        (CallState::Interrupted { attempt: last, .. }, Action::Reconcile { attempt, .. }) => {
            !harmless && attempt == last
        }
        (CallState::Held { question: None, .. }, Action::Ask { asked, .. }) => {
            *asked == call.asked_about
        }
        (
            CallState::Held {
                question: Some(open),
                ..
            },
            Action::AwaitAnswer { question, until },
        ) => (question, *until) == (&open.question, open.expires_at),
        (CallState::Unknown { attempt: last, .. }, Action::AskOutcome { attempt, .. }) => {
            attempt == last
        }
        _ => false,
    }
}

/// Whether an open call without an action waits for one that has: a sibling that is not decided, a barrier, or
/// a free place among the pure calls.
fn may_wait(turn: &Turn, call: &Call, due: &[Action]) -> bool {
    let id = call.asked.id;
    let deciding = due
        .iter()
        .any(|action| matches!(action, Action::DecideCall { .. }));
    if deciding {
        return call.decision.is_some();
    }
    let is_pure = |call: &Call| {
        call.effect() == Effect::Pure && !matches!(call.state, CallState::Held { .. })
    };
    let earlier = turn.calls.iter().take_while(|other| other.asked.id != id);
    let ahead: Vec<&Call> = earlier.filter(|other| !other.settled()).collect();
    let leads = |other: &&Call| due.iter().any(|action| is_about(action, other));
    let full = usize::try_from(turn.limits.parallel_calls).is_ok_and(|most| due.len() == most);
    let barrier = !is_pure(call) || ahead.iter().any(|other| !is_pure(other));
    ahead.iter().any(leads) && (barrier || full)
}

fn closing(turn: &Turn, due: &[Action]) -> Option<String> {
    if let [Action::Compose { .. } | Action::Promote { .. }] = due {
        let left = turn.calls.iter().find(|call| {
            let cut_off = matches!(call.state, CallState::Interrupted { .. });
            matches!(call.state, CallState::Running { .. })
                || (cut_off && call.effect() != Effect::Pure)
        });
        return left.map(|call| format!("call {} was left behind", call.asked.id));
    }
    due.iter().find_map(|action| {
        let call = call_of(action).and_then(|id| turn.call(id));
        let fits = match (call.map(|call| &call.state), action) {
            (Some(CallState::Running { attempt: now, .. }), Action::EndTool { attempt, .. })
            | (
                Some(CallState::Interrupted { attempt: now, .. }),
                Action::Reconcile { attempt, .. },
            ) => now == attempt,
            _ => false,
        };
        (!fits).then(|| format!("a closing turn does not need {action:?}"))
    })
}

fn is_about(action: &Action, call: &Call) -> bool {
    match action {
        Action::AwaitAnswer { question, .. } => {
            let open = call.question();
            open.is_some_and(|open| open.question == *question)
        }
        action => call_of(action) == Some(call.asked.id),
    }
}

fn call_of(action: &Action) -> Option<CallId> {
    match action {
        Action::DecideCall { call }
        | Action::Ask { call, .. }
        | Action::RunTool { call, .. }
        | Action::EndTool { call, .. }
        | Action::Reconcile { call, .. }
        | Action::AskOutcome { call, .. } => Some(*call),
        Action::Promote { .. }
        | Action::CallModel { .. }
        | Action::AwaitAnswer { .. }
        | Action::Compose { .. }
        | Action::WaitUntil { .. }
        | Action::Park { .. } => None,
    }
}

fn turn_of(action: &Action) -> Option<u32> {
    match action {
        Action::CallModel { turn, .. }
        | Action::Compose { turn }
        | Action::WaitUntil { turn, .. }
        | Action::Park { turn, .. } => Some(*turn),
        Action::Promote { .. }
        | Action::DecideCall { .. }
        | Action::Ask { .. }
        | Action::AwaitAnswer { .. }
        | Action::RunTool { .. }
        | Action::EndTool { .. }
        | Action::Reconcile { .. }
        | Action::AskOutcome { .. } => call_of(action).map(|call| call.turn),
    }
}
