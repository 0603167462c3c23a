//! Crashes: what a new owner does with what was in flight, and when a step is given up.
//! Invariant: each rule of DESIGN §4's "after a crash" that the fold keeps has its check here.
//! It must not know how a process dies.

use corvid_agent::fold::Action;
use corvid_core::wire::{
    CallId, CallStatus, Effect, Ending, EventBody, Fault, Limits, ParkReason, Patience,
};

use super::{COMPOSE, ask, asked_already, asking, asking_under, check, check_reply, fold, promote};
use crate::script::{
    START, admitted, allowed, asked, begun, claimed, failure, finished, limits, opened, requested,
    said, started,
};

const CALL: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

/// One unsafe call that runs.
fn running() -> Vec<EventBody> {
    let mut events = asking();
    events.extend([
        asked(1, &[("tool", "{}")]),
        allowed(CALL, Effect::Reconcilable),
        begun(CALL, 1),
    ]);
    events
}

const RECONCILE: Action = Action::Reconcile {
    call: CALL,
    attempt: 1,
};

#[test]
fn an_interrupted_model_call_is_tried_again_twice() {
    check(asking(), [claimed(2)], &[ask(1, 2)]);
    check(
        asking(),
        [claimed(2), requested(1, 2)],
        &[asked_already(1, 2)],
    );
    check(
        asking(),
        [claimed(2), requested(1, 2), claimed(3)],
        &[ask(1, 3)],
    );
    let thrice = [
        claimed(2),
        requested(1, 2),
        claimed(3),
        requested(1, 3),
        claimed(4),
    ];
    let text = "Stopped: step 1 took the process down 3 times.";
    check_reply(asking(), thrice, Ending::Crashed, text, &[]);
}

#[test]
fn a_crash_while_nothing_was_in_flight_counts_for_nothing() {
    let idle = vec![opened(), admitted("i1"), claimed(1), claimed(2), claimed(3)];
    check(idle, [claimed(4)], &[promote(&["i1"])]);
    let started = vec![opened(), admitted("i1"), started(1, "i1", limits())];
    check(started, [claimed(1), claimed(2), claimed(3)], &[ask(1, 1)]);
    let answered = [said(1, "done"), claimed(2), claimed(3), claimed(4)];
    check(asking(), answered, &[COMPOSE]);
}

#[test]
fn a_further_step_begins_with_all_its_attempts() {
    let mut events = running();
    events.extend([
        claimed(2),
        begun(CALL, 2),
        claimed(3),
        finished(CALL, CallStatus::Interrupted),
    ]);
    check(events, [requested(2, 1), claimed(4)], &[ask(2, 2)]);
}

#[test]
fn finding_out_that_takes_the_process_down_is_given_up_too() {
    check(running(), [claimed(2)], &[RECONCILE]);
    check(running(), [claimed(2), claimed(3)], &[RECONCILE]);
    // The third time the turn closes, and looks once more: the person should hear what happened.
    check(
        running(),
        [claimed(2), claimed(3), claimed(4)],
        &[RECONCILE],
    );
    let last = [claimed(2), claimed(3), claimed(4), claimed(5)];
    let text = "Stopped: step 1 took the process down 3 times.";
    let notice = "it is not known whether `tool {}` happened: finding out took the process down";
    check_reply(running(), last, Ending::Crashed, text, &[notice]);
}

#[test]
fn an_outage_outlasts_any_number_of_restarts() {
    let limits = Limits {
        patience: Patience::Park,
        attempts: 1,
        ..limits()
    };
    let parked = EventBody::TurnParked {
        turn: 1,
        until: START,
        reason: ParkReason::ModelUnreachable,
    };
    let mut events = asking_under(limits);
    events.extend([failure(1, Fault::Transient, START), parked, claimed(2)]);
    let wait = Action::WaitUntil {
        turn: 1,
        time: START,
    };
    check(events, [claimed(3), claimed(4)], &[wait]);
}

#[test]
fn an_answer_from_before_the_crash_is_nobodys() {
    check(asking(), [claimed(2), said(1, "too late")], &[ask(1, 2)]);
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let call = || asked(1, &[("tool", "{}")]);
    let once = fold(asking(), [call(), allowed(CALL, Effect::Unsafe)]);
    let twice = fold(asking(), [call(), allowed(CALL, Effect::Unsafe), call()]);
    assert_eq!(once.turn, twice.turn);
}
