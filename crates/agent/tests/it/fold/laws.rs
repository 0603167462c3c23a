//! The laws of DESIGN §5, over generated journals.
//! Invariant: every law is checked after every event, not at the end alone.
//! It must not know how the fold keeps them.

use std::sync::Arc;

use corvid_agent::fold::{Action, State, apply, due};
use corvid_agent::{Settings, prompt};
use corvid_core::wire::{Event, EventBody, Patience};
use corvid_core::{Message, ModelRequest, Toolset};
use corvid_llm::Streaming;
use corvid_llm::openai::{Shown, encode};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::forward;
use super::random::{Dice, Move, Rules, many_dice, moves, rules};
use super::world::World;
use crate::script::{AMPLE, claimed, limits};
use crate::transcript::{complaint, request_complaint, results_and_calls};

/// More actions than any generated world needs to come to rest.
const TO_REST: usize = 3_000;

fn settings(context_tokens: u64) -> Settings {
    Settings {
        default_model: "test/scripted".to_owned(),
        limits: limits(),
        context_tokens,
    }
}

/// The request that the model gets now, if it is to be asked.
fn request(state: &State, context_tokens: u64) -> Option<ModelRequest> {
    let asks = |action: &Action| matches!(action, Action::CallModel { .. });
    let turn = state.turn.as_ref()?;
    due(state)
        .iter()
        .any(asks)
        .then(|| prompt::request(state, turn, &settings(context_tokens), &Toolset::default()))
}

/// Checks everything that must hold between two events.
fn check(world: &World, context_tokens: u64) -> Result<(), TestCaseError> {
    let open = due(&world.state);
    let complaint = forward::complaint(&world.state, &open);
    prop_assert_eq!(complaint, None, "due: {:?}", open);
    let again = world.ledger.done_before(&open);
    prop_assert!(again.is_empty(), "done and due again: {again:?}");
    let breaches = world.ledger.breaches();
    prop_assert!(breaches.is_empty(), "{breaches:?}");
    if let Some(request) = request(&world.state, context_tokens) {
        let complaint = request_complaint(&request.messages);
        prop_assert_eq!(complaint, None, "{:#?}", request.messages);
    }
    Ok(())
}

/// Plays the moves, then lets everything that is open come to its end.
fn play(rules: Rules, moves: &[Move], context_tokens: u64) -> Result<World, TestCaseError> {
    let mut world = World::new(rules);
    for next in moves {
        world.step(next);
        check(&world, context_tokens)?;
    }
    prop_assert!(
        world.come_to_rest(TO_REST),
        "never at rest: {:?}",
        due(&world.state)
    );
    check(&world, context_tokens)?;
    let unanswered = world.ledger.unanswered();
    prop_assert!(unanswered.is_empty(), "never answered: {unanswered:?}");
    Ok(world)
}

/// The journal as a later process reads it.
fn read_back(journal: &[Event]) -> Result<Vec<Event>, TestCaseError> {
    let read = |event: &Event| {
        let body = &event.body;
        let payload = body.payload()?;
        let body = EventBody::decode(body.kind(), body.version(), &payload)?;
        Ok(Event {
            body,
            ..event.clone()
        })
    };
    let events: Result<_, corvid_core::wire::DecodeError> = journal.iter().map(read).collect();
    events.map_err(|error| TestCaseError::fail(error.to_string()))
}

fn transcript(state: &State) -> Vec<Arc<Message>> {
    state.history.within(usize::MAX).cloned().collect()
}

