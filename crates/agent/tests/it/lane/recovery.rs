//! A lane that takes over what another process left in the middle.
//! Invariant: what ran is known or asked about, and never repeated behind anybody's back.
//! It must not know how a tool finds out.

use corvid_core::draw;
use corvid_core::wire::{CallStatus, Effect, Ending, EventBody, OutcomeAnswer};
use corvid_core::{OutcomeQuestion, Reconciled};

use super::model::Line;
use super::scene::Scene;
use super::tools::{FakeTool, output};
use crate::script::{
    admitted, allowed, asked, begun, claimed, finished, id, limits, opened, requested, session,
    started, stopped,
};

/// A session whose owner died while it ran a call of this effect.
fn cut_off(effect: Effect) -> Vec<EventBody> {
    vec![
        opened(),
        admitted("i1"),
        claimed(1),
        started(1, "i1", limits()),
        requested(1, 1),
        asked(1, &[("system.run", "{}")]),
        allowed(id(1, 0), effect),
        begun(id(1, 0), 1),
    ]
}

fn scene(effect: Effect, found: Reconciled) -> Scene {
    Scene::new([Line::Says("went on")])
        .after(cut_off(effect))
        .with(FakeTool::new("system.run", effect, []).found(found))
}

const LOOKED: &str = r#"reconcile system.run 1.1.0 {"before":1}"#;
const RAN: [&str; 2] = ["begin system.run 1.1.0", "end system.run 1.1.0"];

/// The attempts at the one call, each with whether it has the call's own key.
fn starts(scene: &Scene) -> Vec<(u32, bool)> {
    let own = draw::call_key(&session(), id(1, 0));
    let events = scene.journal.events();
    let starts = events.iter().filter_map(|body| match body {
        EventBody::ToolStarted { key, attempt, .. } => Some((*attempt, *key == own)),
        _ => None,
    });
    starts.collect()
}

#[tokio::test]
async fn a_harmless_call_runs_again_under_its_key() {
    for effect in [Effect::Pure, Effect::Idempotent] {
        let scene = scene(effect, Reconciled::NotDone);
        assert_eq!(scene.work("i1", Vec::new()).await.text(), "went on");
        assert_eq!(scene.ledger.lines(), RAN);
        assert_eq!(starts(&scene), [(1, true), (2, true)]);
    }
}

#[tokio::test]
async fn a_call_that_did_not_happen_runs_now() {
    let scene = scene(Effect::Reconcilable, Reconciled::NotDone);
    assert_eq!(scene.work("i1", Vec::new()).await.text(), "went on");
    assert_eq!(scene.ledger.lines(), [LOOKED, RAN[0], RAN[1]]);
    assert_eq!(starts(&scene), [(1, true), (2, true)]);
}

#[tokio::test]
async fn a_call_that_happened_is_told_and_not_repeated() {
    let found = [
        (Reconciled::Done(output("built")), CallStatus::Ok, "built"),
        (
            Reconciled::Interrupted(output("cut")),
            CallStatus::Interrupted,
            "cut",
        ),
    ];
    for (found, status, text) in found {
        let scene = scene(Effect::Reconcilable, found);
        assert_eq!(scene.work("i1", Vec::new()).await.text(), "went on");
        assert_eq!(scene.ledger.lines(), [LOOKED]);
        let outcome = scene.outcome(id(1, 0)).map(|o| (o.status, o.text));
        assert_eq!(outcome, Some((status, text.to_owned())));
    }
}

#[tokio::test]
async fn what_nobody_can_know_is_asked() {
    let unknown = || Reconciled::Unknown("the power failed".to_owned());
    let answers = [
        (OutcomeAnswer::Skip, 0),
        (OutcomeAnswer::Worked, 0),
        (OutcomeAnswer::Retry, 1),
    ];
    for (answer, runs) in answers {
        let scene = scene(Effect::Unsafe, unknown());
        scene.questions.answer(answer);
        let ended = scene.work("i1", Vec::new()).await;
        assert_eq!(ended.text(), "went on");
        let question = OutcomeQuestion {
            session: session(),
            shown_in: vec![crate::script::terminal()],
            call: id(1, 0),
            tool: "system.run".to_owned(),
            arguments: "{}".to_owned(),
            reason: "the power failed".to_owned(),
        };
        assert_eq!(scene.questions.asked(), [question]);
        let ran = scene
            .ledger
            .lines()
            .iter()
            .filter(|line| *line == RAN[0])
            .count();
        assert_eq!(ran, runs);
        let told = ended.reply().notices.len();
        assert_eq!(told, usize::from(answer == OutcomeAnswer::Skip));
    }
}

