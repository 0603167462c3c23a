//! `Gateway::run` on a real store: one process, several at once, and after one has died.
//! Invariant: verdicts come from the journal and from what the channel sent.
//! It must not look inside the gateway.

#![expect(clippy::unwrap_used, reason = "a test fails where a step fails")]

mod channel;
mod hands;
mod jobs;
mod model;
mod scene;
mod serving;
mod tools;

use channel::Mishap;
use corvid_core::AppendError;
use corvid_core::wire::{EventBody, SessionId};
use corvid_gateway::{GatewayError, Target};
use scene::{Process, Scene, ask};
use tokio_util::sync::CancellationToken;

fn work() -> Target {
    Target::Session(SessionId::new("work"))
}

#[tokio::test]
async fn an_input_is_answered_and_delivered_once() {
    let scene = Scene::new();
    let process = scene.process().await;
    let answered = process.run(&ask("k1", "hello", Target::New)).await.unwrap();
    assert_eq!(answered.reply.text, "you said: hello");
    assert!(!answered.repeated);
    assert_eq!(process.sent(), ["k1: you said: hello"]);
}

#[tokio::test]
async fn the_same_id_gets_the_recorded_reply_without_a_new_turn() {
    let scene = Scene::new();
    let first = scene.process().await;
    let before = first.run(&ask("k1", "hello", Target::New)).await.unwrap();
    drop(first);
    let second = scene.process().await;
    let after = second.run(&ask("k1", "hello", Target::New)).await.unwrap();
    assert!(after.repeated);
    assert_eq!((after.session, after.reply), (before.session, before.reply));
    assert_eq!(second.sent(), [""; 0]);
    assert_eq!(scene.model_calls(), 1);
}

#[tokio::test]
async fn the_same_id_with_another_text_is_a_conflict() {
    let scene = Scene::new();
    let process = scene.process().await;
    process.run(&ask("k1", "hello", work())).await.unwrap();
    let error = process
        .run(&ask("k1", "good-bye", work()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, GatewayError::Journal(AppendError::IdReused { external_id }) if external_id == "k1"),
        "{error}"
    );
}

#[tokio::test]
async fn two_at_once_on_one_session_each_get_their_own_answer() {
    let scene = Scene::new();
    let (one, two) = (scene.process().await, scene.process().await);
    let held = scene.hold("first");
    let first_ask = ask("k1", "first", work());
    let first = one.run(&first_ask);
    let second = async {
        held.reached().await;
        let second_ask = ask("k2", "second", work());
        let second = two.run(&second_ask);
        let release = async {
            two.sees_input("k2").await;
            held.release();
        };
        tokio::join!(second, release).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().reply.text, "you said: first");
    assert_eq!(second.unwrap().reply.text, "you said: second");
    assert_eq!(one.sent(), ["k1: you said: first"]);
    assert_eq!(two.sent(), ["k2: you said: second"]);
    let turns: Vec<_> = one
        .events("work")
        .await
        .into_iter()
        .filter_map(|event| match event.body {
            EventBody::TurnStarted(start) => Some(format!("start {}", start.turn)),
            EventBody::ReplyComposed(reply) => Some(format!("reply {}", reply.turn)),
            _ => None,
        })
        .collect();
    assert_eq!(turns, ["start 1", "reply 1", "start 2", "reply 2"]);
}

/// Has `two` ask while `one` is held in the middle of its turn, and both answered.
async fn meet(scene: &Scene, one: &Process, two: &Process) {
    let held = scene.hold("first");
    let (first, second) = (ask("k1", "first", work()), ask("k2", "second", work()));
    let waiting = async {
        held.reached().await;
        assert!(one.socket().exists());
        let release = async {
            two.is_told_to_wait().await;
            held.release();
        };
        tokio::join!(two.run(&second), release).0
    };
    let (first, second) = tokio::join!(one.run(&first), waiting);
    assert_eq!(first.unwrap().reply.text, "you said: first");
    assert_eq!(second.unwrap().reply.text, "you said: second");
}

#[tokio::test]
async fn an_owner_is_reached_however_long_the_path_of_the_state() {
    let scene = Scene::deep();
    let (one, two) = (scene.process().await, scene.process().await);
    meet(&scene, &one, &two).await;
    assert_eq!(two.waits(), 1);
}

