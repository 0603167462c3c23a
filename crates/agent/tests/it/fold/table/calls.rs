//! Calls: barriers and parallel pure calls, outcomes known and unknown, and how a closing turn ends them.
//! Invariant: each rule of DESIGN §4.5 that the fold keeps has its check here.
//! It must not know any tool.

use corvid_agent::fold::Action;
use corvid_core::Message;
use corvid_core::wire::{
    CallId, CallStatus, Effect, Ending, EventBody, Limits, OutcomeAnswer, Verdict,
};

use super::{COMPOSE, ask, asking, asking_under, check, check_reply, fold, run, start};
use crate::script::{
    allowed, asked, begun, claimed, decided, finished, id, limits, replied, settled_by, stopped,
};

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

fn calls(effects: &[Effect]) -> Vec<EventBody> {
    calls_under(limits(), effects)
}

/// One call of this effect that runs.
fn running(effect: Effect) -> Vec<EventBody> {
    let mut events = calls(&[effect]);
    events.push(begun(FIRST, 1));
    events
}

const FIRST: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

fn all_starts(indices: std::ops::Range<u32>) -> Vec<Action> {
    indices.map(|index| start(id(1, index), 1)).collect()
}

fn reconcile(attempt: u32) -> Action {
    Action::Reconcile {
        call: FIRST,
        attempt,
    }
}

fn ask_outcome(attempt: u32) -> Action {
    Action::AskOutcome {
        call: FIRST,
        attempt,
    }
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

#[test]
fn an_interrupted_call_runs_again_or_is_asked_after() {
    for effect in [Effect::Pure, Effect::Idempotent] {
        check(running(effect), [claimed(2)], &[start(FIRST, 2)]);
        check(
            running(effect),
            [claimed(2), begun(FIRST, 2)],
            &[run(FIRST, 2)],
        );
    }
    for effect in [Effect::Reconcilable, Effect::Unsafe] {
        check(running(effect), [claimed(2)], &[reconcile(1)]);
        // It turned out not to have happened, and was started once more.
        check(
            running(effect),
            [claimed(2), begun(FIRST, 2)],
            &[run(FIRST, 2)],
        );
        let again = [claimed(2), begun(FIRST, 2), claimed(3)];
        check(running(effect), again, &[reconcile(2)]);
    }
}

#[test]
fn an_unknown_outcome_asks_and_each_answer_leads_on() {
    let unknown = || finished(FIRST, CallStatus::Unknown);
    let notice = "it is not known whether `tool {\"n\":0}` happened: outcome of 1.1.0";
    let asking = |answer| [claimed(2), unknown(), settled_by(FIRST, answer)];
    let known = |answer| {
        let state = fold(running(Effect::Unsafe), asking(answer));
        state.turn.map(|turn| turn.notices())
    };
    check(
        running(Effect::Unsafe),
        [claimed(2), unknown()],
        &[ask_outcome(1)],
    );
    check(
        running(Effect::Unsafe),
        asking(OutcomeAnswer::Retry),
        &[start(FIRST, 2)],
    );
    check(
        running(Effect::Unsafe),
        asking(OutcomeAnswer::Worked),
        &[ask(2, 1)],
    );
    check(
        running(Effect::Unsafe),
        asking(OutcomeAnswer::Skip),
        &[ask(2, 1)],
    );
    assert_eq!(known(OutcomeAnswer::Retry), Some(Vec::new()));
    assert_eq!(known(OutcomeAnswer::Worked), Some(Vec::new()));
    assert_eq!(known(OutcomeAnswer::Skip), Some(vec![notice.to_owned()]));
    // The question survives the process that asked it.
    check(
        running(Effect::Unsafe),
        [claimed(2), unknown(), claimed(3)],
        &[ask_outcome(1)],
    );
    // A turn that is stopped meanwhile still tells.
    let stop = [claimed(2), unknown(), stopped()];
    check_reply(
        running(Effect::Unsafe),
        stop,
        Ending::Stopped,
        "Stopped.",
        &[notice],
    );
}

#[test]
fn a_closing_turn_ends_what_runs_and_finds_out_what_was_cut_off() {
    let end = |attempt| Action::EndTool {
        call: FIRST,
        attempt,
    };
    for effect in [
        Effect::Pure,
        Effect::Idempotent,
        Effect::Reconcilable,
        Effect::Unsafe,
    ] {
        check(calls(&[effect]), [stopped()], &[COMPOSE]);
        check(running(effect), [stopped()], &[end(1)]);
        let ended = [stopped(), finished(FIRST, CallStatus::Stopped)];
        check(running(effect), ended, &[COMPOSE]);
        let found_out = if effect == Effect::Pure {
            COMPOSE
        } else {
            reconcile(1)
        };
        check(
            running(effect),
            [stopped(), claimed(2)],
            std::slice::from_ref(&found_out),
        );
        check(running(effect), [claimed(2), stopped()], &[found_out]);
        let unknown = [claimed(2), stopped(), finished(FIRST, CallStatus::Unknown)];
        check(running(effect), unknown, &[COMPOSE]);
    }
}

#[test]
fn what_an_ended_turn_left_open_has_a_result_all_the_same() {
    let two = calls(&[Effect::Unsafe, Effect::Unsafe]);
    let left = [
        begun(FIRST, 1),
        claimed(2),
        finished(FIRST, CallStatus::Unknown),
        stopped(),
        replied(1, &["i1"], "Stopped.", Ending::Stopped),
    ];
    let state = fold(two, left);
    assert!(state.at_rest());
    let told: Vec<String> = state
        .history
        .within(usize::MAX)
        .filter_map(|message| match message.as_ref() {
            Message::Tool { text, .. } => Some(text.clone()),
            Message::Assistant { text, calls } if calls.is_empty() => Some(text.clone()),
            Message::User { .. } | Message::Assistant { .. } => None,
        })
        .collect();
    let expected = [
        "it is not known whether this happened (outcome of 1.1.0)",
        "not run: the turn ended before",
        "Stopped.",
    ];
    assert_eq!(told, expected);
}
