//! What is shown while it happens, and the ids by which the model knows its calls.
//! Invariant: what is live is a hint; what is committed is told in the journal's order.
//! It must not know who listens.

use std::sync::Arc;

use corvid_core::Secret;
use corvid_core::redact::Redactor;
use corvid_core::wire::{Effect, EventBody, Fault, LiveEvent};

use super::model::Line;
use super::scene::{Ended, Scene};
use super::tools::{FakeTool, Run};

fn deltas(ended: &Ended) -> Vec<(u32, u32, u64, &str)> {
    let deltas = ended.live.iter().filter_map(|event| match event {
        LiveEvent::Delta {
            step,
            attempt,
            offset,
            text,
        } => Some((*step, *attempt, *offset, text.as_str())),
        _ => None,
    });
    deltas.collect()
}

#[tokio::test]
async fn deltas_tell_step_attempt_and_offset() {
    let scene = Scene::new([
        Line::Fails(Fault::Transient, Some(0)),
        Line::Writes(vec![
            Some("grü"),
            Some("ße"),
            None,
            Some("hello "),
            Some("you"),
        ]),
    ]);
    let ended = scene.say("i1").await;
    assert_eq!(ended.text(), "hello you");
    // Offsets count bytes; what a retry of the transport made void begins at 0 again.
    let expected = [
        (1, 2, 0, "grü"),
        (1, 2, 4, "ße"),
        (1, 2, 0, "hello "),
        (1, 2, 6, "you"),
    ];
    assert_eq!(deltas(&ended), expected);
    let waiting = LiveEvent::Waiting {
        for_ms: 500,
        reason: "the provider is busy".to_owned(),
    };
    assert!(ended.live.contains(&waiting));
}

#[tokio::test]
async fn why_it_waits_is_told_without_secrets() {
    let mut scene = Scene::new([Line::Writes(vec![None, Some("hello")])]);
    let secret = ("KEY".to_owned(), Secret::new("provider is busy"));
    scene.redactor = Arc::new(Redactor::new([secret]));
    let ended = scene.say("i1").await;
    let waiting = LiveEvent::Waiting {
        for_ms: 500,
        reason: "the [redacted:KEY]".to_owned(),
    };
    assert!(ended.live.contains(&waiting), "{:?}", ended.live);
}

#[tokio::test]
async fn every_commit_is_told_in_order() {
    let asks = Line::Asks(vec![("a", "file.read", "{}")]);
    let scene =
        Scene::new([asks, Line::Says("read")]).with(FakeTool::new("file.read", Effect::Pure, []));
    let ended = scene.say("i1").await;
    let told: Vec<EventBody> = ended
        .live
        .iter()
        .filter_map(|event| match event {
            LiveEvent::Committed { event } => Some(event.body.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told, scene.journal.events());
}

#[tokio::test]
async fn a_running_call_shows_its_progress() {
    let barrier = Arc::new(tokio::sync::Barrier::new(1));
    let asks = Line::Asks(vec![("a", "file.read", "{}")]);
    let scene = Scene::new([asks, Line::Says("read")]).with(FakeTool::new(
        "file.read",
        Effect::Pure,
        [Run::Meets(barrier)],
    ));
    let ended = scene.say("i1").await;
    let progress = LiveEvent::Progress {
        call: crate::script::id(1, 0),
        text: "waiting for the others".to_owned(),
    };
    assert!(ended.live.contains(&progress));
}

#[tokio::test]
async fn missing_and_repeated_provider_ids_are_made_unique_within_a_step() {
    let first = Line::Asks(vec![
        ("", "file.read", "0"),
        ("x", "file.read", "1"),
        ("x", "file.read", "2"),
        ("call_1_1_4", "file.read", "3"),
        ("", "file.read", "4"),
    ]);
    let second = Line::Asks(vec![("x", "file.read", "5"), ("y", "file.read", "6")]);
    let scene = Scene::new([first, second, Line::Says("read")]).with(FakeTool::new(
        "file.read",
        Effect::Pure,
        [],
    ));
    assert_eq!(scene.say("i1").await.text(), "read");
    let events = scene.journal.events();
    let ids: Vec<&str> = events
        .iter()
        .filter_map(|body| match body {
            EventBody::ModelAnswered(answer) => Some(&answer.calls),
            _ => None,
        })
        .flatten()
        .map(|call| call.provider_id.as_str())
        .collect();
    let expected = [
        "call_1_1_0",
        "x",
        "call_1_1_2",
        "call_1_1_4",
        "call_1_1_4_1",
        "x",
        "y",
    ];
    assert_eq!(ids, expected);
}
