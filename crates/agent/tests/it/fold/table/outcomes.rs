//! Calls that were cut off, outcomes that nobody knows, and how a closing turn ends what is open.
//! Invariant: each rule of DESIGN §4's "after a crash" for tools that the fold keeps has its check here.
//! It must not know any tool.

use corvid_agent::fold::Action;
use corvid_core::Message;
use corvid_core::wire::{
    CallStatus, Effect, Ending, EventBody, InputId, JobId, Mode, OutcomeAnswer,
};

use super::calls::{FIRST, calls};
use super::{COMPOSE, ask, check, check_reply, fold, run, start};
use crate::script::{
    admission, admitted, begun, claimed, finished, replied, settled_by, steering, stopped,
};

/// One call of this effect that runs.
pub(super) fn running(effect: Effect) -> Vec<EventBody> {
    let mut events = calls(&[effect]);
    events.push(begun(FIRST, 1));
    events
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
fn a_steer_while_an_outcome_is_asked_after_leaves_it_and_joins() {
    let unknown = || finished(FIRST, CallStatus::Unknown);
    let steer = Action::Promote {
        inputs: vec![InputId::new("steer")],
    };
    check(
        running(Effect::Unsafe),
        [unknown(), steering("steer")],
        &[steer],
    );
    let queued = [unknown(), admitted("queued")];
    check(running(Effect::Unsafe), queued, &[ask_outcome(1)]);
    let mut told = admission("job", Mode::Steer);
    told.job = Some(JobId::new("j-1"));
    let by_a_job = [unknown(), EventBody::InputAdmitted(told)];
    check(running(Effect::Unsafe), by_a_job, &[ask_outcome(1)]);
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
