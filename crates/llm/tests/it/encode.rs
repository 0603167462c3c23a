//! Requests as they are sent, and what becomes of a transcript that is not sound.
//! Invariant: every transcript is compared as a whole, one line a message.

use corvid_core::{Message, ModelRequest};
use corvid_llm::Streaming;
use corvid_llm::openai::{Shown, encode};
use serde_json::Value;

use crate::scene::{assistant, request, result, user};

/// The body of a request as it is sent.
pub(crate) fn body(request: &ModelRequest) -> Value {
    let encoded =
        encode("scripted", request, &Shown::default(), Streaming::WithUsage).expect("plain data");
    serde_json::from_slice(&encoded.body).expect("JSON")
}

/// The messages without the system prompt, one line each.
fn lines(messages: impl IntoIterator<Item = Message>) -> Vec<String> {
    let body = body(&request(messages));
    let messages = body["messages"].as_array().expect("a list").iter().skip(1);
    messages
        .map(|message| {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls: Vec<String> = calls.map(shown).collect();
            let calls = calls.concat();
            let id = message["tool_call_id"].as_str();
            let id = id.map(|id| format!(" {id}")).unwrap_or_default();
            let text = message["content"].as_str().unwrap_or("-");
            let role = message["role"].as_str().unwrap_or_default();
            format!("{role}{id}: {text}{calls}")
        })
        .collect()
}

/// A call as ` id=name(arguments)`.
fn shown(call: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let function = &call["function"];
    format!(
        " {}={}({})",
        text(&call["id"]),
        text(&function["name"]),
        text(&function["arguments"])
    )
}

#[track_caller]
fn check(messages: impl IntoIterator<Item = Message>, expect: &[&str]) {
    assert_eq!(lines(messages), expect);
}

#[test]
fn a_request_looks_like_this() {
    let request = request([
        user("What is in a.txt?"),
        assistant(
            1,
            "I look.",
            &[("call_7", "file.read", r#"{"path":"a.txt"}"#)],
        ),
        result("call_7", "file.read", "one\ntwo"),
    ]);
    insta::assert_json_snapshot!(body(&request));
}

#[test]
fn a_sound_transcript_is_left_as_it_is() {
    check(
        [
            user("hi"),
            assistant(1, "", &[("a", "system.run", r#"{"command":"ls"}"#)]),
            result("a", "system.run", "x"),
            assistant(2, "done", &[]),
            user("thanks"),
        ],
        &[
            "user: hi",
            r#"assistant: - a=system_run({"command":"ls"})"#,
            "tool a: x",
            "assistant: done",
            "user: thanks",
        ],
    );
}

#[test]
fn a_lost_result_is_made_up_for() {
    check(
        [
            user("hi"),
            assistant(1, "", &[("a", "x", "{}"), ("b", "x", "{}")]),
            result("b", "x", "of b"),
            user("and?"),
        ],
        &[
            "user: hi",
            "assistant: - a=x({}) b=x({})",
            "tool a: the result of this call was lost; it may or may not have happened",
            "tool b: of b",
            "user: and?",
        ],
    );
}

#[test]
fn a_result_moves_to_its_call_and_a_stray_one_goes() {
    check(
        [
            result("z", "x", "of nobody"),
            user("hi"),
            assistant(1, "", &[("a", "x", "{}")]),
            user("meanwhile"),
            result("a", "x", "of a"),
            result("a", "x", "of a, again"),
        ],
        &[
            "user: hi",
            "assistant: - a=x({})",
            "tool a: of a",
            "user: meanwhile",
        ],
    );
}

#[test]
fn ids_that_are_missing_repeated_or_too_long_are_replaced() {
    let long = "i".repeat(41);
    check(
        [
            user("hi"),
            assistant(
                1,
                "",
                &[("", "x", "{}"), ("", "x", "{}"), (&long, "x", "{}")],
            ),
            result("", "x", "first"),
            result("", "x", "second"),
            result(&long, "x", "third"),
            assistant(2, "", &[("call_1_1_0", "x", "{}")]),
            result("call_1_1_0", "x", "fourth"),
        ],
        &[
            "user: hi",
            "assistant: - call_1_1_0=x({}) call_1_1_1=x({}) call_1_1_2=x({})",
            "tool call_1_1_0: first",
            "tool call_1_1_1: second",
            "tool call_1_1_2: third",
            "assistant: - call_1_2_0=x({})",
            "tool call_1_2_0: fourth",
        ],
    );
}

#[test]
fn arguments_that_are_no_object_are_shown_in_one() {
    let calls = [
        ("a", "x", ""),
        ("b", "x", r#"{"path": "#),
        ("c", "x", "[1]"),
        ("d", "x", r#" {"k": 1} "#),
    ];
    check(
        [user("hi"), assistant(1, "", &calls)],
        &[
            "user: hi",
            r#"assistant: - a=x({}) b=x({"not_a_json_object":"{\"path\": "}) c=x({"not_a_json_object":"[1]"}) d=x( {"k": 1} )"#,
            "tool a: the result of this call was lost; it may or may not have happened",
            "tool b: the result of this call was lost; it may or may not have happened",
            "tool c: the result of this call was lost; it may or may not have happened",
            "tool d: the result of this call was lost; it may or may not have happened",
        ],
    );
}

#[test]
fn a_person_has_the_first_and_the_last_word() {
    check(
        [assistant(1, "a", &[]), assistant(2, "b", &[])],
        &[
            "user: (the conversation began earlier)",
            "assistant: a\n\nb",
            "user: Go on where you stopped.",
        ],
    );
    check([], &["user: (empty)"]);
    check([user(" "), assistant(1, " ", &[])], &["user: (empty)"]);
}

#[test]
fn a_growing_transcript_keeps_its_beginning() {
    let mut messages = vec![user("0")];
    let mut before = body_start(&messages);
    for step in 1..20 {
        let id = format!("c{}", step % 3);
        messages.push(assistant(step, "", &[(&id, "system.run", "{}")]));
        messages.push(result(&id, "system.run", "done"));
        let after = body_start(&messages);
        assert!(after.starts_with(&before), "{after}");
        before = after;
    }
}

/// The body up to the end of its messages.
fn body_start(messages: &[Message]) -> String {
    let request = request(messages.iter().cloned());
    let encoded =
        encode("m", &request, &Shown::default(), Streaming::WithUsage).expect("plain data");
    let text = String::from_utf8(encoded.body).expect("UTF-8");
    let end = text.find(r#"],"model""#).expect("the messages' end");
    text[..end].to_owned()
}

#[test]
fn ten_megabytes_are_taken() {
    let text = "a quarter \"of\" the way\n".repeat(10 << 20 >> 4);
    let body = body(&request([user(&text)]));
    assert_eq!(body["messages"][1]["content"], Value::from(text));
}
