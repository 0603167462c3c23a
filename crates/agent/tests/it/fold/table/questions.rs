//! Questions: what holds a call, what its answers lead to, who can give one.
//! Invariant: each rule of DESIGN §4 about approvals and `ask_user` that the fold keeps has its check here.
//! It must not know how a question is shown.

use corvid_agent::fold::{Action, State};
use corvid_core::wire::{
    Answer, Effect, EventBody, InputId, JobId, Mode, QuestionId, Role, Scope, Subject,
};

use super::calls::FIRST;
use super::{ask, asking, check, fold, newest_message, start};
use crate::script::{
    START, admission, allow, allowed, approval, asked, claimed, id, inquires, inquiry, nobody,
    question, replies, steering, to_be_asked,
};

/// Turn 1 with one call that needs an approval.
fn held() -> Vec<EventBody> {
    let mut events = asking();
    events.push(asked(1, &[("system.run", "{}")]));
    events.push(to_be_asked(FIRST, Effect::Reconcilable));
    events
}

/// The same, and the question is open.
fn open(subject: Subject) -> Vec<EventBody> {
    let mut events = held();
    if let Subject::Inquiry(_) = subject {
        events.pop();
        events.push(inquires(FIRST));
    }
    events.push(question("q1", FIRST, subject));
    events
}

fn open_approval() -> Vec<EventBody> {
    open(approval("aa"))
}

fn to_ask(asked: u32) -> Action {
    Action::Ask { call: FIRST, asked }
}

fn awaited(name: &str) -> Action {
    Action::AwaitAnswer {
        question: QuestionId::new(name),
        until: START + 500,
    }
}

fn deny(reason: &str) -> Answer {
    let reason = reason.to_owned();
    Answer::Deny { reason }
}

fn text(text: &str) -> Answer {
    let text = text.to_owned();
    Answer::Text { text }
}

/// What somebody says while the question is open.
fn says(change: impl FnOnce(&mut corvid_core::wire::Admission)) -> EventBody {
    let mut admission = admission("i2", Mode::Queue);
    change(&mut admission);
    EventBody::InputAdmitted(admission)
}

#[track_caller]
fn check_told<const N: usize>(
    beginning: Vec<EventBody>,
    then: [EventBody; N],
    told: &str,
) -> State {
    let state = fold(beginning, then);
    assert_eq!(newest_message(&state), format!("tool: {told}"));
    state
}

#[test]
fn a_call_to_be_asked_about_is_asked_about_and_awaited() {
    check(held(), [], &[to_ask(0)]);
    check(open_approval(), [], &[awaited("q1")]);
}

#[test]
fn an_allowed_call_runs_and_a_denied_one_is_told() {
    let yes = replies("q1", allow(Scope::Once));
    check(open_approval(), [yes], &[start(FIRST, 1)]);
    let no = replies("q1", deny("not on Fridays"));
    check_told(
        open_approval(),
        [no],
        "the person denied this call: not on Fridays",
    );
}

#[test]
fn an_answer_counts_once_and_only_for_its_question() {
    let yes = || replies("q1", allow(Scope::Once));
    check(
        open_approval(),
        [replies("q0", allow(Scope::Once))],
        &[awaited("q1")],
    );
    check(open_approval(), [yes(), yes()], &[start(FIRST, 1)]);
    check(
        open_approval(),
        [yes(), replies("q1", deny(""))],
        &[start(FIRST, 1)],
    );
    check(
        open_approval(),
        [replies("q1", deny("")), yes()],
        &[ask(2, 1)],
    );
    check(
        open_approval(),
        [replies("q1", text("y"))],
        &[awaited("q1")],
    );
}

#[test]
fn what_would_run_otherwise_is_asked_about_again() {
    let yes = || replies("q1", allow(Scope::Once));
    let again = || question("q2", FIRST, approval("bb"));
    check(open_approval(), [yes(), again()], &[awaited("q2")]);
    check(open_approval(), [yes(), again(), yes()], &[awaited("q2")]);
    let allowed = replies("q2", allow(Scope::Once));
    check(
        open_approval(),
        [yes(), again(), allowed],
        &[start(FIRST, 1)],
    );
}

#[test]
fn a_crash_leaves_a_question_open() {
    check(held(), [claimed(2)], &[to_ask(0)]);
    check(
        open_approval(),
        [claimed(2), claimed(3), claimed(4), claimed(5)],
        &[awaited("q1")],
    );
}

#[test]
fn nobody_to_ask_denies_and_is_told_beside_the_reply() {
    let state = check_told(
        open_approval(),
        [nobody("q1")],
        "not run: rule `careful` says to ask a person (it changes things), and nobody could be asked",
    );
    let turn = state.turn.expect("the turn goes on");
    assert_eq!(
        turn.unapproved,
        ["system.run: run a command (make install)"]
    );
}

