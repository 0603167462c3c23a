//! What people see of a turn while it goes on.

mod shown;

use corvid_core::wire::{
    CallId, CallOutcome, CallStatus, Event, EventBody, Finish, LiveEvent, Millis, ModelAnswer,
    ReplyComposed, ToolCall, Usage,
};
use corvid_core::wire::{Ending, Fault as ModelFault};

use super::watch::Watch;
use crate::telegram::scene::START;

const CALL: CallId = CallId {
    turn: 3,
    step: 1,
    index: 0,
};

fn committed(body: EventBody) -> LiveEvent {
    LiveEvent::Committed {
        event: Box::new(Event {
            seq: 1,
            at: START,
            body,
        }),
    }
}

fn delta(step: u32, attempt: u32, offset: u64, text: &str) -> LiveEvent {
    LiveEvent::Delta {
        step,
        attempt,
        offset,
        text: text.to_owned(),
    }
}

fn asks(text: &str, command: &str) -> LiveEvent {
    committed(EventBody::ModelAnswered(ModelAnswer {
        turn: 3,
        step: 1,
        attempt: 1,
        text: text.to_owned(),
        calls: vec![ToolCall {
            id: CALL,
            provider_id: "c".to_owned(),
            name: "system.run".to_owned(),
            arguments: format!("{{\"command\":\"{command}\"}}"),
        }],
        finish: Finish::ToolCalls,
        usage: Usage::default(),
    }))
}

fn answers(text: &str) -> LiveEvent {
    committed(EventBody::ModelAnswered(ModelAnswer {
        turn: 3,
        step: 1,
        attempt: 1,
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
    }))
}

fn joined() -> LiveEvent {
    committed(EventBody::InputSteered {
        turn: 3,
        inputs: Vec::new(),
    })
}

fn starts() -> LiveEvent {
    committed(EventBody::ToolStarted {
        call: CALL,
        key: corvid_core::wire::CallKey::new("k"),
        attempt: 1,
        proof: None,
    })
}

fn ends(status: CallStatus) -> LiveEvent {
    committed(EventBody::ToolFinished {
        call: CALL,
        outcome: CallOutcome {
            status,
            text: String::new(),
            output: None,
            notice: None,
        },
    })
}

fn composed() -> LiveEvent {
    committed(EventBody::ReplyComposed(ReplyComposed {
        turn: 3,
        inputs: Vec::new(),
        text: "done".to_owned(),
        ending: Ending::Answered,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
        deliveries: Vec::new(),
    }))
}

#[test]
fn the_page_tells_what_the_turn_is_at() {
    let mut watch = Watch::default();
    let mut pages = Vec::new();
    let mut see = |what: &str, at: Millis, events: &[LiveEvent]| {
        for event in events {
            watch.apply(event, START);
        }
        let page = watch.seen().rich(START + at);
        pages.push(format!("--- {what}\n{}", page.text()));
    };
    see("at first", 0, &[]);
    see(
        "some text",
        0,
        &[delta(1, 1, 0, "Let **me"), delta(1, 1, 8, "** see")],
    );
    see(
        "the model must wait",
        0,
        &[LiveEvent::Waiting {
            for_ms: 5_000,
            reason: "it is overloaded".to_owned(),
        }],
    );
    let failed = committed(EventBody::ModelFailed {
        turn: 3,
        step: 1,
        attempt: 1,
        fault: ModelFault::Transient,
        message: "the stream was cut".to_owned(),
        retry_at: START,
    });
    see("a failure voids the text", 0, &[failed]);
    see(
        "a new attempt",
        0,
        &[delta(1, 2, 0, "Again"), delta(1, 1, 14, " late")],
    );
    see(
        "a command",
        12_400,
        &[asks("I look.", "cargo test @all"), starts()],
    );
    see("it ended", 0, &[ends(CallStatus::Ok)]);
    see("another failed", 0, &[starts(), ends(CallStatus::Failed)]);
    see(
        "the next step",
        0,
        &[delta(2, 1, 0, "So"), delta(2, 1, 9, "more")],
    );
    insta::assert_snapshot!(pages.join("\n").replace('\u{2060}', "(joiner)"));
}

#[test]
fn a_long_text_shows_its_end() {
    let mut watch = Watch::default();
    let long = "one two three four five six seven\n\n".repeat(1_000);
    watch.apply(&delta(1, 1, 0, &format!("{long}at last")), START);
    let page = watch.seen().rich(START);
    assert!(page.text().starts_with("…\n") && page.text().ends_with("at last"));
    assert!(page.text().encode_utf16().count() <= 4_096);
}
