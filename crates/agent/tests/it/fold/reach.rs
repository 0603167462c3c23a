//! The generator's own test: the worlds in which the laws are checked hold everything that laws are about.
//! Invariant: the same seed in every run, so that a missing kind is a fault of the generator.
//! It must not know the laws.

use std::collections::BTreeMap;

use corvid_agent::fold::{Action, CallState};
use corvid_core::wire::{Answer, Ending, EventBody, OutcomeAnswer};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::random::{moves, rules};
use super::world::World;
use crate::script::AMPLE;

/// Worlds that are generated, as many as a property sees.
const WORLDS: usize = 256;

/// What must come up, and how often at least.
const REACHED: &[(&str, usize)] = &[
    ("answered", 30),
    ("declined", 8),
    ("limited", 20),
    ("stopped", 20),
    ("failed", 40),
    ("crashed", 30),
    ("promote", 100),
    ("model", 100),
    ("decide", 100),
    ("tool", 100),
    ("end-tool", 10),
    ("reconcile", 20),
    ("outcome", 40),
    ("compose", 100),
    ("wait", 50),
    ("park", 15),
    ("ask", 30),
    ("await", 30),
    ("held", 40),
    ("allowed", 10),
    ("denied", 3),
    ("told", 3),
    ("nobody", 3),
    ("ready", 100),
    ("running", 100),
    ("interrupted", 40),
    ("unknown", 40),
    ("two at once", 30),
    ("steered", 25),
    ("second turn", 50),
    ("retry", 8),
    ("third attempt", 1),
];

#[test]
fn generated_worlds_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let worlds = (rules(Just(AMPLE)), moves());
    let mut reached = BTreeMap::new();
    for _ in 0..WORLDS {
        let tree = worlds.new_tree(&mut runner).expect("the strategy yields");
        let (rules, moves) = tree.current();
        let mut world = World::new(rules);
        for next in &moves {
            world.step(next);
            count_state(&world, &mut reached);
        }
        count_events(&world, &mut reached);
    }
    let missing: Vec<_> = REACHED
        .iter()
        .map(|(what, least)| (*what, *least, reached.get(what).copied().unwrap_or(0)))
        .filter(|(_, least, found)| found < least)
        .collect();
    assert!(missing.is_empty(), "too rare: {missing:?} of {reached:?}");
}

fn count_state(world: &World, reached: &mut BTreeMap<&'static str, usize>) {
    let mut count = |what| *reached.entry(what).or_insert(0) += 1;
    let open = world.dues.last().map_or(&[][..], Vec::as_slice);
    for action in open {
        count(match action {
            Action::Promote { .. } => "promote",
            Action::CallModel { .. } => "model",
            Action::DecideCall { .. } => "decide",
            Action::RunTool { .. } => "tool",
            Action::EndTool { .. } => "end-tool",
            Action::Reconcile { .. } => "reconcile",
            Action::AskOutcome { .. } => "outcome",
            Action::Ask { .. } => "ask",
            Action::AwaitAnswer { .. } => "await",
            Action::Compose { .. } => "compose",
            Action::WaitUntil { .. } => "wait",
            Action::Park { .. } => "park",
        });
    }
    let calls = world.state.turn.iter().flat_map(|turn| &turn.calls);
    let mut running = 0;
    for call in calls {
        count(match &call.state {
            CallState::Ready { .. } => "ready",
            CallState::Held { .. } => "held",
            CallState::Running { attempt, .. } => {
                running += 1;
                if *attempt >= 3 {
                    "third attempt"
                } else {
                    "running"
                }
            }
            CallState::Interrupted { .. } => "interrupted",
            CallState::Unknown { .. } => "unknown",
            CallState::Settled(_) => "settled",
        });
    }
    if running > 1 {
        count("two at once");
    }
}

fn count_events(world: &World, reached: &mut BTreeMap<&'static str, usize>) {
    let mut count = |what| *reached.entry(what).or_insert(0) += 1;
    for event in &world.journal {
        match &event.body {
            EventBody::ReplyComposed(reply) => count(match reply.ending {
                Ending::Answered => "answered",
                Ending::Declined => "declined",
                Ending::Limited => "limited",
                Ending::Stopped => "stopped",
                Ending::Failed => "failed",
                Ending::Crashed => "crashed",
            }),
            EventBody::QuestionAnswered { answer, by, .. } => count(match (answer, by) {
                (_, None) => "nobody",
                (Answer::Allow { .. }, _) => "allowed",
                (Answer::Deny { .. }, _) => "denied",
                (Answer::Text { .. }, _) => "told",
            }),
            EventBody::InputSteered { .. } => count("steered"),
            EventBody::TurnStarted(start) if start.turn > 1 => count("second turn"),
            EventBody::OutcomeAnswered {
                answer: OutcomeAnswer::Retry,
                ..
            } => count("retry"),
            _ => {}
        }
    }
}
