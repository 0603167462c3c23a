//! PROTOCOLS, "Model providers", row by row, and the limits of a turn.
//! Invariant: each row of the table has its check here.
//! It must not know how a transport tells its faults apart.

use corvid_agent::fold::Action;
use corvid_core::wire::{
    CallStatus, Effect, Ending, EventBody, Fault, Finish, Limits, ParkReason, Patience, Verdict,
};

use super::{ask, asked_already, asking, asking_under, check, check_reply, fold, newest_message};
use crate::script::{
    START, allowed, answer, asked, decided, failure, finished, id, limits, requested, said,
};

const LATER: i64 = START + 2_000;
const MUCH_LATER: i64 = START + 40_000;

fn parking() -> Limits {
    Limits {
        patience: Patience::Park,
        ..limits()
    }
}

fn steps(max_steps: u32) -> Limits {
    Limits {
        max_steps,
        ..limits()
    }
}

fn wait(time: i64) -> Action {
    Action::WaitUntil { turn: 1, time }
}

fn passed(due_at: i64) -> EventBody {
    EventBody::TimerFired { due_at }
}

fn parked(until: i64) -> EventBody {
    EventBody::TurnParked {
        turn: 1,
        until,
        reason: ParkReason::ModelUnreachable,
    }
}

/// A transient failure, the wait for the next attempt, and that attempt.
fn failed_once(attempt: u32) -> [EventBody; 3] {
    let at = LATER + i64::from(attempt);
    [
        failure(attempt, Fault::Transient, at),
        passed(at),
        requested(1, attempt + 1),
    ]
}

#[test]
fn a_transient_fault_is_tried_again_when_its_time_has_come() {
    let fault = || failure(1, Fault::Transient, LATER);
    check(asking(), [fault()], &[wait(LATER)]);
    check(asking(), [fault(), passed(LATER - 1)], &[wait(LATER)]);
    check(asking(), [fault(), passed(LATER)], &[ask(1, 2)]);
    let again = [fault(), passed(LATER), requested(1, 2)];
    check(asking(), again, &[asked_already(1, 2)]);
}

#[test]
fn spent_attempts_end_the_turn_where_nobody_waits() {
    let mut events = asking();
    events.extend(failed_once(1));
    events.extend(failed_once(2));
    let last = [failure(3, Fault::Transient, MUCH_LATER)];
    check_reply(events, last, Ending::Failed, "fault 3", &[]);
}

#[test]
fn spent_attempts_park_the_turn_where_somebody_can_wait() {
    let beginning = || {
        let mut events = asking_under(parking());
        events.extend(failed_once(1));
        events.extend(failed_once(2));
        events.push(failure(3, Fault::Transient, LATER));
        events
    };
    let park = |parked| Action::Park { turn: 1, parked };
    check(beginning(), [], &[park(0)]);
    let until = parked(MUCH_LATER);
    check(beginning(), [until.clone()], &[wait(MUCH_LATER)]);
    check(beginning(), [until, passed(MUCH_LATER)], &[ask(1, 4)]);
    let mut again = beginning();
    again.extend([parked(MUCH_LATER), passed(MUCH_LATER), requested(1, 4)]);
    for attempt in 4..6 {
        again.extend([
            failure(attempt, Fault::Transient, LATER),
            requested(1, attempt + 1),
        ]);
    }
    check(again, [failure(6, Fault::Transient, LATER)], &[park(1)]);
}

#[test]
fn an_outage_is_not_asked_about_again_before_it_is_parked() {
    let outage = || [failure(1, Fault::Outage, LATER)];
    check_reply(asking(), outage(), Ending::Failed, "fault 1", &[]);
    let park = Action::Park { turn: 1, parked: 0 };
    check(asking_under(parking()), outage(), &[park]);
    let [outage] = outage();
    let outlasted = [outage, parked(MUCH_LATER), passed(MUCH_LATER)];
    check(asking_under(parking()), outlasted, &[ask(1, 2)]);
}

