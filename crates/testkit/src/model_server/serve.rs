//! The HTTP side of the model server: reads requests, has them checked, sends what the script says.
//! Invariant: every request is in the ledger before its answer begins.
//! It must not know how a reply is worded or what makes a request valid.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;

use super::body::{Break, Exchange, ScriptedBody};
use super::fault::{Fault, error_body};
use super::ledger::{End, Entry};
use super::render::render;
use super::reply::Reply;
use super::request::Request;
use super::state::{Choice, State};
use crate::http::{self, Ending, Fate};

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 64 << 20;

type Answer = Result<Response<ScriptedBody>, io::Error>;

/// Serves one connection to its end.
pub(super) async fn connection(state: Arc<State>, stream: TcpStream) {
    http::serve(stream, |request, fate| {
        let state = Arc::clone(&state);
        async move { exchange(&state, request, &fate).await }
    })
    .await;
}

async fn exchange(state: &State, request: HttpRequest<Incoming>, fate: &Fate) -> Answer {
    let (head, body) = request.into_parts();
    let read = Limited::new(body, BODY_LIMIT).collect().await;
    let bytes = read.map_err(io::Error::other)?.to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let asks_chat = head.method == Method::POST && head.uri.path() == "/v1/chat/completions";
    let asks_models = head.method == Method::GET && head.uri.path() == "/v1/models";
    let token = bearer(&head.headers);
    let mut violations = state.access_violations(token.as_deref());
    let choice = if !violations.is_empty() {
        Choice::refused(StatusCode::UNAUTHORIZED, "invalid_api_key")
    } else if asks_models {
        Choice::models()
    } else if asks_chat {
        state.chat(&head.headers, &body, &mut violations)
    } else {
        violations.push(format!("no such path: {} {}", head.method, head.uri.path()));
        Choice::refused(StatusCode::NOT_FOUND, "not_found")
    };
    let index = state.ledger.enter(Entry {
        index: 0,
        at_us: 0,
        line: format!("{} {}", head.method, head.uri.path()),
        with_key: token.is_some(),
        body_bytes: bytes.len(),
        body: body.clone(),
        reply: choice.label.clone(),
        violations: violations.clone(),
        end: End::Open,
    });
    let exchange = Exchange::new(Arc::clone(&state.ledger), index);
    if let Some((status, kind)) = choice.refusal {
        return respond(status, error_body(kind, &violations.join("; ")), exchange);
    }
    match choice.reply {
        Some(reply) => {
            let request = Request::read(&body);
            send(state, &reply, &request, exchange, fate, index).await
        }
        None => respond(StatusCode::OK, state.models_body(), exchange),
    }
}

/// Sends a scripted reply, faults of transport included.
async fn send(
    state: &State,
    reply: &Reply,
    request: &Request,
    exchange: Exchange,
    fate: &Fate,
    serial: usize,
) -> Answer {
    if let Some(gate) = &reply.gate {
        state.gate(gate).await;
    }
    if reply.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(reply.delay_ms)).await;
    }
    let break_at = |after: usize, ends: bool| Some(Break { after, ends });
    let break_off = match &reply.fault {
        Some(Fault::Status {
            code,
            body,
            headers,
        }) => {
            let status = StatusCode::from_u16(*code).map_err(io::Error::other)?;
            let mut response = respond(status, body.clone(), exchange)?;
            for (name, value) in headers {
                let name = name.parse::<hyper::header::HeaderName>();
                let name = name.map_err(io::Error::other)?;
                let value = value.parse().map_err(io::Error::other)?;
                response.headers_mut().insert(name, value);
            }
            return Ok(response);
        }
        Some(Fault::Silence) => return silence().await,
        Some(Fault::Refuse) => {
            exchange.end(End::Broken);
            fate.set(Ending::Reset);
            return Err(io::Error::other("refused as scripted"));
        }
        Some(Fault::NoHttp { bytes }) => {
            exchange.end(End::Broken);
            fate.set(Ending::Bytes(bytes.clone()));
            return Err(io::Error::other("no answer as scripted"));
        }
        Some(Fault::Cut { after }) => break_at(*after, true),
        Some(Fault::Reset { after }) => {
            fate.set(Ending::Reset);
            break_at(*after, true)
        }
        Some(Fault::Stall { after }) => break_at(*after, false),
        _ => None,
    };
    let rendered = render(reply, request, serial);
    Response::builder()
        .header(CONTENT_TYPE, rendered.content_type)
        .body(ScriptedBody::new(rendered.pieces, break_off, exchange))
        .map_err(io::Error::other)
}

/// Answers never; the connection ends when the client leaves.
async fn silence() -> Answer {
    let never: Infallible = std::future::pending().await;
    match never {}
}

fn respond(status: StatusCode, body: String, exchange: Exchange) -> Answer {
    let body = ScriptedBody::new([Bytes::from(body)], None, exchange);
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(io::Error::other)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    Some(value.strip_prefix("Bearer ").unwrap_or_default().to_owned())
}