#[test]
fn time_denies() {
    let fired = |due_at| EventBody::TimerFired { due_at };
    check(open_approval(), [fired(START + 499)], &[awaited("q1")]);
    let denied = "denied: nobody answered in time";
    let state = check_told(open_approval(), [fired(START + 500)], denied);
    let unapproved = state.turn.map(|turn| turn.unapproved.len());
    assert_eq!(unapproved, Some(1), "the person hears of it");
    let late = [fired(START + 500), replies("q1", allow(Scope::Once))];
    check(open_approval(), late, &[ask(2, 1)]);
    check_told(
        open(inquiry()),
        [fired(START + 500)],
        "nobody answered in time",
    );
}

#[test]
fn what_an_approver_says_denies_with_that_reason_whatever_the_mode() {
    for mode in [Mode::Queue, Mode::Steer] {
        let said = says(|admission| admission.mode = mode);
        let state = fold(open_approval(), [said]);
        let turn = state.turn.as_ref().expect("the turn goes on");
        let told = turn.messages.last().map(|message| format!("{message:?}"));
        let told = told.unwrap_or_default();
        assert!(told.contains("denied this call: text of i2"), "{told}");
        assert_eq!(state.waiting.len(), 1, "the message itself still waits");
    }
}

#[test]
fn what_anybody_else_says_changes_nothing() {
    let member = says(|admission| {
        admission.requester.id = "2000".to_owned();
        admission.requester.role = Role::Member;
    });
    let elsewhere = says(|admission| {
        admission.origin.channel = "telegram".to_owned();
        admission.requester.role = Role::Member;
    });
    let job = says(|admission| admission.job = Some(JobId::new("j-1")));
    let nothing = says(|admission| admission.parts.clear());
    let correction = says(|admission| admission.replaces = Some(InputId::new("i1")));
    for said in [member, elsewhere, job, nothing, correction] {
        check(open_approval(), [said], &[awaited("q1")]);
    }
}

#[test]
fn another_owner_may_deny_by_what_they_say() {
    let said = says(|admission| admission.requester.id = "2000".to_owned());
    check_told(
        open_approval(),
        [said],
        "the person denied this call: text of i2",
    );
}

#[test]
fn what_is_said_answers_an_inquiry_and_is_answered_with_the_turn() {
    let state = check_told(open(inquiry()), [says(|_| {})], "text of i2");
    assert!(state.waiting.is_empty());
    let turn = state.turn.expect("the turn goes on");
    assert_eq!(turn.input_ids(), [InputId::new("i1"), InputId::new("i2")]);
    check_told(open(inquiry()), [replies("q1", text("blue"))], "blue");
    let none = "nobody can be asked here; decide yourself, or end with what you need to know";
    let state = check_told(open(inquiry()), [nobody("q1")], none);
    assert_eq!(state.turn.map(|turn| turn.unapproved), Some(Vec::new()));
    let too_long = EventBody::QuestionAnswered {
        question: QuestionId::new("q1"),
        answer: deny("it is too long"),
        by: None,
    };
    let told = "nobody can be asked here: it is too long; decide yourself, or end with what you need to know";
    check_told(open(inquiry()), [too_long], told);
}

#[test]
fn what_is_said_after_the_answer_is_a_message_like_any_other() {
    let yes = replies("q1", allow(Scope::Once));
    let state = fold(open_approval(), [yes, steering("i2")]);
    assert_eq!(state.waiting.len(), 1);
}

#[test]
fn only_what_is_allowed_for_the_session_is_kept() {
    let granted = |then: [EventBody; 1]| fold(open_approval(), then).grants.into_keys().next();
    assert_eq!(granted([replies("q1", allow(Scope::Once))]), None);
    assert_eq!(granted([replies("q1", allow(Scope::Earlier))]), None);
    let kept = granted([replies("q1", allow(Scope::Session))]);
    assert_eq!(kept.as_deref(), Some("aa"));
    let stale = [replies("q0", allow(Scope::Session))];
    assert_eq!(granted(stale), None);
}

#[test]
fn what_may_not_be_allowed_for_the_session_is_not() {
    let Subject::Approval(mut once) = approval("aa") else {
        unreachable!("an approval is one");
    };
    once.repeatable = false;
    let open = open(Subject::Approval(once));
    check(
        open,
        [replies("q1", allow(Scope::Session))],
        &[awaited("q1")],
    );
}

#[test]
fn a_held_call_is_a_barrier_for_what_follows_it_and_waits_for_what_comes_before() {
    let mut three = asking();
    let calls = [("a", "{\"n\":0}"), ("b", "{\"n\":1}"), ("c", "{\"n\":2}")];
    three.push(asked(1, &calls));
    let decisions = [
        allowed(id(1, 0), Effect::Pure),
        to_be_asked(id(1, 1), Effect::Pure),
        allowed(id(1, 2), Effect::Pure),
    ];
    check(three.clone(), decisions, &[start(id(1, 0), 1)]);
    let held_first = [
        to_be_asked(id(1, 0), Effect::Pure),
        to_be_asked(id(1, 1), Effect::Unsafe),
        allowed(id(1, 2), Effect::Pure),
    ];
    check(three, held_first, &[to_ask(0)]);
}
