//! A lane that dies around each of its commits, and the next one that takes over.
//! Invariant: whatever the moment, the input is answered once and nothing harmful happens twice.
//! It must not know how many commits a turn has; it tries them all.

use corvid_agent::LaneError;
use corvid_core::Heard;
use corvid_core::wire::{Answerer, CallStatus, Effect, Ending, Scope};

use super::journal::Death;
use super::model::Line;
use super::scene::Scene;
use super::tools::{FakeTool, Run};
use crate::script::{admitted, allow, id, opened, person};

/// More appends than any of these turns has.
const MOST_APPENDS: usize = 20;

/// A turn with two calls of the tool.
fn scene(effect: Effect) -> Scene {
    let calls = vec![("a", "system.run", "1"), ("b", "system.run", "2")];
    Scene::new([Line::Insists(calls)]).with(FakeTool::new("system.run", effect, []))
}

/// Lives through the turn with one death at that append, and says whether there was that append.
async fn survives(scene: &Scene, at: usize, death: Death) -> bool {
    scene.journal.die(at, death);
    let first = vec![opened(), admitted("i1")];
    let ended = scene.work("i1", first.clone()).await;
    if scene.journal.death_is_ahead() {
        return false;
    }
    assert!(matches!(ended.result, Err(LaneError::Journal(_))));
    let first = if scene.count("input.admitted") == 0 {
        first
    } else {
        Vec::new()
    };
    let ended = scene.work("i1", first).await;
    let (text, ending) = (ended.text(), ended.reply().ending);
    assert_eq!((text, ending), ("done", Ending::Answered), "{at} {death:?}");
    assert_eq!(scene.count("reply.composed"), 1, "{at} {death:?}");
    assert_eq!(scene.count("input.admitted"), 1, "{at} {death:?}");
    true
}

#[tokio::test]
async fn an_approval_survives_a_death_at_every_commit_and_is_acted_on_once() {
    for death in [Death::BeforeCommit, Death::AfterCommit] {
        let mut survived = 0;
        for at in 1..=MOST_APPENDS {
            let calls = vec![("a", "web.put", "1"), ("b", "web.put", "2")];
            let scene = Scene::new([Line::Insists(calls)]).with(FakeTool::new(
                "web.put",
                Effect::Reconcilable,
                [],
            ));
            scene
                .questions
                .hear(std::iter::repeat_n(allowed(), 2 * MOST_APPENDS));
            if !survives(&scene, at, death).await {
                break;
            }
            survived += 1;
            let lines = scene.ledger.lines();
            for index in 0..2 {
                let begin = format!("begin web.put {}", id(1, index));
                let times = lines.iter().filter(|line| **line == begin).count();
                assert_eq!(times, 1, "call {index} at {at} {death:?}");
            }
            // An answer that was committed is never asked for again.
            assert_eq!(scene.count("question.answered"), 2, "{at} {death:?}");
            assert_eq!(scene.count("question.asked"), 2, "{at} {death:?}");
        }
        assert!(
            (6..MOST_APPENDS).contains(&survived),
            "{survived} {death:?}"
        );
    }
}

fn allowed() -> Heard {
    Heard::Answered {
        answer: allow(Scope::Once),
        by: Answerer {
            channel: "terminal".to_owned(),
            person: person("1000"),
        },
    }
}

/// How often a call of the turn has run.
fn runs(scene: &Scene, index: u32) -> usize {
    let begin = format!("begin system.run {}", id(1, index));
    let lines = scene.ledger.lines();
    lines.iter().filter(|line| **line == begin).count()
}

/// Tries every append and both moments, and checks each call's runs.
async fn every_death(effect: Effect, check: fn(&Scene, u32)) {
    for death in [Death::BeforeCommit, Death::AfterCommit] {
        let mut survived = 0;
        for at in 1..=MOST_APPENDS {
            let scene = scene(effect);
            if !survives(&scene, at, death).await {
                break;
            }
            survived += 1;
            check(&scene, 0);
            check(&scene, 1);
        }
        assert!(
            (4..MOST_APPENDS).contains(&survived),
            "{survived} {death:?}"
        );
    }
}

#[tokio::test]
async fn a_harmless_call_runs_at_least_once_and_again_at_most_once() {
    for effect in [Effect::Pure, Effect::Idempotent] {
        every_death(effect, |scene, index| {
            assert!((1..=2).contains(&runs(scene, index)), "call {index}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_that_can_be_asked_after_runs_exactly_once() {
    every_death(Effect::Reconcilable, |scene, index| {
        assert_eq!(runs(scene, index), 1, "call {index}");
        let outcome = scene.outcome(id(1, index)).map(|outcome| outcome.status);
        assert_eq!(outcome, Some(CallStatus::Ok));
    })
    .await;
}

#[tokio::test]
async fn an_unsafe_call_runs_at_most_once_and_is_asked_about() {
    every_death(Effect::Unsafe, |scene, index| {
        let asked = scene.questions.asked();
        let asked = asked
            .iter()
            .filter(|question| question.call == id(1, index))
            .count();
        let ran = runs(scene, index);
        assert!(
            ran == 1 || (ran == 0 && asked == 1),
            "call {index}: {ran} runs"
        );
    })
    .await;
}

#[tokio::test]
async fn a_panic_ends_the_lane_as_a_crash_would() {
    let calls = vec![("a", "system.run", "1")];
    let panics = [Run::Panics];
    let scene = Scene::new([Line::Insists(calls)]).with(FakeTool::new(
        "system.run",
        Effect::Reconcilable,
        panics,
    ));
    let ended = scene.say("i1").await;
    let Err(LaneError::Panicked { key }) = ended.result else {
        panic!("not told: {:?}", ended.result);
    };
    assert_eq!(key, "tool/1.1.0/1");
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.text(), "done");
    let reconciled = |line: &String| line.starts_with("reconcile system.run 1.1.0");
    assert_eq!(
        scene
            .ledger
            .lines()
            .iter()
            .filter(|line| reconciled(line))
            .count(),
        1
    );
}