#[tokio::test]
async fn who_cannot_reach_the_owner_is_answered_and_told_once() {
    let scene = Scene::new();
    let (one, two) = (scene.process().await, scene.process().await);
    let held = scene.hold("first");
    let (first, second) = (ask("k1", "first", work()), ask("k2", "second", work()));
    let socket = one.socket();
    let owner = async move {
        let answered = one.run(&first).await;
        one.die().await;
        answered
    };
    let waiting = async {
        held.reached().await;
        std::fs::remove_file(&socket).unwrap();
        let release = async {
            two.is_told_to_wait().await;
            held.release();
        };
        tokio::join!(two.run(&second), release).0
    };
    let (first, second) = tokio::join!(owner, waiting);
    assert_eq!(first.unwrap().reply.text, "you said: first");
    assert_eq!(second.unwrap().reply.text, "you said: second");
    assert_eq!(two.waits(), 1);
}

#[tokio::test]
async fn two_at_once_in_one_process_share_one_lane_at_a_time() {
    let scene = Scene::new();
    let process = scene.process().await;
    meet(&scene, &process, &process).await;
    assert_eq!(
        process.sent(),
        ["k1: you said: first", "k2: you said: second"]
    );
    assert_eq!(process.waits(), 1);
    let claims = process.events("work").await.into_iter();
    let claims = claims.filter(|event| matches!(event.body, EventBody::LaneClaimed { .. }));
    assert_eq!(claims.count(), 2);
}

#[tokio::test]
async fn two_first_messages_at_once_in_one_process_are_both_answered() {
    let scene = Scene::new();
    let process = scene.process().await;
    let (first, second) = (ask("k1", "first", work()), ask("k2", "second", work()));
    let (first, second) = tokio::join!(process.run(&first), process.run(&second));
    assert_eq!(first.unwrap().reply.text, "you said: first");
    assert_eq!(second.unwrap().reply.text, "you said: second");
}

#[tokio::test]
async fn eight_first_starts_at_once_all_succeed() {
    let scene = Scene::new();
    let mut processes = Vec::new();
    for _ in 0..8 {
        processes.push(scene.process().await);
    }
    let asks: Vec<_> = (0..8)
        .map(|n| ask(&format!("k{n}"), "hi", work()))
        .collect();
    let runs = processes
        .iter()
        .zip(&asks)
        .map(|(process, ask)| process.run(ask));
    for answered in scene::join_all(runs).await {
        assert_eq!(answered.unwrap().reply.text, "you said: hi");
    }
    let inputs = processes[0]
        .events("work")
        .await
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::InputAdmitted(_)))
        .count();
    assert_eq!(inputs, 8);
}

#[tokio::test]
async fn what_a_dead_process_left_open_is_finished_by_the_next() {
    let scene = Scene::new();
    let dying = scene.process().await;
    let held = scene.hold("first");
    let first = ask("k1", "first", work());
    tokio::select! {
        _ = dying.run(&first) => panic!("the model is held"),
        () = held.reached() => {}
    }
    dying.die().await;
    held.release();
    let next = scene.process().await;
    let answered = next.run(&first).await.unwrap();
    assert_eq!(answered.reply.text, "you said: first");
    assert!(!answered.repeated, "the reply was not yet sent by anybody");
    assert_eq!(next.sent(), ["k1: you said: first"]);
}

#[tokio::test]
async fn who_stops_waiting_leaves_the_input_in_the_session() {
    let scene = Scene::new();
    let (one, two) = (scene.process().await, scene.process().await);
    let held = scene.hold("first");
    let (first, second) = (ask("k1", "first", work()), ask("k2", "second", work()));
    let stop = CancellationToken::new();
    let waiting = async {
        held.reached().await;
        let run = two.run_until(&second, stop.clone());
        let interrupt = async {
            two.sees_input("k2").await;
            stop.cancel();
        };
        let (result, ()) = tokio::join!(run, interrupt);
        held.release();
        result
    };
    let (answered, stopped) = tokio::join!(one.run(&first), waiting);
    assert_eq!(answered.unwrap().reply.text, "you said: first");
    assert!(matches!(
        stopped.unwrap_err(),
        GatewayError::StoppedWaiting { external_id, .. } if external_id == "k2"
    ));
    let later = two.run(&second).await.unwrap();
    assert_eq!(later.reply.text, "you said: second");
}