#[test]
fn a_final_fault_is_told_at_once() {
    for limits in [limits(), parking()] {
        let fault = [failure(1, Fault::Final, LATER)];
        check_reply(asking_under(limits), fault, Ending::Failed, "fault 1", &[]);
    }
}

#[test]
fn an_answer_that_was_cut_in_the_middle_leaves_nothing() {
    let state = fold(asking(), [failure(1, Fault::Transient, LATER)]);
    assert_eq!(newest_message(&state), "user: text of i1");
    let late = [failure(1, Fault::Transient, LATER), said(1, "too late")];
    check(asking(), late, &[wait(LATER)]);
}

#[test]
fn a_context_too_long_is_cut_once_and_then_told() {
    let fault = |attempt| failure(attempt, Fault::ContextExceeded, LATER);
    check(asking(), [fault(1)], &[ask(1, 2)]);
    let state = fold(asking(), [fault(1)]);
    assert_eq!(state.turn.map(|turn| turn.context_cuts), Some(1));
    let twice = [fault(1), requested(1, 2), fault(2)];
    check_reply(asking(), twice, Ending::Failed, "fault 2", &[]);
}

#[test]
fn malformed_calls_get_three_error_results() {
    let malformed = |step| {
        let reason = "no tool `x`".to_owned();
        [
            asked(step, &[("x", "{}"), ("x", "{")]),
            decided(id(step, 0), Effect::Pure, Verdict::Invalid { reason }),
            decided(
                id(step, 1),
                Effect::Pure,
                Verdict::Invalid {
                    reason: "not JSON".to_owned(),
                },
            ),
        ]
    };
    let mut events = asking();
    for step in 1..=3 {
        events.extend(malformed(step));
        check(events.clone(), [], &[ask(step + 1, 1)]);
        let state = fold(events.clone(), []);
        assert_eq!(newest_message(&state), "tool: not JSON");
        events.push(requested(step + 1, 1));
    }
    // A sound step in between begins the count anew.
    let mut recovered = events.clone();
    recovered.extend([
        asked(4, &[("file.read", "{}")]),
        allowed(id(4, 0), Effect::Pure),
        finished(id(4, 0), CallStatus::Ok),
        requested(5, 1),
    ]);
    check(recovered, malformed(5), &[ask(6, 1)]);
    let text = "Stopped: the model wrote malformed tool calls in 4 steps in a row.";
    check_reply(events, malformed(4), Ending::Limited, text, &[]);
}

#[test]
fn an_answer_that_ran_into_a_limit_goes_on_once() {
    let why = "the answer ran into the model's output limit";
    let cut = |step, text| answer(step, text, Finish::Length, Vec::new());
    let state = fold(asking(), [cut(1, "one, ")]);
    let nudge = "user: Your answer was cut off. Go on exactly where it stopped.";
    assert_eq!(newest_message(&state), nudge);
    check(asking(), [cut(1, "one, ")], &[ask(2, 1)]);
    let whole = [cut(1, "one, "), requested(2, 1), said(2, "two")];
    check_reply(asking(), whole, Ending::Answered, "one, two", &[]);
    let twice = [cut(1, "one, "), requested(2, 1), cut(2, "two")];
    check_reply(asking(), twice, Ending::Answered, "one, two", &[why]);
    // Once it has turned to calls, what it began with stays an interim message.
    let reason = "no".to_owned();
    let turned = [
        cut(1, "one, "),
        requested(2, 1),
        asked(2, &[("x", "{}")]),
        decided(id(2, 0), Effect::Pure, Verdict::Invalid { reason }),
        requested(3, 1),
        said(3, "three"),
    ];
    check_reply(asking(), turned, Ending::Answered, "three", &[]);
    let nothing = [cut(1, ""), requested(2, 1), cut(2, " ")];
    let text = "There is no answer: the answer ran into the model's output limit.";
    check_reply(asking(), nothing, Ending::Limited, text, &[]);
    let at_the_limit = asking_under(steps(1));
    check_reply(
        at_the_limit,
        [cut(1, "one")],
        Ending::Answered,
        "one",
        &[why],
    );
}

