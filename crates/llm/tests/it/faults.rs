//! What is tried again, by the transport or by the caller: the fault table's rows against a real server.
//! Invariant: each test counts the requests that reached the server and hears what a person would.

use std::net::TcpListener;

use corvid_core::wire::{Fault as Outcome, Finish};
use corvid_core::{Answer, AskedCall, Clock as _, ModelError};
use corvid_testkit::model_server::{End, Fault, ModelServer, Reply, Script};
use serde_json::json;

use crate::scene::{KEY, Scene, configured, request, user};

/// A model at a server that fails so, always.
pub(crate) fn failing(fault: Fault) -> Scene {
    Scene::new(Script::new().otherwise(Reply::text("whole").but(fault)))
}

/// One failure, then an answer.
fn failing_once(fault: Fault) -> Scene {
    Scene::new(Script::in_order([
        Reply::fault(fault),
        Reply::text("whole"),
    ]))
}

/// The error of a request that failed, which never holds the key.
#[track_caller]
pub(crate) fn error(asked: Result<Answer, ModelError>) -> ModelError {
    let error = asked.expect_err("a failure");
    assert!(!error.message.contains(KEY), "{}", error.message);
    assert!(!error.message.ends_with('.'), "{}", error.message);
    error
}

#[tokio::test]
async fn busy_is_waited_out_and_told() {
    for code in [429, 503, 529] {
        let scene = failing_once(Fault::busy(code, "2"));
        let answer = scene.ask("hi").await.expect("an answer");
        assert_eq!(answer.text, "whole");
        let [(wait, reason)] = &scene.ear.heard().waits[..] else {
            panic!("one wait");
        };
        assert!((2_000..=2_200).contains(wait), "{wait}");
        let expect = format!("custom is busy ({code}): too many requests");
        assert_eq!(*reason, expect);
    }
}

#[tokio::test]
async fn busy_is_tried_five_times() {
    let scene = failing(Fault::busy(429, "1"));
    let error = error(scene.ask("hi").await);
    assert_eq!(error.fault, Outcome::Outage);
    assert_eq!(error.retry_after_ms, Some(1_000));
    assert_eq!(scene.requests(), 5);
    assert_eq!(scene.ear.heard().waits.len(), 4);
}

#[tokio::test]
async fn too_many_tokens_at_once_are_waited_out() {
    let words = "Too many tokens, please wait before trying again.";
    let scene = failing_once(Fault::status(429, "throttled", words));
    let answer = scene.ask("hi").await.expect("an answer");
    assert_eq!(answer.text, "whole");
    assert_eq!(scene.requests(), 2);
}

#[tokio::test]
async fn what_a_provider_asks_to_wait_is_capped() {
    // The clock of these tests stands at 22:13:20.
    for (asked, least) in [
        ("3600", 60_000),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10_000),
        ("Tue, 14 Nov 2023 21:00:00 GMT", 100),
        ("soon", 1_000),
        ("0.5", 500),
    ] {
        let scene = failing_once(Fault::busy(429, asked));
        scene.ask("hi").await.expect("an answer");
        let wait = scene.ear.heard().waits[0].0;
        assert!(
            (least..=least + least / 10).contains(&wait),
            "{asked}: {wait}"
        );
    }
}