#[tokio::test]
async fn a_reply_that_could_not_be_shown_is_shown_the_next_time() {
    let scene = Scene::new();
    let process = scene.process().await;
    process.break_channel(Mishap::Refused);
    let input = ask("k1", "hello", Target::New);
    let error = process.run(&input).await.unwrap_err();
    assert!(matches!(error, GatewayError::Undelivered(_)), "{error}");
    let answered = process.run(&input).await.unwrap();
    assert!(!answered.repeated);
    assert_eq!(process.sent(), ["k1: you said: hello"]);
    assert_eq!(scene.model_calls(), 1);
}

#[tokio::test]
async fn a_delivery_that_fails_for_good_is_in_the_journal() {
    let scene = Scene::new();
    let process = scene.process().await;
    process.break_channel(Mishap::Gone);
    let input = ask("k1", "hello", work());
    let error = process.run(&input).await.unwrap_err();
    assert!(matches!(error, GatewayError::Undelivered(_)), "{error}");
    assert_eq!(process.given_up("work").await, ["the pipe is closed"]);
    let again = process.run(&input).await.unwrap();
    assert!(again.repeated, "the caller shows it, nobody sends it");
}

#[tokio::test]
async fn a_delivery_whose_process_died_is_taken_over_by_who_asks_again() {
    let scene = Scene::new();
    let dying = scene.process().await;
    dying.break_channel(Mishap::Hangs);
    let input = ask("k1", "hello", work());
    tokio::select! {
        _ = dying.run(&input) => panic!("the channel hangs"),
        () = dying.sending() => {}
    }
    let next = scene.process().await;
    let alive = next.run(&input).await.unwrap();
    assert!(alive.repeated, "a living process is sending it");
    dying.die().await;
    assert_eq!(next.open_deliveries("work").await, 1);
    next.run(&input).await.unwrap();
    assert_eq!(next.sent(), ["k1: you said: hello (again?)"]);
    assert_eq!(next.open_deliveries("work").await, 0);
}

#[tokio::test]
async fn deliveries_that_nobody_will_ask_for_are_given_up() {
    let scene = Scene::new();
    let (sending, working) = (scene.process().await, scene.process().await);
    sending.break_channel(Mishap::Hangs);
    let (first, second) = (ask("k1", "first", work()), ask("k2", "second", work()));
    tokio::select! {
        _ = sending.run(&first) => panic!("the channel hangs"),
        () = sending.sending() => {}
    }
    let held = scene.hold("second");
    tokio::select! {
        _ = working.run(&second) => panic!("the model is held"),
        () = held.reached() => {}
    }
    sending.die().await;
    working.die().await;
    held.release();
    let next = scene.process().await;
    next.run(&ask("k3", "third", work())).await.unwrap();
    assert_eq!(next.sent(), ["k3: you said: third"]);
    assert_eq!(
        next.given_up("work").await,
        [
            "the process that was sending it ended; whether it arrived is not known",
            "the process that asked ended before the reply",
        ]
    );
    assert_eq!(next.open_deliveries("work").await, 0);
    let late = next.run(&second).await.unwrap();
    assert_eq!(late.reply.text, "you said: second");
}

#[tokio::test]
async fn strangers_and_impossible_sessions_are_refused() {
    let scene = Scene::new();
    let process = scene.process().await;
    let mut stranger = ask("k1", "hello", Target::New);
    stranger.person = "1001".to_owned();
    let error = process.run(&stranger).await.unwrap_err();
    assert!(matches!(error, GatewayError::Denied(_)), "{error}");

    let bad = Target::Session(SessionId::new("../etc"));
    let error = process.run(&ask("k2", "hello", bad)).await.unwrap_err();
    assert!(matches!(error, GatewayError::BadName(_)), "{error}");

    let missing = Target::Existing(SessionId::new("missing"));
    let error = process.run(&ask("k3", "hello", missing)).await.unwrap_err();
    assert!(
        matches!(&error, GatewayError::Journal(AppendError::NoSuchSession(_))),
        "{error}"
    );
    assert_eq!(scene.model_calls(), 0);
}
