//! A lane loads from a place of rest: enough context, at least one turn, and no more than it must.
//! Invariant: what is loaded is the journal's end, from right after a moment when no input was open.
//! It must not know how the place is found.

use corvid_core::Journal as _;
use corvid_core::wire::{Event, EventBody, InputId};
use proptest::prelude::*;

use crate::scene::{Lane, Scene};

/// Text of one event as the model sees it, in bytes; these tests have only messages.
fn bytes(event: &Event) -> u64 {
    let text = match &event.body {
        EventBody::InputAdmitted(admission) => admission.parts[0].own_words(),
        EventBody::ModelAnswered(answer) => &answer.text,
        _ => "",
    };
    text.len() as u64
}

/// The positions after which no input is open, by looking at every event.
fn places(events: &[Event]) -> Vec<usize> {
    let mut open: Vec<&InputId> = Vec::new();
    let mut places = vec![0];
    for (index, event) in events.iter().enumerate() {
        match &event.body {
            EventBody::InputAdmitted(admission) => open.push(&admission.input),
            EventBody::ReplyComposed(reply) => {
                open.retain(|input| !reply.inputs.contains(input));
                if open.is_empty() {
                    places.push(index + 1);
                }
            }
            _ => {}
        }
    }
    places
}

/// Where loading should begin: the newest place with enough text and a turn after it, else the very first.
fn expected_start(events: &[Event], context: u64) -> usize {
    let enough = |place: &&usize| {
        let rest = &events[**place..];
        let turns = rest
            .iter()
            .any(|event| matches!(event.body, EventBody::TurnStarted(_)));
        turns && rest.iter().map(bytes).sum::<u64>() >= context
    };
    let places = places(events);
    places.iter().rev().find(enough).copied().unwrap_or(0)
}

#[derive(Clone, Debug)]
enum Move {
    Admit(usize),
    AnswerOldest(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0_usize..400).prop_map(Move::Admit),
        (0_usize..400).prop_map(Move::AnswerOldest),
        (0_usize..400).prop_map(Move::AnswerOldest),
    ];
    prop::collection::vec(one, 1..30)
}

async fn check(moves: Vec<Move>, contexts: Vec<u64>) {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    let mut open = std::collections::VecDeque::new();
    for (index, step) in moves.into_iter().enumerate() {
        match step {
            Move::Admit(length) => {
                open.push_back(lane.admit(&format!("k{index}"), &"q".repeat(length)).await);
            }
            Move::AnswerOldest(length) => {
                if let Some(input) = open.pop_front() {
                    lane.answer(input, &"a".repeat(length)).await;
                }
            }
        }
    }
    let events = lane.events().await;
    for context in contexts {
        let loaded = lane.store.load(&lane.session, context).await;
        let loaded = loaded.unwrap_or_else(|error| panic!("loading failed: {error}"));
        let start = expected_start(&events, context);
        assert_eq!(loaded.events, events[start..], "{context} bytes of context");
        assert_eq!(loaded.head, events.len() as u64);
        assert_eq!(loaded.claim.map(|claim| claim.epoch), Some(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_lane_loads_from_the_newest_place_that_will_do(
        moves in moves(),
        contexts in prop::collection::vec(0_u64..6_000, 1..6),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(check(moves, contexts));
    }
}

#[tokio::test]
async fn an_idle_session_loads_its_last_turn_and_a_new_input_loads_it_too() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    for key in ["k1", "k2"] {
        let input = lane.admit(key, "question").await;
        lane.answer(input, "answer").await;
    }
    for extra in [0, 1] {
        let loaded = lane.store.load(&lane.session, 0).await;
        let firsts = loaded.map(|loaded| (loaded.events[0].seq, loaded.events.len()));
        assert_eq!(firsts.ok(), Some((8, 5 + extra)));
        lane.admit(&format!("more {extra}"), "question").await;
    }
}
