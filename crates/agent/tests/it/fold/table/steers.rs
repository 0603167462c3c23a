//! Inputs: what starts a turn, what joins one, what waits for its end, and what stops it.
//! Invariant: each rule of DESIGN §4.3 that the fold keeps has its check here.
//! It must not know a messenger.

use corvid_agent::fold::Action;
use corvid_core::wire::{
    Admission, CallStatus, Effect, Ending, EventBody, Fault, Finish, InputId, Limits, Mode, Role,
};

use super::{
    COMPOSE, ask, asked_already, asking, asking_under, check, fold, newest_message, promote, run,
};
use crate::script::{
    START, admission, admitted, allowed, answer, asked, begun, claimed, failure, finished, id,
    limits, opened, person, replied, said, started, steered, steering, stopped,
};

#[test]
fn an_idle_lane_takes_up_one_input_in_order_of_admission() {
    let idle = || vec![opened(), admitted("i1"), steering("i2"), claimed(1)];
    check(idle(), [], &[promote(&["i1"])]);
    check(idle(), [started(1, "i1", limits())], &[promote(&["i2"])]);
    check(vec![opened(), claimed(1)], [], &[]);
}

#[test]
fn a_steer_joins_at_the_next_step_and_a_queued_input_waits() {
    let both = || [steering("i2"), admitted("i3"), steering("i4")];
    let [two, three, four] = both();
    check(asking(), [two, three, four], &[asked_already(1, 1)]);
    let call = [asked(1, &[("a", "{}")]), allowed(id(1, 0), Effect::Unsafe)];
    let mut events = asking();
    events.extend(call);
    events.extend(both());
    check(events.clone(), [begun(id(1, 0), 1)], &[run(id(1, 0), 1)]);
    let done = finished(id(1, 0), CallStatus::Ok);
    check(events.clone(), [done.clone()], &[promote(&["i2", "i4"])]);
    let joined = [done, steered(&["i2", "i4"])];
    check(events.clone(), joined.clone(), &[ask(2, 1)]);
    let inputs = fold(events, joined).turn.map(|turn| turn.input_ids());
    let inputs: Vec<_> = inputs.iter().flatten().map(InputId::as_str).collect();
    assert_eq!(inputs, ["i1", "i2", "i4"]);
}

#[test]
fn only_the_same_requester_steers() {
    let other = |change: fn(&mut Admission)| {
        let mut admission = admission("i2", Mode::Steer);
        change(&mut admission);
        [said(1, "done"), EventBody::InputAdmitted(admission)]
    };
    let same = other(|input| input.origin.conversation = "another".to_owned());
    check(asking(), same, &[promote(&["i2"])]);
    let strangers: [fn(&mut Admission); 3] = [
        |input| input.requester = person("2000"),
        |input| input.requester.role = Role::Member,
        |input| input.origin.channel = "telegram".to_owned(),
    ];
    for stranger in strangers {
        check(asking(), other(stranger), &[COMPOSE]);
    }
}

#[test]
fn a_steer_before_the_reply_adds_a_step() {
    let steer = [said(1, "first"), steering("i2")];
    check(asking(), steer.clone(), &[promote(&["i2"])]);
    let [a, b] = steer.clone();
    check(asking(), [a, b, steered(&["i2"])], &[ask(2, 1)]);
    let last = Limits {
        max_steps: 1,
        ..limits()
    };
    check(asking_under(last), steer, &[COMPOSE]);
}

#[test]
fn a_steer_after_any_other_ending_waits_for_the_next_turn() {
    let endings = [
        answer(1, "no", Finish::Declined, Vec::new()),
        failure(1, Fault::Final, START),
        stopped(),
    ];
    for ending in endings {
        check(asking(), [ending, steering("i2")], &[COMPOSE]);
    }
}

#[test]
fn the_reply_leaves_the_rest_of_the_queue() {
    let reply = replied(1, &["i1"], "done", Ending::Answered);
    let next = [said(1, "done"), admitted("i2"), admitted("i3"), reply];
    check(asking(), next, &[promote(&["i2"])]);
}

#[test]
fn a_steer_reaches_a_turn_that_waits() {
    let waiting = || [failure(1, Fault::Transient, START + 5), steering("i2")];
    check(asking(), waiting(), &[promote(&["i2"])]);
    let [a, b] = waiting();
    let wait = Action::WaitUntil {
        turn: 1,
        time: START + 5,
    };
    check(asking(), [a, b, steered(&["i2"])], &[wait]);
}

#[test]
fn a_stop_ends_whatever_the_turn_is_at() {
    check(asking(), [stopped()], &[COMPOSE]);
    check(
        asking(),
        [failure(1, Fault::Transient, START + 5), stopped()],
        &[COMPOSE],
    );
    check(asking(), [stopped(), said(1, "too late")], &[COMPOSE]);
    let state = fold(asking(), [said(1, "done"), stopped()]);
    let ending = state.turn.and_then(|turn| turn.closing).map(|c| c.ending);
    assert_eq!(ending, Some(Ending::Stopped));
    // What the model said meanwhile is kept, and leads nowhere.
    let half = answer(1, "half", Finish::Length, Vec::new());
    let state = fold(asking(), [stopped(), half]);
    assert_eq!(newest_message(&state), "assistant: half");
    // Without a turn there is nothing to stop; what is said later starts one.
    check(
        vec![opened(), claimed(1), stopped()],
        [admitted("i1")],
        &[promote(&["i1"])],
    );
}
