//! Steps: what the model is asked again, what runs beside what, what is refused, and what a fault leads to.
//! Invariant: time passes only as the scene lets it.
//! It must not know how the fold counts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use corvid_core::wire::{
    Address, Effect, Ending, EventBody, Fault, Flags, Limits, Millis, Mode, Patience,
};
use corvid_core::{Clock as _, Message};
use tokio::sync::Barrier;

use super::model::{Gate, Line};
use super::scene::Scene;
use super::tools::{FakeTool, Run};
use crate::script::{admission, admitted, limits, opened, steering};

/// The results in the newest request.
fn told(scene: &Scene) -> Vec<String> {
    let request = scene.model.requests().pop().expect("the model was asked");
    let results = request
        .messages
        .iter()
        .filter_map(|message| match message.as_ref() {
            Message::Tool { text, .. } => Some(text.clone()),
            Message::User { .. } | Message::Assistant { .. } => None,
        });
    results.collect()
}

#[tokio::test]
async fn pure_calls_really_run_at_once() {
    let meets = Run::Meets(Arc::new(Barrier::new(8)));
    let calls = ["0", "1", "2", "3", "4", "5", "6", "7"].map(|n| ("", "file.read", n));
    let scene = Scene::new([Line::Asks(calls.to_vec()), Line::Says("read")]).with(FakeTool::new(
        "file.read",
        Effect::Pure,
        vec![meets; 8],
    ));
    assert_eq!(scene.say("i1").await.text(), "read");
    let lines = scene.ledger.lines();
    assert!(
        lines[..8].iter().all(|line| line.starts_with("begin")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn other_calls_run_one_after_the_other_in_the_models_order() {
    let calls = vec![
        ("", "file.read", "0"),
        ("", "file.write", "1"),
        ("", "file.write", "2"),
        ("", "file.read", "3"),
    ];
    let scene = Scene::new([Line::Asks(calls), Line::Says("done")])
        .with(FakeTool::new("file.read", Effect::Pure, []))
        .with(FakeTool::new("file.write", Effect::Idempotent, []));
    assert_eq!(scene.say("i1").await.text(), "done");
    let expected = [
        "begin file.read 1.1.0",
        "end file.read 1.1.0",
        "begin file.write 1.1.1",
        "end file.write 1.1.1",
        "begin file.write 1.1.2",
        "end file.write 1.1.2",
        "begin file.read 1.1.3",
        "end file.read 1.1.3",
    ];
    assert_eq!(scene.ledger.lines(), expected);
}

#[tokio::test]
async fn a_steer_during_a_call_joins_at_the_next_step() {
    let gate = Arc::new(Gate::default());
    let asks = Line::Asks(vec![("a", "system.run", "{}")]);
    let runs = [Run::Passes(Arc::clone(&gate))];
    let scene = Scene::new([asks, Line::Says("both")]).with(FakeTool::new(
        "system.run",
        Effect::Unsafe,
        runs,
    ));
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        gate.reached().await;
        scene.journal.write([steering("i2")]);
        scene.wake.notify_one();
        gate.open();
    });
    assert_eq!(ended.reply().inputs.len(), 2);
    let expected = ["tool.finished", "input.steered", "model.requested"];
    assert_eq!(scene.journal.commits()[2], expected);
}

#[tokio::test]
async fn the_model_reads_what_the_tools_can_do_in_the_turn_s_folder() {
    let scene =
        Scene::new([Line::Says("hello")]).with(FakeTool::new("file.read", Effect::Pure, []));
    scene.say("i1").await;
    let system = scene.model.requests().remove(0).system;
    let expect = "\nWhat the tools can and cannot do here:\n- file.read works in /work\n";
    assert!(system.ends_with(expect), "{system}");
}

#[tokio::test]
async fn what_cannot_run_is_told_to_the_model() {
    let calls = vec![
        ("", "moon.land", "{}"),
        ("", "file.read", "{"),
        ("", "file.read", r#"{"bad":1}"#),
        ("", "web.post", "{}"),
        ("", "file.write", "{}"),
        ("", "file.read", ""),
    ];
    let scene = Scene::new([Line::Asks(calls), Line::Says("sorry")])
        .with(FakeTool::new("file.read", Effect::Pure, []))
        .with(FakeTool::new("web.post", Effect::Unsafe, []))
        .with(FakeTool::new("file.write", Effect::Idempotent, []).unprepared("the disk is full"));
    assert_eq!(scene.say("i1").await.text(), "sorry");
    let expected = [
        "no tool `moon.land`; there are file.read, file.write, web.post",
        "the arguments are not JSON: EOF while parsing an object at line 1 column 1",
        "`bad` is not an argument",
        "denied by rule `no-network`: nothing leaves this test",
        "the disk is full",
        "ok",
    ];
    assert_eq!(told(&scene), expected);
    assert_eq!(scene.count("tool.started"), 1);
}

#[tokio::test]
async fn the_very_same_call_is_refused_the_third_time() {
    let asks = || Line::Asks(vec![("", "file.read", r#"{"n":1}"#)]);
    let scene = Scene::new([asks(), asks(), asks(), asks()]).with(FakeTool::new(
        "file.read",
        Effect::Pure,
        [],
    ));
    let ended = scene.say("i1").await;
    assert_eq!(ended.reply().ending, Ending::Limited);
    assert_eq!(scene.count("tool.started"), 2);
    assert!(told(&scene)[2].starts_with("the very same call came three times in a row"));
}

#[tokio::test]
async fn failures_of_a_tool_are_told_or_end_the_turn() {
    let asks = || Line::Asks(vec![("", "system.run", "{}"), ("", "system.run", "1")]);
    let scene = |run| {
        Scene::new([asks(), Line::Says("well")]).with(FakeTool::new(
            "system.run",
            Effect::Unsafe,
            [run],
        ))
    };
    let told_on = scene(Run::Tells("exit code 1"));
    assert_eq!(told_on.say("i1").await.text(), "well");
    assert_eq!(told(&told_on), ["exit code 1", "ok"]);
    let fatal = scene(Run::Fatal("the sandbox is gone"));
    let ended = fatal.say("i1").await;
    assert_eq!(ended.text(), "`system.run` failed: the sandbox is gone");
    assert_eq!(fatal.ledger.lines().len(), 2, "the second call did not run");
}

/// Moves the clock to each time that is waited for, and returns these times, counted from the start.
async fn pass_time(scene: &Scene, waits: usize) -> Vec<Millis> {
    let mut times = Vec::new();
    for _ in 0..waits {
        let time = scene.clock.next_wait().await;
        times.push(time - scene.clock.now());
        scene.clock.set(time);
    }
    times
}

fn fails(retry_after_ms: Option<u64>) -> Line {
    Line::Fails(Fault::Transient, retry_after_ms)
}

#[tokio::test]
async fn a_fault_waits_longer_each_time_or_as_the_provider_says() {
    let scene = Scene::new([fails(None), fails(None), Line::Says("at last")]);
    let (ended, waits) = tokio::join!(scene.say("i1"), pass_time(&scene, 2));
    assert_eq!((ended.text(), waits), ("at last", vec![1_000, 2_000]));
    let scene = Scene::new([
        fails(Some(7_000)),
        fails(Some(3_600_000)),
        Line::Says("at last"),
    ]);
    let (ended, waits) = tokio::join!(scene.say("i1"), pass_time(&scene, 2));
    assert_eq!((ended.text(), waits), ("at last", vec![7_000, 60_000]));
}

#[tokio::test]
async fn an_outage_is_told_or_outlasted() {
    let faults = || (0..4).map(|_| fails(Some(1)));
    let scene = Scene::new(faults());
    let (ended, _) = tokio::join!(scene.say("i1"), pass_time(&scene, 2));
    assert_eq!(ended.reply().ending, Ending::Failed);
    assert_eq!(ended.text(), "the scripted model failed");
    let mut scene = Scene::new(faults().chain([Line::Says("back")]));
    scene.limits.patience = Patience::Park;
    let (ended, waits) = tokio::join!(scene.say("i1"), pass_time(&scene, 4));
    assert_eq!((ended.text(), waits), ("back", vec![1, 1, 30_000, 1]));
    assert_eq!(scene.count("turn.parked"), 1);
}

#[tokio::test]
async fn flags_travel_with_the_input_that_starts_the_turn() {
    for (asked, granted) in [(0, 1), (2, 2), (1_000, 25)] {
        let mut input = admission("i1", Mode::Queue);
        input.flags = Flags {
            model: Some("test/unknown".to_owned()),
            max_steps: Some(asked),
            yes: false,
        };
        let scene = Scene::new([]);
        let first = vec![opened(), EventBody::InputAdmitted(input)];
        let ended = scene.work("i1", first).await;
        assert_eq!(ended.text(), "no model `test/unknown`");
        let events = scene.journal.events();
        let start = events.iter().find_map(|body| match body {
            EventBody::TurnStarted(start) => Some(start.limits),
            _ => None,
        });
        let expected = Limits {
            max_steps: granted,
            ..limits()
        };
        assert_eq!(start, Some(expected));
    }
}

#[tokio::test]
async fn the_context_is_that_of_the_turns_own_model() {
    let long: &'static str = "a long answer ".repeat(1_000).leak();
    for (context_tokens, sent) in [(128_000, 3), (7_000, 1)] {
        let scene = Scene::new([Line::Says(long), Line::Says("two")]);
        scene.say("i1").await;
        let takes = &scene.model.context_tokens;
        takes.store(context_tokens, Ordering::Relaxed);
        scene.work("i2", vec![admitted("i2")]).await;
        let messages = scene.model.requests().pop().map(|last| last.messages.len());
        assert_eq!(messages, Some(sent), "{context_tokens} tokens");
    }
}

#[tokio::test]
async fn every_conversation_that_asked_gets_a_delivery() {
    let at = |input: &str, conversation: &str| {
        let mut admission = admission(input, Mode::Steer);
        admission.origin.conversation = conversation.to_owned();
        EventBody::InputAdmitted(admission)
    };
    let scene = Scene::new([Line::Says("one"), Line::Says("two")]);
    let others = [at("i2", "b"), at("i3", "a"), at("i4", "b")];
    scene.journal.intrude(2, others);
    let ended = scene.work("i1", vec![opened(), at("i1", "a")]).await;
    let deliveries: Vec<(&Address, usize)> = ended
        .reply()
        .deliveries
        .iter()
        .map(|draft| (&draft.to, draft.inputs.len()))
        .collect();
    let conversations: Vec<_> = deliveries
        .iter()
        .map(|(to, inputs)| (to.conversation.as_str(), *inputs))
        .collect();
    assert_eq!(conversations, [("a", 2), ("b", 2)]);
}