#[tokio::test]
async fn other_server_errors_are_tried_three_times() {
    for code in [500, 502, 504, 520] {
        let scene = failing(Fault::status(code, "server_error", "oops"));
        let error = error(scene.ask("hi").await);
        assert_eq!(error.fault, Outcome::Outage);
        assert_eq!(error.message, format!("custom failed ({code}): oops"));
        assert_eq!(scene.requests(), 3);
    }
    let scene = failing_once(Fault::status(500, "server_error", "oops"));
    assert_eq!(
        scene.ask("hi").await.map(|a| a.text).as_deref(),
        Ok("whole")
    );
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_three_times() {
    for fault in [
        Fault::Refuse,
        Fault::NoHttp {
            bytes: "SSH-2.0\r\n".to_owned(),
        },
    ] {
        let scene = failing(fault);
        let error = error(scene.ask("hi").await);
        assert_eq!(error.fault, Outcome::Outage);
        assert_eq!(scene.requests(), 3);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let server = ModelServer::start(Script::new()).expect("a free port");
    let scene = Scene::with(
        server,
        configured("custom", &format!("http://{address}/v1")),
    );
    let error = error(scene.ask("hi").await);
    assert_eq!(error.fault, Outcome::Outage);
    assert_eq!(scene.ear.heard().waits.len(), 2);
    let begin = format!("custom cannot be reached at {address}: ");
    let end = "; check the network and `providers.custom.base_url`";
    assert!(error.message.starts_with(&begin), "{}", error.message);
    assert!(error.message.ends_with(end), "{}", error.message);
}

#[tokio::test]
async fn no_first_byte_in_60_seconds_gives_the_step_back() {
    for fault in [Fault::Silence, Fault::Stall { after: 0 }] {
        let scene = failing(fault);
        let time = async {
            scene.server.until(|ledger| ledger.len() == 1).await;
            scene.clock.next_wait().await;
            scene.clock.advance(59_999);
            scene.clock.next_wait().await;
            scene.clock.advance(1);
        };
        let (asked, ()) = tokio::join!(scene.ask("hi"), time);
        let error = error(asked);
        assert_eq!(error.fault, Outcome::Transient);
        assert_eq!(error.message, "custom was silent for 60 s");
        assert_eq!(scene.requests(), 1);
    }
}

#[tokio::test]
async fn thirty_idle_seconds_give_the_step_back() {
    let scene = failing(Fault::Stall { after: 500 });
    let time = async {
        scene.ear.deltas(1).await;
        // A last piece may still come and put the end off.
        loop {
            let idle_at = scene.clock.next_wait().await;
            scene.clock.set(idle_at);
        }
    };
    let asked = tokio::select! {
        asked = scene.ask("hi") => asked,
        () = time => panic!("time goes on"),
    };
    assert_eq!(error(asked).message, "custom was silent for 30 s");
    assert_eq!(scene.ear.heard().text, "whole");
}

#[tokio::test]
async fn a_stream_cut_at_any_byte_is_never_an_answer() {
    let reply = Reply::deltas(["one ", "two"]).and_call("system.run", &json!({"command": "ls"}));
    let cut = |after| reply.clone().but(Fault::Cut { after });
    // Every length until an answer gets through, which needs the `[DONE]`.
    let scene = Scene::of_provider("openai", Script::in_order((0..5_000).map(cut)));
    let model = scene.model();
    let request = request([user("hi")]);
    let mut cuts = 0;
    let answer = loop {
        match model.answer(&request, &scene.ear).await {
            Ok(answer) => break answer,
            Err(error) => assert_eq!(error.fault, Outcome::Transient, "{}", error.message),
        }
        cuts += 1;
    };
    assert_eq!(scene.requests(), cuts + 1, "nothing is asked twice");
    assert_eq!(answer.text, "one two");
    assert_eq!(answer.calls[0].arguments, r#"{"command":"ls"}"#);
    assert_eq!(answer.usage.output_tokens, 7, "not even the usage is lost");
    assert!(cuts > 1_000, "{cuts}");
}

#[tokio::test]
async fn a_reset_or_a_bad_piece_in_the_middle_gives_the_step_back() {
    for fault in [
        Fault::Reset { after: 600 },
        Fault::NoFinish,
        Fault::Garbage {
            data: "{\"choices\":[{\"del".to_owned(),
        },
    ] {
        let scene = failing(fault);
        let error = error(scene.ask("hi").await);
        assert_eq!(error.fault, Outcome::Transient, "{}", error.message);
        assert_eq!(scene.requests(), 1, "{}", error.message);
    }
}

#[tokio::test]
async fn a_missing_done_is_forgiven_where_nothing_is_known() {
    let script = || Script::new().otherwise(Reply::text("whole").but(Fault::NoDone));
    let custom = Scene::new(script());
    assert_eq!(
        custom.ask("hi").await.map(|a| a.text).as_deref(),
        Ok("whole")
    );
    let known = Scene::of_provider("together", script());
    assert_eq!(error(known.ask("hi").await).fault, Outcome::Transient);
}

#[tokio::test]
async fn what_follows_a_whole_answer_does_not_matter() {
    // Both break where the transfer would have ended in good order.
    let after = usize::MAX;
    for fault in [Fault::Cut { after }, Fault::Stall { after }] {
        let scene = failing(fault);
        let time = async {
            let settled_at = scene.clock.now() + 100;
            scene.clock.waits_are(&[settled_at]).await;
            scene.clock.set(settled_at);
            std::future::pending::<()>().await;
        };
        let asked = tokio::select! {
            asked = scene.ask("hi") => asked,
            () = time => panic!("time goes on"),
        };
        assert_eq!(asked.map(|answer| answer.text).as_deref(), Ok("whole"));
    }
}

#[tokio::test]
async fn ids_that_are_missing_or_repeated_part_no_calls() {
    for (fault, id) in [(Fault::MissingIds, ""), (Fault::RepeatedIds, "call_same")] {
        let reply = Reply::call("file.read", &json!({"path": "a"}))
            .and_call("file.read", &json!({"path": "b"}))
            .but(fault);
        let scene = Scene::new(Script::new().otherwise(reply));
        let answer = scene.ask("hi").await.expect("an answer");
        assert_eq!(answer.finish, Finish::ToolCalls);
        let call = |path| AskedCall {
            provider_id: id.to_owned(),
            name: "file.read".to_owned(),
            arguments: format!(r#"{{"path":"{path}"}}"#),
        };
        assert_eq!(answer.calls, [call("a"), call("b")]);
    }
}

#[tokio::test]
async fn dropping_the_answer_ends_the_request() {
    let scene = Scene::new(Script::new().otherwise(Reply::text("late").gate("never")));
    tokio::select! {
        asked = scene.ask("hi") => panic!("{asked:?}"),
        () = scene.server.until(|ledger| ledger.len() == 1) => {}
    }
    let left = |entry: &corvid_testkit::model_server::Entry| entry.end == End::ClientLeft;
    scene.server.until(|ledger| ledger.iter().all(left)).await;
}

#[tokio::test]
async fn what_is_sent_passes_a_strict_server() {
    let scene = Scene::new(Script::new().otherwise(Reply::deltas(["one ", "two"])));
    let answer = scene.ask("hi").await.expect("an answer");
    assert_eq!(answer.text, "one two");
    assert_eq!(scene.ear.heard().text, "one two");
    assert_eq!(answer.usage.input_tokens, 12);
    let long = "word ".repeat(2 << 20);
    scene.ask(&long).await.expect("an answer");
    assert!(scene.server.ledger()[1].body_bytes > 10 << 20);
    assert_eq!(scene.server.violations(), [] as [String; 0]);
    scene
        .server
        .until(|ledger| ledger.iter().all(|entry| entry.end == End::Complete))
        .await;
}
