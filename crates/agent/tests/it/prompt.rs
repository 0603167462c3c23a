//! The request that a step makes: what of the past it holds, and how steady its beginning is.
//! Invariant: requests are built as the lane builds them, from a folded journal and the settings alone.
//! It must not know a provider's format.

use std::sync::Arc;

use corvid_agent::fold::{State, apply};
use corvid_agent::{Settings, prompt};
use corvid_core::wire::{Ending, Event, EventBody, Fault, Finish};
use corvid_core::{Message, Toolset};

use crate::script::{
    admitted, answer, failure, in_turn, journal, limits, opened, replied, requested, said, started,
};

/// Tokens of context; less than what is reserved, so that the transcript gets the 4,000 bytes that it has at
/// least.
const CONTEXT_TOKENS: u64 = 4_000;
const TRANSCRIPT_BYTES: usize = 4_000;

fn settings() -> Settings {
    Settings {
        default_model: "test/scripted".to_owned(),
        limits: limits(),
        context_tokens: CONTEXT_TOKENS,
    }
}

/// Turns of about 100 bytes, each answered in two steps.
fn session(turns: u32) -> Vec<Event> {
    let turn = |turn: u32| {
        let input = format!("i{turn}");
        let half = answer(1, &"half ".repeat(8), Finish::Length, Vec::new());
        [
            admitted(&input),
            started(turn, &input, limits()),
            in_turn(turn, requested(1, 1)),
            in_turn(turn, half),
            in_turn(turn, requested(2, 1)),
            in_turn(turn, said(2, "the other half")),
            replied(turn, &[&input], "", Ending::Answered),
        ]
    };
    journal(std::iter::once(opened()).chain((1..=turns).flat_map(turn)))
}

/// The transcript of the request that the running turn makes now.
fn messages(state: &State) -> Vec<Arc<Message>> {
    let turn = state.turn.as_ref().expect("a turn runs");
    prompt::request(state, turn, &settings(), &Toolset::default()).messages
}

#[test]
fn the_beginning_stays_the_same_for_many_turns() {
    let mut state = State::new(settings().transcript_bytes());
    let mut last: Vec<Arc<Message>> = Vec::new();
    let (mut requests, mut broken) = (0, 0);
    for event in session(400) {
        if let EventBody::ModelRequested { .. } = event.body {
            let next = messages(&state);
            requests += 1;
            broken += u32::from(!next.starts_with(&last));
            last = next;
        }
        apply(&mut state, &event);
    }
    // A quarter of 4,000 bytes is about eight such turns.
    assert_eq!(requests, 800);
    assert!(
        (10..=50).contains(&broken),
        "{broken} of {requests} requests begin anew"
    );
}

#[test]
fn a_request_keeps_to_its_budget() {
    let mut state = State::new(settings().transcript_bytes());
    for event in session(100) {
        if let EventBody::ModelRequested { .. } = event.body {
            let bytes: usize = messages(&state).iter().map(|message| message.bytes()).sum();
            assert!(bytes <= TRANSCRIPT_BYTES, "{bytes} bytes");
        }
        apply(&mut state, &event);
    }
    assert!(state.history.bytes() > TRANSCRIPT_BYTES / 3);
}

#[test]
fn ended_turns_leave_a_context_that_was_too_long() {
    let mut state = State::replay(settings().transcript_bytes(), &session(3));
    let beginning = [
        admitted("i4"),
        started(4, "i4", limits()),
        in_turn(4, requested(1, 1)),
    ];
    let seq = state.head + 1;
    for (seq, event) in (seq..).zip(journal(beginning)) {
        apply(&mut state, &Event { seq, ..event });
    }
    assert!(messages(&state).len() > 1);
    let body = in_turn(4, failure(1, Fault::ContextExceeded, 0));
    let seq = state.head + 1;
    apply(&mut state, &Event { seq, at: 0, body });
    let own = Message::User {
        text: "text of i4".to_owned(),
        images: Vec::new(),
    };
    assert_eq!(messages(&state), [Arc::new(own)]);
}

#[test]
fn the_system_prompt_says_where_and_when() {
    let mut state = State::new(settings().transcript_bytes());
    for event in session(1).iter().take(4) {
        apply(&mut state, event);
    }
    let turn = state.turn.as_ref().expect("a turn runs");
    let request = prompt::request(&state, turn, &settings(), &Toolset::default());
    insta::assert_snapshot!(request.system);
}
