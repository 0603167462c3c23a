//! The model server over real sockets: what a client gets, and what the ledger says of it afterwards.
//! Invariant: a client here is a bare socket, so that nothing smooths over what the server does.
//! It must not know how the server is built.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::*;
use crate::LIMIT;

fn request(user: &str) -> Value {
    json!({
        "model": "m",
        "stream": true,
        "messages": [{ "role": "user", "content": user }],
    })
}

fn send(server: &ModelServer, key: &str, body: &Value) -> io::Result<TcpStream> {
    let address = server.loopback.address();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{key}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    Ok(stream)
}

/// Sends a request with a key and reads whatever comes, in all.
fn ask(server: &ModelServer, body: &Value) -> io::Result<String> {
    let mut answer = String::new();
    send(server, "authorization: Bearer k\r\n", body)?.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The bytes of a chunked body, without the framing.
fn body_of(answer: &str) -> String {
    let (_, mut rest) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16)
            .unwrap_or(0)
            .min(after.len());
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    body
}

#[test]
fn a_good_request_is_answered_and_entered() -> io::Result<()> {
    let server = ModelServer::start(Script::echo())?;
    let answer = ask(&server, &request("moin"))?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(body_of(&answer).contains("you said: moin"), "{answer}");
    assert!(server.wait_for(LIMIT, |entries| entries[0].end == End::Complete));
    let ledger = server.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].body, request("moin"));
    assert_eq!(ledger[0].reply, "rule 0");
    assert_eq!(server.violations(), [] as [String; 0]);
    Ok(())
}

#[test]
fn a_bad_request_is_refused_with_the_reason() -> io::Result<()> {
    let server = ModelServer::start(Script::echo())?;
    let answer = ask(&server, &json!({ "model": "m", "messages": [] }))?;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("`messages` is empty"), "{answer}");
    assert_eq!(server.violations(), ["`messages` is empty"]);
    Ok(())
}

#[test]
fn access_is_as_scripted() -> io::Result<()> {
    let check = |script: Script, key: &str, status: &str| -> io::Result<()> {
        let server = ModelServer::start(script)?;
        let mut answer = String::new();
        send(&server, key, &request("x"))?.read_to_string(&mut answer)?;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert_eq!(server.ledger()[0].with_key, !key.is_empty());
        Ok(())
    };
    check(Script::echo(), "", "401")?;
    check(
        Script::echo().key("good"),
        "authorization: Bearer bad\r\n",
        "401",
    )?;
    check(
        Script::echo().key("good"),
        "authorization: Bearer good\r\n",
        "200",
    )?;
    check(Script::echo().open(), "authorization: Bearer k\r\n", "401")?;
    check(Script::echo().open(), "", "200")
}

#[test]
fn an_unknown_model_and_a_spent_script_are_told() -> io::Result<()> {
    let server = ModelServer::start(Script::in_order([Reply::text("once")]).models(["m"]))?;
    assert!(ask(&server, &request("a"))?.starts_with("HTTP/1.1 200"));
    assert!(ask(&server, &request("b"))?.contains("no rule is left"));
    let other = json!({ "model": "n", "messages": [{ "role": "user", "content": "c" }] });
    assert!(ask(&server, &other)?.starts_with("HTTP/1.1 404"));
    Ok(())
}

#[test]
fn a_cut_comes_after_exactly_the_bytes_named() -> io::Result<()> {
    for after in [0, 1, 100, 300] {
        let reply = Reply::text("a text of some length").but(Fault::Cut { after });
        let server = ModelServer::start(Script::in_order([reply]))?;
        let answer = ask(&server, &request("x"))?;
        assert_eq!(body_of(&answer).len(), after, "{answer}");
        assert!(
            !answer.ends_with("\r\n0\r\n\r\n"),
            "the transfer has no end: {answer}"
        );
        assert_eq!(server.ledger()[0].end, End::Broken);
    }
    Ok(())
}