#[test]
fn a_filtered_answer_goes_on_once() {
    let cut = |step, text| answer(step, text, Finish::ContentFilter, Vec::new());
    check(asking(), [cut(1, "one, ")], &[ask(2, 1)]);
    let twice = [cut(1, "one, "), requested(2, 1), cut(2, "two")];
    let why = "the provider's content filter cut the answer off";
    check_reply(asking(), twice, Ending::Answered, "one, two", &[why]);
}

#[test]
fn an_empty_answer_is_nudged_once_and_then_told() {
    let state = fold(asking(), [said(1, " \n")]);
    let nudge = "user: Your answer was empty. Answer the person, or say what stops you.";
    assert_eq!(newest_message(&state), nudge);
    check(asking(), [said(1, "")], &[ask(2, 1)]);
    let text = "The model gave no answer. Try again or choose another model.";
    let twice = [said(1, ""), requested(2, 1), said(2, "")];
    check_reply(asking(), twice, Ending::Limited, text, &[]);
    check_reply(
        asking_under(steps(1)),
        [said(1, "")],
        Ending::Limited,
        text,
        &[],
    );
    // Calls in between are a sign of life.
    let reason = "no".to_owned();
    let between = [
        said(1, ""),
        requested(2, 1),
        asked(2, &[("x", "{}")]),
        decided(id(2, 0), Effect::Pure, Verdict::Invalid { reason }),
        requested(3, 1),
        said(3, ""),
    ];
    check(asking(), between, &[ask(4, 1)]);
    let cut = answer(1, "half", Finish::Length, Vec::new());
    let went_quiet = [
        cut,
        requested(2, 1),
        said(2, ""),
        requested(3, 1),
        said(3, ""),
    ];
    let notice = "the answer was cut off, and the model did not go on";
    check_reply(asking(), went_quiet, Ending::Answered, "half", &[notice]);
}

#[test]
fn the_same_call_is_refused_the_third_time_and_ends_the_turn_the_fourth() {
    let same = [("file.read", "{}")];
    let deny = |step| {
        let (rule, reason) = ("rule".to_owned(), "no".to_owned());
        decided(id(step, 0), Effect::Pure, Verdict::Deny { rule, reason })
    };
    let repeated = |step| {
        let reason = "three times".to_owned();
        decided(id(step, 0), Effect::Pure, Verdict::Repeated { reason })
    };
    let mut events = asking();
    for step in 1..=2 {
        events.extend([asked(step, &same), deny(step), requested(step + 1, 1)]);
    }
    let turn = fold(events.clone(), []).turn.expect("it runs");
    assert!(turn.is_repeated("file.read", "{}"));
    assert!(!turn.is_repeated("file.read", r#"{"path":"x"}"#));
    events.extend([asked(3, &same), repeated(3)]);
    check(events.clone(), [], &[ask(4, 1)]);
    let again = [requested(4, 1), asked(4, &same), repeated(4)];
    let text = "Stopped: the model keeps asking for the same `file.read` call.";
    check_reply(events, again, Ending::Limited, text, &[]);
}

#[test]
fn the_step_limit_ends_the_turn() {
    let (rule, reason) = ("rule".to_owned(), "no".to_owned());
    let refused = decided(id(1, 0), Effect::Pure, Verdict::Deny { rule, reason });
    let call = asked(1, &[("file.read", "{}")]);
    let text = "Stopped after 1 steps without a final answer. Say \"go on\" to continue.";
    let only = asking_under(steps(1));
    check_reply(only, [call, refused], Ending::Limited, text, &[]);
}

#[test]
fn a_declined_request_is_told_as_it_came() {
    let declined = answer(1, "add a model", Finish::Declined, Vec::new());
    check_reply(asking(), [declined], Ending::Declined, "add a model", &[]);
}
