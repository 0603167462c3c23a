//! Transcripts through their own door: events in, lines out.

use corvid_core::wire::{Finish, ToolCall, Usage};

use super::*;

fn call(index: u32) -> CallId {
    CallId {
        turn: 1,
        step: 1,
        index,
    }
}

fn event(body: EventBody) -> Event {
    Event {
        seq: 1,
        at: 0,
        body,
    }
}

fn asked(calls: u32) -> Event {
    let calls = (0..calls).map(|index| ToolCall {
        id: call(index),
        provider_id: String::new(),
        name: format!("probe{index}"),
        arguments: "{}".to_owned(),
    });
    event(EventBody::ModelAnswered(ModelAnswer {
        turn: 1,
        step: 1,
        attempt: 1,
        text: String::new(),
        calls: calls.collect(),
        finish: Finish::ToolCalls,
        usage: Usage::default(),
    }))
}

fn finished(index: u32) -> Event {
    event(EventBody::ToolFinished {
        call: call(index),
        outcome: CallOutcome {
            status: CallStatus::Ok,
            text: String::new(),
            output: None,
            notice: None,
        },
    })
}

#[test]
fn calls_stand_in_the_models_order() {
    let mut transcript = Transcript::new(None);
    let events = [asked(3), finished(2), finished(0), finished(1)];
    let entries = events.map(|event| transcript.entry(&event));
    let expect = ["", "", "✓ probe0 {}\n", "✓ probe1 {}\n✓ probe2 {}\n"];
    assert_eq!(entries, expect);
}

#[test]
fn what_was_held_back_is_shown_when_the_step_is_over() {
    let mut transcript = Transcript::new(None);
    assert_eq!(transcript.entry(&asked(2)), "");
    assert_eq!(transcript.entry(&finished(1)), "");
    assert_eq!(transcript.entry(&asked(1)), "✓ probe1 {}\n");
}