#[tokio::test]
async fn where_nobody_can_be_asked_the_reply_says_so() {
    let scene = scene(Effect::Unsafe, Reconciled::Unknown("no record".to_owned()));
    let ended = scene.work("i1", Vec::new()).await;
    let notice = "it is not known whether `system.run {}` happened: no record";
    assert_eq!(ended.reply().notices, [notice]);
    let by = scene
        .journal
        .events()
        .into_iter()
        .find_map(|body| match body {
            EventBody::OutcomeAnswered { by, .. } => Some(by),
            _ => None,
        });
    assert_eq!(by.as_deref(), Some("nobody"));
}

#[tokio::test]
async fn a_call_whose_tool_is_gone_is_not_known() {
    let scene = Scene::new([Line::Says("went on")]).after(cut_off(Effect::Reconcilable));
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.text(), "went on");
    assert_eq!(scene.questions.asked().len(), 1);
    let scene = Scene::new([Line::Says("went on")]).after(cut_off(Effect::Pure));
    assert_eq!(scene.work("i1", Vec::new()).await.text(), "went on");
    let outcome = scene.outcome(id(1, 0)).map(|o| o.status);
    assert_eq!(outcome, Some(CallStatus::Failed));
}

#[tokio::test]
async fn a_stopped_turn_finds_out_but_does_not_run_again() {
    let mut events = cut_off(Effect::Reconcilable);
    events.push(stopped());
    let tool = FakeTool::new("system.run", Effect::Reconcilable, []).found(Reconciled::NotDone);
    let scene = Scene::new([]).after(events).with(tool);
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.ledger.lines(), [LOOKED]);
    assert_eq!(starts(&scene), [(1, true)]);
}

#[tokio::test]
async fn a_stop_that_lands_beside_the_second_start_ends_the_turn() {
    let scene = scene(Effect::Reconcilable, Reconciled::NotDone);
    scene.journal.intrude(2, [stopped()]);
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.reply().ending, Ending::Stopped);
    assert_eq!(scene.ledger.lines(), [LOOKED], "it never ran again");
    assert_eq!(
        scene.outcome(id(1, 0)).map(|o| o.status),
        Some(CallStatus::Stopped)
    );
}

#[tokio::test]
async fn a_model_call_that_was_cut_off_is_made_again() {
    let mut events = cut_off(Effect::Pure);
    events.truncate(5);
    let scene = Scene::new([Line::Says("again")]).after(events);
    assert_eq!(scene.work("i1", Vec::new()).await.text(), "again");
    let commits = scene.journal.commits();
    assert_eq!(commits[0], ["lane.claimed", "model.requested"]);
    assert!(scene.journal.events().contains(&requested_again(&scene)));
}

/// The second attempt at step 1, with the hash that the lane gave it.
fn requested_again(scene: &Scene) -> EventBody {
    let newest = scene.journal.events().into_iter().rev();
    let mut requests = newest.filter(|body| body.kind() == "model.requested");
    match requests.next() {
        Some(EventBody::ModelRequested {
            prompt_hash, model, ..
        }) => EventBody::ModelRequested {
            turn: 1,
            step: 1,
            attempt: 2,
            model,
            prompt_hash,
        },
        other => panic!("no request: {other:?}"),
    }
}

#[tokio::test]
async fn a_turn_that_only_lacks_its_reply_gets_it() {
    let mut events = cut_off(Effect::Unsafe);
    events.push(finished(id(1, 0), CallStatus::Fatal));
    let scene = Scene::new([]).after(events);
    let ended = scene.work("i1", Vec::new()).await;
    assert_eq!(ended.reply().ending, Ending::Failed);
    assert_eq!(
        scene.journal.commits(),
        [["lane.claimed", "reply.composed"]]
    );
}
