//! Whatever happened to a transcript, the request made of it is one that every provider takes.
//! Invariant: the rules are checked by code that shares nothing with the encoder.

use std::collections::HashSet;
use std::sync::Arc;

use async_openai::types::chat::CreateChatCompletionRequest;
use corvid_core::Message;
use proptest::prelude::*;
use serde_json::Value;

use crate::encode::body;
use crate::scene::{assistant, request, result};

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
        text().prop_map(Message::user),
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
