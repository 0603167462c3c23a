//! What is not tried again: the refusals that are final or the caller's to decide.
//! Invariant: exactly one request is made, and the whole sentence names the thing and the fix.

use corvid_core::wire::Fault as Outcome;
use corvid_testkit::model_server::{Fault, ModelServer, Reply, Script};
use serde_json::json;

use crate::faults::{error, failing};
use crate::scene::{KEY, Scene};

/// Asks for what fails for good and returns the sentence.
async fn refused(fault: Fault, outcome: Outcome) -> String {
    let scene = failing(fault);
    let error = error(scene.ask("hi").await);
    assert_eq!(error.fault, outcome, "{}", error.message);
    assert_eq!(scene.requests(), 1, "{}", error.message);
    assert_eq!(scene.ear.heard().waits, []);
    error.message
}

#[tokio::test]
async fn a_spent_quota_is_final() {
    let fault = Fault::status(
        429,
        "insufficient_quota",
        "You exceeded your current quota.",
    );
    let message = refused(fault, Outcome::Final).await;
    assert_eq!(
        message,
        "the quota or credit at custom is spent (429); add credit there or choose another model with `--model`: You exceeded your current quota"
    );
    let fault = Fault::status(402, "payment", "Insufficient credits");
    refused(fault, Outcome::Final).await;
}

#[tokio::test]
async fn a_bad_key_is_final_and_never_repeated() {
    let echo = format!("Incorrect API key provided: {KEY}. Find yours at …");
    let fault = Fault::status(401, "invalid_api_key", &echo);
    assert_eq!(
        refused(fault, Outcome::Final).await,
        "custom does not accept the key from THE_KEY (401); set CUSTOM_API_KEY or use `agent config set providers.custom.key_file FILE`"
    );
    let echo = format!("{KEY} may not do this");
    let fault = Fault::status(403, "forbidden", &echo);
    assert_eq!(
        refused(fault, Outcome::Final).await,
        "custom forbids this with the key it was given (403); allow `scripted` there, or set CUSTOM_API_KEY or use `agent config set providers.custom.key_file FILE`: [key] may not do this"
    );
}

#[tokio::test]
async fn an_unknown_model_is_named() {
    let fault = Fault::status(404, "model_not_found", "no such model");
    let message = refused(fault, Outcome::Final).await;
    assert!(
        message.starts_with("custom has no model `scripted` at http://127.0.0.1:"),
        "{message}"
    );
}

#[tokio::test]
async fn a_context_that_is_too_long_is_told_apart() {
    let words = "This model's maximum context length is 128000 tokens.";
    for fault in [
        Fault::status(400, "context_length_exceeded", "too long"),
        Fault::status(400, "invalid_request_error", words),
        Fault::status(413, "too_large", ""),
        Fault::status(429, "rate_limit_exceeded", "Request too large for m"),
    ] {
        refused(fault, Outcome::ContextExceeded).await;
    }
}

#[tokio::test]
async fn any_other_refusal_is_final_in_the_providers_words() {
    let fault = Fault::status(400, "invalid", "bad\n\u{1b}[31mvalue\u{7}");
    assert_eq!(
        refused(fault, Outcome::Final).await,
        "custom refused the request (400): bad [31mvalue"
    );
    let fault = Fault::status(422, "invalid", &"x".repeat(5_000));
    assert!(refused(fault, Outcome::Final).await.chars().count() < 400);
}

#[tokio::test]
async fn a_web_page_is_no_answer() {
    let fault = Fault::ContentType {
        value: "text/html; charset=utf-8".to_owned(),
    };
    let message = refused(fault, Outcome::Final).await;
    assert!(message.contains("`providers.custom.base_url`"), "{message}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_key_along() {
    let elsewhere = ModelServer::start(Script::echo()).expect("a free port");
    let to = format!("{}/chat/completions", elsewhere.url());
    let message = refused(Fault::redirect(to), Outcome::Final).await;
    assert!(message.contains("(307)"), "{message}");
    assert_eq!(elsewhere.ledger(), []);
}

#[tokio::test]
async fn what_a_server_refuses_to_do_is_asked_of_it_no_more() {
    let unverified = "Your organization must be verified to stream this model.";
    let scene = Scene::new(Script::in_order([
        Reply::fault(Fault::status(
            400,
            "invalid",
            "Unknown field: stream_options",
        )),
        Reply::text("one"),
        Reply::fault(Fault::status(400, "unsupported_value", unverified)),
        Reply::text("two").and_call("file.read", &json!({"path": "a"})),
        Reply::text("three"),
    ]));
    for expect in ["one", "two", "three"] {
        // Opened anew each time: what was learnt belongs to the catalogue.
        let answer = scene.ask("hi").await.expect("an answer");
        assert_eq!(answer.text, expect);
        assert_eq!(answer.calls.len(), usize::from(expect == "two"));
        assert_eq!(answer.usage.output_tokens == 0, expect == "one");
    }
    assert_eq!(scene.ear.heard().text, "onetwothree");
    let asked: Vec<(bool, bool)> = scene
        .server
        .ledger()
        .iter()
        .map(|entry| {
            (
                entry.body["stream"] == true,
                !entry.body["stream_options"].is_null(),
            )
        })
        .collect();
    let plain = (true, false);
    let whole = (false, false);
    assert_eq!(asked, [(true, true), plain, plain, whole, whole]);
    assert_eq!(scene.server.violations(), [] as [String; 0]);
}