#[test]
fn broken_connections_look_broken() -> io::Result<()> {
    let reset = |fault: Fault| -> io::Result<io::ErrorKind> {
        let server = ModelServer::start(Script::in_order([Reply::text("x").but(fault)]))?;
        let outcome = ask(&server, &request("x"));
        Ok(outcome.map_or_else(|error| error.kind(), |_| io::ErrorKind::Other))
    };
    assert_eq!(
        reset(Fault::Reset { after: 9 })?,
        io::ErrorKind::ConnectionReset
    );
    assert_eq!(reset(Fault::Refuse)?, io::ErrorKind::ConnectionReset);
    let bytes = "SSH-2.0-x\r\n".to_owned();
    let no_http = Reply::fault(Fault::NoHttp {
        bytes: bytes.clone(),
    });
    let server = ModelServer::start(Script::in_order([no_http]))?;
    assert_eq!(ask(&server, &request("x"))?, bytes);
    Ok(())
}

#[test]
fn a_client_that_leaves_is_seen_to_leave() -> io::Result<()> {
    for fault in [Fault::Silence, Fault::Stall { after: 5 }] {
        let server = ModelServer::start(Script::in_order([Reply::text("x").but(fault)]))?;
        let stream = send(&server, "authorization: Bearer k\r\n", &request("x"))?;
        assert!(server.wait_for(LIMIT, |entries| entries.len() == 1));
        assert_eq!(server.ledger()[0].end, End::Open);
        drop(stream);
        assert!(server.wait_for(LIMIT, |entries| entries[0].end == End::ClientLeft));
    }
    Ok(())
}

#[test]
fn a_gate_holds_a_reply_until_it_is_opened() -> io::Result<()> {
    let held = Script::new()
        .on(When::user("held"), Reply::text("late").gate("g"))
        .otherwise(Reply::text("early"));
    let server = ModelServer::start(held)?;
    let mut waiting = send(&server, "authorization: Bearer k\r\n", &request("held"))?;
    assert!(server.wait_for(LIMIT, |entries| entries.len() == 1));
    assert!(ask(&server, &request("other"))?.contains("early"));
    server.open("g");
    let mut answer = String::new();
    waiting.read_to_string(&mut answer)?;
    assert!(answer.contains("late"), "{answer}");
    Ok(())
}

#[test]
fn tools_may_not_change_within_a_session() -> io::Result<()> {
    let offer = |names: &[&str]| {
        let tools = names.iter().map(|name| {
            let parameters = json!({ "type": "object", "properties": {} });
            let function = json!({ "name": name, "description": "d", "parameters": parameters });
            json!({ "type": "function", "function": function })
        });
        let mut body = request("x");
        body["tools"] = tools.collect();
        body
    };
    let server = ModelServer::start(Script::echo())?;
    assert!(ask(&server, &offer(&["a", "b"]))?.starts_with("HTTP/1.1 200"));
    assert!(ask(&server, &offer(&["a", "b"]))?.starts_with("HTTP/1.1 200"));
    assert!(ask(&server, &offer(&["b", "a"]))?.contains("the tools changed within a session"));
    Ok(())
}

#[test]
fn a_status_brings_its_headers() -> io::Result<()> {
    let server = ModelServer::start(Script::in_order([Reply::fault(Fault::busy(429, "7"))]))?;
    let answer = ask(&server, &request("x"))?;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.contains("retry-after: 7"), "{answer}");
    Ok(())
}

#[test]
fn a_script_reads_the_same_from_json() -> Result<(), serde_json::Error> {
    let script = Script::new()
        .once(
            When::user("x").results(0),
            Reply::call("file.read", &json!({ "path": "a" })).but(Fault::Cut { after: 3 }),
        )
        .key("k")
        .otherwise(Reply::text("y").gate("g"));
    let text = serde_json::to_string(&script)?;
    assert_eq!(serde_json::from_str::<Script>(&text)?, script);
    let terse = r#"{ "rules": [{ "reply": { "text": ["hi"], "fault": "silence" } }] }"#;
    let expect = Script::new().on(When::any(), Reply::text("hi").but(Fault::Silence));
    assert_eq!(serde_json::from_str::<Script>(terse)?, expect);
    Ok(())
}
