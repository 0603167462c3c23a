//! The transcript's rules: roles, contents, and exactly one result for every call.
//! Invariant: a transcript that passes is one that no provider of this protocol refuses.
//! It must not know what is said in it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Findings, parts, tools};

/// Checks `messages`; calls may only name tools in `offered`, if it is told.
pub(super) fn check(
    request: &Map<String, Value>,
    offered: Option<&[String]>,
    found: &mut Findings,
) {
    let Some(messages) = request.get("messages").and_then(Value::as_array) else {
        found.add("`messages` is missing or no list");
        return;
    };
    let mut walk = Walk {
        offered,
        ..Walk::default()
    };
    for (index, message) in messages.iter().enumerate() {
        match message.as_object() {
            Some(message) => walk.message(index, message, found),
            None => found.add(format!("messages[{index}] is no object")),
        }
    }
    walk.unanswered(found);
    match walk.last {
        Some("user" | "tool") => {}
        Some(role) => found.add(format!("the last message is of role `{role}`")),
        None => found.add("`messages` is empty"),
    }
}

/// The state of a walk through the transcript.
#[derive(Default)]
struct Walk<'a> {
    offered: Option<&'a [String]>,
    /// The role before.
    last: Option<&'a str>,
    /// The calls that still want a result.
    open: BTreeSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn message(&mut self, index: usize, message: &'a Map<String, Value>, found: &mut Findings) {
        let place = format!("messages[{index}]");
        let role = message.get("role").and_then(Value::as_str).unwrap_or("");
        if role != "tool" {
            self.unanswered(found);
        }
        match role {
            "system" | "developer" => {
                found.known_keys(&place, message, &["role", "content", "name"]);
                content(&place, message, found);
                if index > 0 {
                    found.add(format!("{place}: role `{role}` stands after the beginning"));
                }
            }
            "user" => {
                found.known_keys(&place, message, &["role", "content", "name"]);
                content(&place, message, found);
            }
            "assistant" => self.assistant(&place, message, found),
            "tool" => self.result(&place, message, found),
            _ => found.add(format!("{place}: role `{role}` is unknown")),
        }
        self.last = Some(role);
    }

    fn assistant(&mut self, place: &str, message: &'a Map<String, Value>, found: &mut Findings) {
        let known = ["role", "content", "name", "refusal", "tool_calls"];
        found.known_keys(place, message, &known);
        if !matches!(self.last, Some("user" | "tool")) {
            found.add(format!(
                "{place}: an assistant message follows no user or tool message"
            ));
        }
        match message.get("tool_calls") {
            None => {
                if message.get("refusal").and_then(Value::as_str).is_none() {
                    content(place, message, found);
                }
            }
            Some(Value::Array(calls)) if !calls.is_empty() => {
                if !matches!(message.get("content"), None | Some(Value::Null)) {
                    content(place, message, found);
                }
                for (index, call) in calls.iter().enumerate() {
                    self.call(&format!("{place}.tool_calls[{index}]"), call, found);
                }
            }
            Some(_) => found.add(format!("{place}: `tool_calls` is empty or no list")),
        }
    }

    fn call(&mut self, place: &str, call: &'a Value, found: &mut Findings) {
        if call["type"] != "function" {
            found.add(format!("{place}: `type` is not `function`"));
        }
        match call["id"].as_str() {
            None | Some("") => found.add(format!("{place}: `id` is missing")),
            Some(id) if !self.open.insert(id) => {
                found.add(format!("{place}: id `{id}` is used twice in one message"));
            }
            Some(_) => {}
        }
        let name = call["function"]["name"].as_str().unwrap_or("");
        if !tools::is_name(name) {
            found.add(format!("{place}: `{name}` is no tool name"));
        } else if self.offered.is_none() {
            found.add(format!(
                "{place}: `{name}` is called, but no tools are offered"
            ));
        }
        // Some servers read the arguments back to fill their chat template, and refuse what they cannot read.
        let arguments = call["function"]["arguments"].as_str();
        let read = arguments.and_then(|text| serde_json::from_str::<Value>(text).ok());
        if !read.is_some_and(|arguments| arguments.is_object()) {
            found.add(format!(
                "{place}: `arguments` is no text that holds a JSON object"
            ));
        }
    }

    fn result(&mut self, place: &str, message: &'a Map<String, Value>, found: &mut Findings) {
        found.known_keys(place, message, &["role", "content", "tool_call_id"]);
        content(place, message, found);
        let id = message.get("tool_call_id").and_then(Value::as_str);
        let id = id.unwrap_or("");
        if !self.open.remove(id) {
            found.add(format!(
                "{place}: a result for `{id}`, which no call before it waits for"
            ));
        }
    }

    fn unanswered(&mut self, found: &mut Findings) {
        for id in std::mem::take(&mut self.open) {
            found.add(format!("call `{id}` has no result"));
        }
    }
}

