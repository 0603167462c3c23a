//! Whether a request is one that every provider of this protocol would take.
//! Invariant: pure, and stricter than any one provider; every violation says where and what.
//! It must not know the script, nor that the sender is Corvid.

mod messages;
mod parts;
mod schema;
mod tools;

use serde_json::{Map, Value};

/// The top-level keys that the protocol knows.
const KEYS: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// What is wrong with a request's body; empty if nothing is.
pub(super) fn body(body: &Value) -> Vec<String> {
    let Some(object) = body.as_object() else {
        return vec!["the body is no JSON object".to_owned()];
    };
    let mut found = Findings::default();
    found.known_keys("the request", object, KEYS);
    if object
        .get("model")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        found.add("`model` is missing or no text");
    }
    streaming(object, &mut found);
    let offered = tools::check(object, &mut found);
    messages::check(object, offered.as_deref(), &mut found);
    found.list
}

fn streaming(object: &Map<String, Value>, found: &mut Findings) {
    let stream = object.get("stream");
    if stream.is_some_and(|stream| !stream.is_boolean()) {
        found.add("`stream` is neither true nor false");
    }
    let Some(options) = object.get("stream_options") else {
        return;
    };
    if stream != Some(&Value::Bool(true)) {
        found.add("`stream_options` stands without `stream: true`");
    }
    match options.as_object() {
        Some(options) => {
            found.known_keys("stream_options", options, &["include_usage"]);
            if options
                .get("include_usage")
                .is_some_and(|v| !v.is_boolean())
            {
                found.add("`stream_options.include_usage` is neither true nor false");
            }
        }
        None => found.add("`stream_options` is no object"),
    }
}

/// Violations found so far.
#[derive(Debug, Default)]
struct Findings {
    list: Vec<String>,
}

impl Findings {
    fn add(&mut self, violation: impl Into<String>) {
        self.list.push(violation.into());
    }

    fn known_keys(&mut self, place: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(format!("{place}: `{key}` is no known key"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(change: impl FnOnce(&mut Value), expect: &[&str]) {
        let mut request = json!({
            "model": "m",
            "stream": true,
            "stream_options": { "include_usage": true },
            "messages": [
                { "role": "system", "content": "s" },
                { "role": "user", "content": "u" },
            ],
        });
        change(&mut request);
        assert_eq!(body(&request), expect, "{request}");
    }

    #[test]
    fn a_plain_request_is_good() {
        check(|_| {}, &[]);
    }

    #[test]
    fn the_frame_is_held_to_the_protocol() {
        check(
            |request| request["temprature"] = json!(1),
            &["the request: `temprature` is no known key"],
        );
        check(
            |request| request["model"] = json!(""),
            &["`model` is missing or no text"],
        );
        check(
            |request| request["stream"] = json!(false),
            &["`stream_options` stands without `stream: true`"],
        );
        check(
            |request| *request = json!([]),
            &["the body is no JSON object"],
        );
    }
}
