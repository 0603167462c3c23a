//! Calls: what is decided first, what runs beside what, and what a known outcome leads to.
//! Invariant: each rule of DESIGN §4.5 that the fold keeps has its check here.
//! It must not know any tool.

use corvid_agent::fold::Action;
use corvid_core::Message;
use corvid_core::wire::{CallId, CallStatus, Effect, Ending, EventBody, Limits, Verdict};

use super::outcomes::running;
use super::{ask, asking, asking_under, check, check_reply, fold, run, start};
use crate::script::{allowed, asked, begun, decided, finished, id, limits};

/// Turn 1 with calls of these effects, all allowed.
fn calls_under(limits: Limits, effects: &[Effect]) -> Vec<EventBody> {
    let written: Vec<String> = (0..effects.len())
        .map(|n| format!("{{\"n\":{n}}}"))
        .collect();
    let calls: Vec<(&str, &str)> = written.iter().map(|text| ("tool", text.as_str())).collect();
    let mut events = asking_under(limits);
    events.push(asked(1, &calls));
    events.extend(
        (0_u32..)
            .zip(effects)
            .map(|(n, effect)| allowed(id(1, n), *effect)),
    );
    events
}

pub(super) fn calls(effects: &[Effect]) -> Vec<EventBody> {
    calls_under(limits(), effects)
}

pub(super) const FIRST: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

fn all_starts(indices: std::ops::Range<u32>) -> Vec<Action> {
    indices.map(|index| start(id(1, index), 1)).collect()
}

#[test]
fn every_call_is_decided_before_any_runs() {
    let two = asked(1, &[("a", "{}"), ("b", "{}")]);
    let decide = |index| Action::DecideCall { call: id(1, index) };
    check(asking(), [two.clone()], &[decide(0), decide(1)]);
    check(
        asking(),
        [two.clone(), allowed(id(1, 0), Effect::Pure)],
        &[decide(1)],
    );
    let (rule, reason) = ("rule".to_owned(), "no".to_owned());
    let deny = decided(id(1, 0), Effect::Pure, Verdict::Deny { rule, reason });
    let rest = allowed(id(1, 1), Effect::Unsafe);
    check(asking(), [two, deny, rest], &[start(id(1, 1), 1)]);
}

#[test]
fn consecutive_pure_calls_run_together_and_others_alone() {
    use Effect::{Idempotent, Pure, Reconcilable, Unsafe};
    check(calls(&[Pure, Pure, Pure]), [], &all_starts(0..3));
    for barrier in [Idempotent, Reconcilable, Unsafe] {
        let mixed = || calls(&[Pure, Pure, barrier, Pure, Pure]);
        check(mixed(), [], &all_starts(0..2));
        let second = [begun(id(1, 1), 1), finished(id(1, 1), CallStatus::Ok)];
        check(mixed(), second, &all_starts(0..1));
        let both = [
            finished(id(1, 0), CallStatus::Ok),
            finished(id(1, 1), CallStatus::Failed),
        ];
        check(mixed(), both, &all_starts(2..3));
        let all = [
            finished(id(1, 0), CallStatus::Ok),
            finished(id(1, 1), CallStatus::Ok),
            finished(id(1, 2), CallStatus::Ok),
        ];
        check(mixed(), all, &all_starts(3..5));
    }
}

#[test]
fn eight_pure_calls_run_at_once_at_most() {
    let ten = || calls(&[Effect::Pure; 10]);
    check(ten(), [], &all_starts(0..8));
    let mut expected = vec![run(id(1, 0), 1)];
    expected.extend(all_starts(1..3));
    expected.extend(all_starts(4..9));
    let later = [begun(FIRST, 1), finished(id(1, 3), CallStatus::Ok)];
    check(ten(), later, &expected);
    let two = Limits {
        parallel_calls: 2,
        ..limits()
    };
    check(calls_under(two, &[Effect::Pure; 3]), [], &all_starts(0..2));
}

#[test]
fn results_stand_in_the_models_order_however_they_came() {
    let state = fold(
        calls(&[Effect::Pure, Effect::Pure]),
        [
            finished(id(1, 1), CallStatus::Ok),
            finished(id(1, 0), CallStatus::Ok),
        ],
    );
    let turn = state.turn.expect("it runs");
    let results: Vec<_> = turn
        .messages
        .iter()
        .filter_map(|message| match message.as_ref() {
            Message::Tool { text, .. } => Some(text.as_str()),
            Message::User { .. } | Message::Assistant { .. } => None,
        })
        .collect();
    assert_eq!(results, ["outcome of 1.1.0", "outcome of 1.1.1"]);
}

#[test]
fn a_call_has_one_outcome() {
    let beginning = || calls(&[Effect::Pure, Effect::Pure]);
    let first = finished(FIRST, CallStatus::Ok);
    let once = fold(beginning(), [first.clone()]);
    for later in [CallStatus::Failed, CallStatus::Unknown, CallStatus::Fatal] {
        let twice = fold(beginning(), [first.clone(), finished(FIRST, later)]);
        assert_eq!(twice.turn, once.turn);
    }
}

#[test]
fn every_known_outcome_leads_to_the_next_step() {
    for status in [CallStatus::Ok, CallStatus::Failed, CallStatus::Interrupted] {
        check(
            running(Effect::Unsafe),
            [finished(FIRST, status)],
            &[ask(2, 1)],
        );
    }
}

#[test]
fn a_fatal_outcome_ends_the_turn_before_anything_else_runs() {
    let two = || calls(&[Effect::Unsafe, Effect::Unsafe]);
    let fatal = [begun(FIRST, 1), finished(FIRST, CallStatus::Fatal)];
    let text = "`tool` failed: outcome of 1.1.0";
    check_reply(two(), fatal, Ending::Failed, text, &[]);
    let pure = || calls(&[Effect::Pure, Effect::Pure]);
    let beside = [
        begun(FIRST, 1),
        begun(id(1, 1), 1),
        finished(FIRST, CallStatus::Fatal),
    ];
    let end = Action::EndTool {
        call: id(1, 1),
        attempt: 1,
    };
    check(pure(), beside, &[end]);
}
