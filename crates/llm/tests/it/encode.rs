//! Requests as they are sent: their shape, and that any transcript becomes a valid one.
//! Invariant: the rules are checked by code that shares nothing with the encoder.

use std::collections::HashSet;
use std::sync::Arc;

use async_openai::types::chat::CreateChatCompletionRequest;
use corvid_core::{Message, ModelRequest};
use corvid_llm::UsageRequest;
use corvid_llm::openai::encode;
use proptest::prelude::*;
use serde_json::Value;

use crate::scene::{assistant, request, result, user};

fn body(request: &ModelRequest) -> Value {
    let encoded = encode("scripted", request, UsageRequest::Ask).expect("plain data");
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
    let encoded = encode("m", &request, UsageRequest::Ask).expect("plain data");
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

proptest! {
    #[test]
    fn any_transcript_becomes_a_valid_one(messages in transcript(), offers in any::<bool>()) {
        let mut request = request(messages);
        if !offers {
            request.tools = Arc::from([]);
        }
        let body = body(&request);
        // Independent of our encoder: the types of the client crate read the body and write it alike.
        let read: CreateChatCompletionRequest = serde_json::from_value(body.clone())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&serde_json::to_value(read).unwrap_or_default(), &body);
        validate(&body).map_err(TestCaseError::fail)?;
    }
}

fn transcript() -> impl Strategy<Value = Vec<Message>> {
    let id = || {
        prop_oneof![
            Just(String::new()),
            "[ab]",
            Just("call_1_1_0".to_owned()),
            Just("i".repeat(50)),
            Just("a b".to_owned()),
        ]
    };
    let name = || prop_oneof!["(system|file)\\.(run|read)", "file_read", "\\PC{0,70}"];
    let text = || prop_oneof![Just(String::new()), Just(" \n".to_owned()), "\\PC{0,20}"];
    let arguments = prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"path":"a"}"#.to_owned()),
        Just(r#"{"path":"#.to_owned()),
        Just("null".to_owned()),
        "\\PC{0,10}",
    ];
    let call = (id(), name(), arguments);
    let message = prop_oneof![
        text().prop_map(|text| Message::User { text }),
        (text(), 1_u32..4, proptest::collection::vec(call, 0..4)).prop_map(
            |(text, step, calls)| {
                let calls: Vec<_> = calls
                    .iter()
                    .map(|(id, name, arguments)| (id.as_str(), name.as_str(), arguments.as_str()))
                    .collect();
                assistant(step, &text, &calls)
            }
        ),
        (id(), name(), text()).prop_map(|(id, name, text)| result(&id, &name, &text)),
    ];
    proptest::collection::vec(message, 0..12)
}

/// The rules that providers hold a transcript to.
fn validate(body: &Value) -> Result<(), String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut names = HashSet::new();
    for tool in list(&body["tools"]) {
        let name = tool["function"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(format!("`{name}` is no tool name"));
        }
        if !names.insert(name) {
            return Err("a tool's name is taken".to_owned());
        }
    }
    let mut ids = HashSet::new();
    let mut waiting: Vec<String> = Vec::new();
    let mut before = String::new();
    for message in list(&body["messages"]) {
        let role = message["role"].as_str().unwrap_or_default();
        let content = message["content"].as_str().unwrap_or_default();
        let calls = list(&message["tool_calls"]);
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let place = waiting.iter().position(|waits| waits == id);
            waiting.remove(place.ok_or(format!("`{id}` has no call"))?);
        } else if !waiting.is_empty() {
            return Err(format!("{waiting:?} have no result"));
        }
        if content.is_empty() && calls.is_empty() {
            return Err(format!("an empty {role} message"));
        }
        if role == "assistant" && !matches!(before.as_str(), "user" | "tool") {
            return Err(format!("an assistant message after `{before}`"));
        }
        if !calls.is_empty() && names.is_empty() {
            return Err("calls, but no tools".to_owned());
        }
        for call in calls {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || id.len() > 40 || !ids.insert(id.clone()) {
                return Err(format!("the id `{id}` is empty, long or taken"));
            }
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            if !serde_json::from_str::<Value>(arguments).is_ok_and(|a| a.is_object()) {
                return Err(format!("the arguments `{arguments}` are no object"));
            }
            waiting.push(id);
        }
        role.clone_into(&mut before);
    }
    match before.as_str() {
        _ if !waiting.is_empty() => Err(format!("{waiting:?} have no result")),
        "user" | "tool" => Ok(()),
        role => Err(format!("the last message is of role `{role}`")),
    }
}
