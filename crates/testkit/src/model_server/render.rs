//! A scripted reply as OpenAI would send it: server-sent events, or one JSON object.
//! Invariant: pure; faults of form (ids, finish, usage, types) are rendered here, faults of transport are not.
//! It must not know sockets or rules.

use bytes::Bytes;
use serde_json::{Value, json};

use super::fault::Fault;
use super::reply::Reply;
use super::request::Request;

/// A reply ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    /// The `content-type`.
    pub(super) content_type: String,
    /// The body, in the pieces in which it is sent.
    pub(super) pieces: Vec<Bytes>,
}

/// A call with everything filled in.
struct NamedCall {
    id: Option<String>,
    name: String,
    arguments: String,
}

/// Renders `reply` to `request`; `serial` is the exchange's number on this server.
pub(super) fn render(reply: &Reply, request: &Request, serial: usize) -> Rendered {
    let calls = calls(reply, request, serial);
    let (natural_type, pieces) = if request.stream {
        ("text/event-stream", events(reply, request, &calls, serial))
    } else {
        let whole = completion(reply, request, &calls, serial).to_string();
        ("application/json", vec![Bytes::from(whole)])
    };
    let content_type = match &reply.fault {
        Some(Fault::ContentType { value }) => value.clone(),
        _ => natural_type.to_owned(),
    };
    Rendered {
        content_type,
        pieces,
    }
}

fn calls(reply: &Reply, request: &Request, serial: usize) -> Vec<NamedCall> {
    let id = |index: usize, given: &Option<String>| match reply.fault {
        Some(Fault::RepeatedIds) => Some("call_same".to_owned()),
        Some(Fault::MissingIds) => None,
        _ => Some(
            given
                .clone()
                .unwrap_or_else(|| format!("call_{serial}_{index}")),
        ),
    };
    reply
        .calls
        .iter()
        .enumerate()
        .map(|(index, call)| NamedCall {
            id: id(index, &call.id),
            name: request.offered_name(&call.name),
            arguments: request.fill_json(&call.arguments),
        })
        .collect()
}

fn finish(reply: &Reply) -> &str {
    let natural = if reply.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    reply.finish.as_deref().unwrap_or(natural)
}

fn usage(reply: &Reply) -> Value {
    json!({
        "prompt_tokens": reply.usage.prompt,
        "completion_tokens": reply.usage.completion,
        "total_tokens": reply.usage.prompt + reply.usage.completion,
        "prompt_tokens_details": { "cached_tokens": reply.usage.cached },
    })
}

fn events(reply: &Reply, request: &Request, calls: &[NamedCall], serial: usize) -> Vec<Bytes> {
    let tells_usage = request.include_usage && reply.fault != Some(Fault::NoUsage);
    let envelope = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{serial}"),
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": request.model,
            "choices": choices,
        });
        if tells_usage {
            chunk["usage"] = usage;
        }
        event(&chunk.to_string())
    };
    let choice = |delta: Value, reason: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
        envelope(json!([choice]), Value::Null)
    };
    let mut events = vec![choice(json!({ "role": "assistant", "content": "" }), None)];
    for text in &reply.text {
        events.push(choice(json!({ "content": request.fill(text) }), None));
    }
    if let Some(refusal) = &reply.refusal {
        events.push(choice(json!({ "refusal": refusal }), None));
    }
    for delta in calls.iter().enumerate().flat_map(call_deltas) {
        events.push(choice(json!({ "tool_calls": [delta] }), None));
    }
    if let Some(Fault::Garbage { data }) = &reply.fault {
        events.push(event(data));
    }
    if reply.fault != Some(Fault::NoFinish) {
        events.push(choice(json!({}), Some(finish(reply))));
    }
    if tells_usage {
        events.push(envelope(json!([]), usage(reply)));
    }
    if reply.fault != Some(Fault::NoDone) {
        events.push(event("[DONE]"));
    }
    events
}

/// A call's deltas: its name first, then its arguments in two pieces, as providers send them.
fn call_deltas((index, call): (usize, &NamedCall)) -> Vec<Value> {
    let mut head = json!({
        "index": index,
        "type": "function",
        "function": { "name": call.name, "arguments": "" },
    });
    if let Some(id) = &call.id {
        head["id"] = json!(id);
    }
    let middle = call
        .arguments
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| *at >= call.arguments.len() / 2)
        .unwrap_or(0);
    let (first, second) = call.arguments.split_at(middle);
    let pieces =
        [first, second].map(|piece| json!({ "index": index, "function": { "arguments": piece } }));
    std::iter::once(head).chain(pieces).collect()
}

fn completion(reply: &Reply, request: &Request, calls: &[NamedCall], serial: usize) -> Value {
    let text: String = reply.text.iter().map(|text| request.fill(text)).collect();
    let mut message = json!({ "role": "assistant", "content": text, "refusal": reply.refusal });
    if !calls.is_empty() {
        let calls = calls.iter().map(|call| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        message["tool_calls"] = calls.collect();
    }
    let reason = (reply.fault != Some(Fault::NoFinish)).then(|| finish(reply));
    let mut whole = json!({
        "id": format!("chatcmpl-{serial}"),
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
    });
    if reply.fault != Some(Fault::NoUsage) {
        whole["usage"] = usage(reply);
    }
    whole
}

fn event(data: &str) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(reply: &Reply) -> String {
        let request = Request {
            model: "m".to_owned(),
            stream: true,
            include_usage: true,
            offered: vec!["file_list".to_owned()],
            ..Request::default()
        };
        let rendered = render(reply, &request, 3);
        let whole = rendered.pieces.concat();
        String::from_utf8_lossy(&whole).into_owned()
    }

    #[test]
    fn arguments_survive_their_pieces() {
        let arguments = json!({ "path": "grüße" }).to_string();
        let wire = stream(&Reply::call("file.list", &json!({ "path": "grüße" })));
        let joined: String = wire
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|chunk| {
                let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
                call["function"]["arguments"].as_str().map(str::to_owned)
            })
            .collect();
        assert_eq!(joined, arguments);
        assert!(wire.contains(r#""name":"file_list""#));
        assert!(wire.contains(r#""id":"call_3_0""#));
        assert!(wire.contains(r#""finish_reason":"tool_calls""#));
        assert!(wire.ends_with("data: [DONE]\n\n"));
    }

    #[test]
    fn faults_of_form_leave_out_what_they_name() {
        let lacks = |fault: Fault, what: &str| {
            let reply = Reply::call("file.list", &json!({}));
            assert!(
                stream(&reply).contains(what),
                "{what} stands in a good reply"
            );
            assert!(!stream(&reply.but(fault)).contains(what), "{what}");
        };
        lacks(Fault::NoFinish, r#""finish_reason":"tool_calls""#);
        lacks(Fault::NoDone, "[DONE]");
        lacks(Fault::NoUsage, "prompt_tokens");
        lacks(Fault::MissingIds, r#""id":"call_3_0""#);
        lacks(Fault::RepeatedIds, r#""id":"call_3_0""#);
    }
}
