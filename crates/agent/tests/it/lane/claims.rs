//! The lane among other processes: conflicts, a lost claim, an answer that somebody else gave.
//! Invariant: nothing that was known is lost, and nothing is written under another's epoch.
//! It must not know how a store keeps claims.

use std::sync::Arc;

use corvid_agent::LaneError;
use corvid_core::wire::{Effect, Ending, EventBody, InputId, ReplyComposed};

use super::model::{Gate, Line};
use super::scene::Scene;
use super::tools::{FakeTool, Run};
use crate::script::{
    admitted, claimed, limits, opened, replied, requested, said, started, steering, stopped,
};

/// A session whose last owner died after its first turn.
fn one_turn_ago() -> Vec<EventBody> {
    vec![
        opened(),
        admitted("i0"),
        claimed(1),
        started(1, "i0", limits()),
        requested(1, 1),
        said(1, "before"),
        replied(1, &["i0"], "before", Ending::Answered),
    ]
}

/// What a lane could not write comes back with the loss.
#[track_caller]
fn assert_lost(result: Result<ReplyComposed, LaneError>, kept: &[EventBody]) {
    match result {
        Err(LaneError::Lost { first }) => assert_eq!(first, kept),
        other => panic!("not lost: {other:?}"),
    }
}

#[tokio::test]
async fn a_conflict_with_the_first_append_is_folded_and_tried_again() {
    let scene = Scene::new([Line::Says("first"), Line::Says("second")]).after(one_turn_ago());
    scene.journal.intrude(1, [admitted("i1")]);
    let ended = scene.work("i2", vec![admitted("i2")]).await;
    assert_eq!(ended.text(), "second");
    assert_eq!(scene.count("reply.composed"), 3);
    assert_eq!(scene.count("lane.claimed"), 2);
}

#[tokio::test]
async fn a_new_session_that_somebody_else_opened_is_not_opened_twice() {
    let scene = Scene::new([Line::Says("first"), Line::Says("second")]);
    scene.journal.intrude(1, [opened(), admitted("i1")]);
    assert_eq!(scene.say("i2").await.text(), "second");
    assert_eq!(scene.count("session.opened"), 1);
}

#[tokio::test]
async fn a_conflict_keeps_the_answer_and_asks_again_what_is_due() {
    let scene = Scene::new([Line::Says("first"), Line::Says("second")]);
    scene.journal.intrude(2, [steering("i2")]);
    let ended = scene.say("i1").await;
    let inputs: Vec<&str> = ended.reply().inputs.iter().map(InputId::as_str).collect();
    assert_eq!((ended.text(), inputs), ("second", vec!["i1", "i2"]));
    assert_eq!(scene.model.requests().len(), 2);
    let expected = ["model.answered", "input.steered", "model.requested"];
    assert_eq!(scene.journal.commits()[1], expected);
}

#[tokio::test]
async fn a_claim_lost_before_the_first_append_gives_everything_back() {
    let scene = Scene::new([]).after(one_turn_ago());
    scene.journal.intrude(1, [claimed(2)]);
    let before = scene.journal.events().len() + 1;
    let ended = scene.work("i2", vec![admitted("i2")]).await;
    assert_lost(ended.result, &[admitted("i2")]);
    assert_eq!(scene.journal.events().len(), before);
}

#[tokio::test]
async fn a_claim_lost_on_the_way_ends_the_lane() {
    let scene = Scene::new([Line::Says("unheard")]);
    scene.journal.intrude(2, [claimed(2)]);
    assert_lost(scene.say("i1").await.result, &[]);
    assert_eq!(scene.journal.commits().len(), 1);
    assert_eq!(scene.count("model.answered"), 0);
}

#[tokio::test]
async fn a_lane_that_reads_of_its_successor_ends() {
    let gate = Arc::new(Gate::default());
    let scene = Scene::new([Line::Waits(Arc::clone(&gate))]);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        scene.journal.write([claimed(2)]);
        scene.wake.notify_one();
    });
    assert_lost(ended.result, &[]);
    assert_eq!(gate.left(), 1, "the model call was dropped");
    assert_eq!(scene.journal.commits().len(), 1);
}