/// Content is a non-empty text, or a non-empty list of parts. A tool may have nothing to say.
fn content(place: &str, message: &Map<String, Value>, found: &mut Findings) {
    let role = message.get("role").and_then(Value::as_str);
    let good = match message.get("content") {
        Some(Value::String(text)) => role == Some("tool") || !text.is_empty(),
        Some(Value::Array(list)) => {
            parts::check(place, role == Some("user"), list, found);
            !list.is_empty()
        }
        _ => false,
    };
    if !good {
        found.add(format!(
            "{place}: `content` is missing, empty or of the wrong type"
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_transcript(messages: &Value, expect: &[&str]) {
        let request = json!({ "messages": messages });
        let offered = ["run".to_owned()];
        let mut found = Findings::default();
        if let Some(request) = request.as_object() {
            check(request, Some(&offered), &mut found);
        }
        assert_eq!(found.list, expect, "{messages}");
    }

    fn user() -> Value {
        json!({ "role": "user", "content": "u" })
    }

    fn calls(ids: &[&str]) -> Value {
        let calls = ids.iter().map(|id| {
            json!({ "id": id, "type": "function", "function": { "name": "run", "arguments": "{}" } })
        });
        json!({ "role": "assistant", "content": null, "tool_calls": calls.collect::<Vec<_>>() })
    }

    fn result(id: &str) -> Value {
        json!({ "role": "tool", "tool_call_id": id, "content": "" })
    }

    #[test]
    fn every_call_has_exactly_one_result() {
        check_transcript(
            &json!([user(), calls(&["a", "b"]), result("b"), result("a")]),
            &[],
        );
        check_transcript(
            &json!([user(), calls(&["a", "b"]), result("a"), user()]),
            &["call `b` has no result"],
        );
        check_transcript(
            &json!([user(), calls(&["a"]), result("a"), result("a")]),
            &["messages[3]: a result for `a`, which no call before it waits for"],
        );
        check_transcript(
            &json!([user(), calls(&["a", "a"]), result("a")]),
            &["messages[1].tool_calls[1]: id `a` is used twice in one message"],
        );
    }

    #[test]
    fn roles_come_in_order() {
        let assistant = json!({ "role": "assistant", "content": "x" });
        check_transcript(
            &json!([user(), assistant]),
            &["the last message is of role `assistant`"],
        );
        check_transcript(
            &json!([assistant, user()]),
            &["messages[0]: an assistant message follows no user or tool message"],
        );
        check_transcript(
            &json!([user(), { "role": "system", "content": "s" }, user()]),
            &["messages[1]: role `system` stands after the beginning"],
        );
        check_transcript(&json!([]), &["`messages` is empty"]);
    }

    #[test]
    fn empty_content_and_unreadable_arguments_are_refused() {
        check_transcript(
            &json!([{ "role": "user", "content": "" }]),
            &["messages[0]: `content` is missing, empty or of the wrong type"],
        );
        let mut asked = calls(&["a"]);
        asked["tool_calls"][0]["function"]["arguments"] = json!("{\"path\":");
        check_transcript(
            &json!([user(), asked, result("a")]),
            &["messages[1].tool_calls[0]: `arguments` is no text that holds a JSON object"],
        );
    }
}