proptest! {
    #[test]
    fn every_prefix_replays_to_what_was_due(rules in rules(Just(AMPLE)), moves in moves()) {
        let world = play(rules, &moves, 1 << 20)?;
        let journal = read_back(&world.journal)?;
        prop_assert_eq!(&journal, &world.journal);
        for end in 0..=journal.len() {
            let state = State::replay(AMPLE, &journal[..end]);
            let lived = end.checked_sub(1).map_or(&[][..], |last| &world.dues[last]);
            prop_assert_eq!(due(&state), lived, "after {} events", end);
        }
        prop_assert_eq!(State::replay(AMPLE, &journal), world.state);
    }

    #[test]
    fn each_call_has_one_result_when_its_turn_has_ended(rules in rules(Just(AMPLE)), moves in moves()) {
        let world = play(rules, &moves, 1 << 20)?;
        let messages = transcript(&world.state);
        prop_assert_eq!(complaint(&messages), None);
        let asked = world.journal.iter().map(|event| match &event.body {
            EventBody::ModelAnswered(answer) => answer.calls.len(),
            _ => 0,
        });
        let asked: usize = asked.sum();
        prop_assert_eq!(results_and_calls(&messages), (asked, asked));
    }

    #[test]
    fn replay_from_a_place_of_rest_is_as_good(rules in rules(Just(AMPLE)), moves in moves()) {
        let world = play(rules, &moves, 1 << 20)?;
        let mut state = State::new(AMPLE);
        let whole = transcript(&world.state);
        for (rest, event) in world.journal.iter().enumerate() {
            if state.at_rest() {
                let mut late = State::new(AMPLE);
                for (event, lived) in world.journal.iter().zip(&world.dues).skip(rest) {
                    apply(&mut late, event);
                    prop_assert_eq!(&due(&late), lived, "from {}", rest);
                }
                let messages = transcript(&late);
                prop_assert!(whole.ends_with(&messages), "from {}", rest);
            }
            apply(&mut state, event);
        }
    }

    #[test]
    fn a_short_context_keeps_requests_whole(
        rules in rules(0_usize..600),
        moves in moves(),
    ) {
        play(rules, &moves, 1)?;
    }

    #[test]
    fn the_encoder_has_nothing_to_repair(rules in rules(Just(AMPLE)), moves in moves()) {
        let mut world = World::new(rules);
        for next in &moves {
            world.step(next);
        }
        if let Some(request) = request(&world.state, 1 << 20) {
            let encoded = encode("scripted", &request, &Shown::default(), Streaming::WithUsage)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let body: serde_json::Value = serde_json::from_slice(&encoded.body)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let sent = body["messages"].as_array().map(Vec::len);
            prop_assert_eq!(sent, Some(request.messages.len() + 1), "{:#}", body["messages"]);
        }
    }

    #[test]
    fn whatever_happens_a_turn_comes_to_its_end(rules in rules(Just(AMPLE)), dice in many_dice()) {
        let mut rules = rules;
        rules.limits.patience = Patience::GiveUp;
        let mut world = World::new(rules);
        world.admit(Dice::default());
        // A call is decided, and run, found unknown and asked about at most three times; a step asks the
        // model as often as it may fail, and twice for a context that is too long.
        let a_step = 4 * 10 + 2 * (rules.limits.attempts + 2);
        let most = 3 + rules.limits.max_steps * a_step;
        let chance = dice.iter().copied().cycle();
        for dice in chance.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            if let Some(action) = due(&world.state).into_iter().next() {
                world.act(&action, dice);
                check(&world, 1 << 20)?;
            }
        }
        prop_assert!(world.state.at_rest(), "still due: {:?}", due(&world.state));
    }

    #[test]
    fn a_process_that_keeps_dying_comes_to_an_end(
        rules in rules(Just(AMPLE)),
        moves in moves(),
        first in 0_usize..4,
    ) {
        let mut world = World::new(rules);
        world.admit(Dice::default());
        for next in &moves {
            world.step(next);
        }
        let replies = |world: &World| {
            let is_reply = |event: &&Event| matches!(event.body, EventBody::ReplyComposed(_));
            world.journal.iter().filter(is_reply).count()
        };
        let before = replies(&world);
        let rests = world.state.at_rest();
        // Each life begins what it can and dies of it. A step takes no more lives than it has attempts, but
        // a call that cannot even be prepared ends its step, and finding out about one may take another.
        let mut epoch = world.state.epoch;
        for _ in 0..=(rules.limits.attempts + 1) * rules.limits.max_steps {
            epoch += 1;
            world.write(claimed(epoch));
            world.decide_all(first);
            check(&world, 1 << 20)?;
        }
        let open = due(&world.state);
        let asks = open.iter().any(|action| matches!(action, Action::AskOutcome { .. } | Action::AwaitAnswer { .. }));
        prop_assert!(rests || asks || replies(&world) > before, "still due: {:?}", open);
    }

    #[test]
    fn what_belongs_to_an_ended_turn_changes_nothing(rules in rules(Just(AMPLE)), moves in moves()) {
        let mut world = World::new(rules);
        for next in &moves {
            world.step(next);
        }
        let last = world.journal.iter().rposition(|event| matches!(event.body, EventBody::ReplyComposed(_)));
        for stale in &world.journal[..last.map_or(0, |last| last + 1)] {
            if let EventBody::InputAdmitted(_)
            | EventBody::LaneClaimed { .. }
            | EventBody::StopRequested { .. }
            | EventBody::TimerFired { .. } = stale.body
            {
                continue;
            }
            if let EventBody::TurnStarted(_) = stale.body && world.state.turn.is_none() {
                continue;
            }
            let mut state = world.state.clone();
            apply(&mut state, stale);
            state.head = world.state.head;
            prop_assert_eq!(&state, &world.state, "{:?}", stale);
        }
    }
}
