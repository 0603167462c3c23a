//! A stop, and the limits of what runs: a model call ends at once, a tool is cancelled and awaited.
//! Invariant: an effect that was begun has its end in the ledger before the lane has its reply.
//! It must not know how a tool ends what it began.

use std::sync::Arc;

use corvid_core::wire::{CallStatus, Effect, Ending, EventBody, Fault, Mode};

use super::model::{Gate, Line};
use super::scene::Scene;
use super::tools::{FakeTool, Run, TIMEOUT_MS};
use crate::script::{START, admission, admitted, claimed, id, opened};

fn gate() -> Arc<Gate> {
    Arc::new(Gate::default())
}

/// One call that runs until it is cancelled and then waits at the gate.
fn running(gate: &Arc<Gate>) -> Scene {
    let asks = Line::Asks(vec![("a", "system.run", "{}")]);
    let runs = [Run::UntilCancelled(Arc::clone(gate))];
    Scene::new([asks, Line::Says("went on")]).with(FakeTool::new(
        "system.run",
        Effect::Unsafe,
        runs,
    ))
}

#[tokio::test]
async fn a_stop_ends_a_model_call_at_once() {
    let gate = gate();
    let scene = Scene::new([Line::Waits(Arc::clone(&gate))]);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        scene.stop.cancel();
    });
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(gate.left(), 1, "the call was dropped");
    let expected = ["stop.requested", "reply.composed"];
    assert_eq!(scene.journal.commits()[1], expected);
}

#[tokio::test]
async fn a_stop_cancels_a_tool_and_awaits_it() {
    let gate = gate();
    let scene = running(&gate);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        while scene.ledger.lines().is_empty() {
            tokio::task::yield_now().await;
        }
        scene.stop.cancel();
        gate.reached().await;
        assert_eq!(scene.count("reply.composed"), 0, "the tool has not ended");
        gate.open();
    });
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.count("stop.requested"), 1);
    let expected = ["begin system.run 1.1.0", "end system.run 1.1.0"];
    assert_eq!(scene.ledger.lines(), expected);
    let outcome = scene.outcome(id(1, 0)).map(|o| (o.status, o.text));
    assert_eq!(outcome, Some((CallStatus::Stopped, "half".to_owned())));
}

#[tokio::test]
async fn a_stop_goes_for_every_turn_up_to_the_one_waited_for() {
    let gate = gate();
    let mut elsewhere = admission("i1", Mode::Queue);
    elsewhere.origin.conversation = "another terminal".to_owned();
    let orphan = [opened(), EventBody::InputAdmitted(elsewhere), claimed(1)];
    let scene = Scene::new([Line::Waits(Arc::clone(&gate))]).after(orphan);
    let (ended, ()) = tokio::join!(scene.work("i2", vec![admitted("i2")]), async {
        gate.reached().await;
        scene.stop.cancel();
    });
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.model.requests().len(), 1, "the second is never asked");
    let expected = [
        "stop.requested",
        "reply.composed",
        "turn.started",
        "stop.requested",
        "reply.composed",
    ];
    assert_eq!(scene.journal.commits()[1], expected);
}

#[tokio::test]
async fn a_stop_ends_a_wait_at_once() {
    let scene = Scene::new([Line::Fails(Fault::Transient, None)]);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        scene.clock.next_wait().await;
        scene.stop.cancel();
    });
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert!(scene.clock.waits().is_empty());
}

#[tokio::test]
async fn a_tool_that_forgets_its_limit_is_cancelled() {
    let gate = gate();
    let scene = running(&gate);
    let (ended, waited_for) = tokio::join!(scene.say("i1"), async {
        let time = scene.clock.next_wait().await;
        scene.clock.set(time);
        gate.reached().await;
        gate.open();
        time
    });
    assert_eq!(ended.text(), "went on");
    let grace = 2_000;
    assert_eq!(u64::try_from(waited_for - START), Ok(TIMEOUT_MS + grace));
    let status = scene.outcome(id(1, 0)).map(|o| o.status);
    assert_eq!(
        status,
        Some(CallStatus::Ok),
        "nobody stopped it: it says itself what it has"
    );
}

/// One call that is prepared at the gate.
fn preparing(gate: &Arc<Gate>) -> Scene {
    let asks = Line::Asks(vec![("a", "file.edit", "{}")]);
    let tool = FakeTool::new("file.edit", Effect::Reconcilable, []).preparing(gate);
    Scene::new([asks, Line::Says("went on")]).with(tool)
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_call_to_be_prepared() {
    let gate = gate();
    let scene = preparing(&gate);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        scene.stop.cancel();
    });
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.count("tool.started"), 0);
    assert_eq!(gate.left(), 1, "the look was dropped");
}

#[tokio::test]
async fn a_call_that_cannot_be_prepared_in_time_is_not_begun() {
    let gate = gate();
    let scene = preparing(&gate);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        let time = scene.clock.next_wait().await;
        scene.clock.set(time);
    });
    assert_eq!(ended.text(), "went on");
    assert_eq!(scene.count("tool.started"), 0);
    let status = scene.outcome(id(1, 0)).map(|o| o.status);
    assert_eq!(status, Some(CallStatus::Failed));
}

#[tokio::test]
async fn a_fatal_call_ends_what_runs_beside_it() {
    let beside = gate();
    let calls = vec![("", "file.read", "1"), ("", "file.list", "2")];
    let scene = Scene::new([Line::Asks(calls)])
        .with(FakeTool::new(
            "file.list",
            Effect::Pure,
            [Run::UntilCancelled(Arc::clone(&beside))],
        ))
        .with(FakeTool::new(
            "file.read",
            Effect::Pure,
            [Run::Fatal("the disk is gone")],
        ));
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        beside.reached().await;
        beside.open();
    });
    assert_eq!(ended.reply().ending, Ending::Failed);
    let status = scene.outcome(id(1, 1)).map(|o| o.status);
    assert_eq!(status, Some(CallStatus::Stopped));
}