#[tokio::test]
async fn a_lane_that_reads_of_its_successor_leaves_its_calls_to_it() {
    let gate = Arc::new(Gate::default());
    let asks = Line::Asks(vec![("a", "system.run", "{}")]);
    let runs = [Run::Passes(Arc::clone(&gate))];
    let scene = Scene::new([asks]).with(FakeTool::new("system.run", Effect::Reconcilable, runs));
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        scene.journal.write([claimed(2)]);
        scene.wake.notify_one();
        tokio::task::yield_now().await;
        gate.open();
    });
    assert_lost(ended.result, &[]);
    let expected = ["begin system.run 1.1.0", "end system.run 1.1.0"];
    assert_eq!(scene.ledger.lines(), expected);
}

#[tokio::test]
async fn a_lost_lane_awaits_the_tool_that_it_runs() {
    let (gate, last) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
    let calls = vec![("a", "file.read", "{}"), ("b", "file.read", r#"{"n":2}"#)];
    let runs = [
        Run::Passes(Arc::clone(&gate)),
        Run::UntilCancelled(Arc::clone(&last)),
    ];
    let scene =
        Scene::new([Line::Asks(calls)]).with(FakeTool::new("file.read", Effect::Pure, runs));
    scene.journal.intrude(3, [claimed(2)]);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        gate.open();
        last.reached().await;
        last.open();
    });
    assert_lost(ended.result, &[]);
    assert!(
        scene
            .ledger
            .lines()
            .contains(&"end file.read 1.1.1".to_owned())
    );
}

#[tokio::test]
async fn a_long_lived_lane_keeps_its_epoch_when_it_loads_afresh() {
    let gate = Arc::new(Gate::default());
    let lines = [
        Line::Says("first"),
        Line::Waits(Arc::clone(&gate)),
        Line::Says("second"),
        Line::Says("third"),
    ];
    let scene = Scene::new(lines).after([opened(), admitted("i1")]);
    // The place of rest from which the session is loaded after the conflict lies behind the claim.
    scene.journal.intrude(3, [admitted("i2")]);
    let (ended, ()) = tokio::join!(scene.work("i3", Vec::new()), async {
        scene.wake.notify_one();
        while scene.count("reply.composed") == 0 {
            tokio::task::yield_now().await;
        }
        scene.journal.write([admitted("i3")]);
        scene.wake.notify_one();
        gate.reached().await;
        scene.journal.write([steering("i4")]);
        gate.open();
    });
    assert_eq!(ended.text(), "third");
    assert_eq!(scene.count("lane.claimed"), 1);
}

#[tokio::test]
async fn an_answer_that_the_last_owner_left_is_taken_as_it_is() {
    let scene = Scene::new([]).after(one_turn_ago());
    let ended = scene.work("i0", Vec::new()).await;
    assert_eq!(ended.text(), "before");
    assert!(scene.journal.commits().is_empty());
    assert!(ended.live.is_empty());
}

#[tokio::test]
async fn an_answer_that_lands_while_the_lane_begins_is_found() {
    let mut events = one_turn_ago();
    let reply = events.split_off(6);
    let scene = Scene::new([]).after(events);
    scene.journal.intrude(1, reply);
    assert_eq!(scene.work("i0", Vec::new()).await.text(), "before");
    assert!(scene.model.requests().is_empty());
    assert!(
        scene.journal.commits().is_empty(),
        "nothing was left to claim"
    );
}

#[tokio::test]
async fn a_lane_that_has_its_reply_leaves_the_next_input() {
    let scene = Scene::new([Line::Says("first")]);
    scene
        .journal
        .intrude(1, [opened(), admitted("i1"), admitted("i2")]);
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.text(), "first");
    assert_eq!(scene.count("turn.started"), 1);
}

#[tokio::test]
async fn somebody_elses_stop_is_folded_before_the_next_decision() {
    let scene = Scene::new([Line::Says("unheard")]);
    scene.journal.intrude(2, [stopped()]);
    let ended = scene.say("i1").await;
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.count("model.answered"), 1, "a fact stays a fact");
}
