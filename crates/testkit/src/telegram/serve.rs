//! The HTTP side: finds out what a request is about, has it acted on, sends or loses the answer.
//! Invariant: a lost answer was acted on exactly if its fault says so.
//! It must not know what a method does.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::asked::Asked;
use super::control;
use super::fault::{self, Fault};
use super::ledger::CallEnd;
use super::methods::{self, Doing, Method, Run};
use super::poll;
use super::refusal::Refusal;
use super::state::{Exchange, State};
use super::world::World;
use crate::http::{self, Ending, Fate};

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 96 << 20;

type Answer = io::Result<Response<Full<Bytes>>>;

/// Serves one connection to its end.
pub(super) async fn connection(state: Arc<State>, stream: TcpStream) {
    http::serve(stream, |request, fate| {
        let state = Arc::clone(&state);
        async move { route(&state, request, &fate).await }
    })
    .await;
}

async fn route(state: &Arc<State>, request: Request<Incoming>, fate: &Fate) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let read = Limited::new(body, BODY_LIMIT).collect().await;
    let body = read.map_err(io::Error::other)?.to_bytes();
    if let Some(command) = path.strip_prefix("/_control/") {
        let (status, answer) = control::obey(state, command, &body).await;
        return respond(status, &answer);
    }
    if let Some((token, file)) = path
        .strip_prefix("/file/bot")
        .and_then(|p| p.split_once('/'))
    {
        return download(state, token, file, fate).await;
    }
    let Some((token, name)) = path.strip_prefix("/bot").and_then(|p| p.split_once('/')) else {
        return refuse(&Refusal::new(404, "Not Found"));
    };
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked::read(query, content_type.unwrap_or_default(), &body);
    call(state, token, name, asked, fate).await
}

/// A call of a method.
async fn call(
    state: &Arc<State>,
    token: &str,
    name: &str,
    asked: Result<Asked, Refusal>,
    fate: &Fate,
) -> Answer {
    let method = methods::find(name);
    let name = method.map_or(name, |method| method.name);
    let (asked, unread) = match asked {
        Ok(asked) => (asked, None),
        Err(refusal) => (Asked::default(), Some(refusal)),
    };
    let chat = asked.integer("chat_id");
    let mut faults = method.map_or_else(
        || vec![format!("there is no method `{name}`")],
        |method| method.unknown(&asked),
    );
    faults.extend(unread.iter().map(|refusal| refusal.description.clone()));
    let exchange = state.enter(name, chat, asked.ledger_value(), faults);
    let planned = state.change(|world, now| fault::take(&mut world.plans, name, chat, now));
    if let Some(answer) = before(state, &exchange, planned.as_ref(), chat, fate).await {
        return answer;
    }
    let outcome = match (unread, method) {
        (Some(refusal), _) => Err(refusal),
        (None, method) => act(state, token, method, &asked, chat, &exchange).await,
    };
    exchange.note(|call| call.acted = outcome.is_ok());
    if let Some(answer) = after(&exchange, planned.as_ref(), fate).await {
        return answer;
    }
    answer(&exchange, outcome)
}

/// What a planned fault does before the call is acted on.
async fn before(
    state: &State,
    exchange: &Exchange,
    planned: Option<&Fault>,
    chat: Option<i64>,
    fate: &Fate,
) -> Option<Answer> {
    match planned? {
        Fault::CutBefore => Some(lose(exchange, fate, Ending::Close)),
        Fault::ResetBefore => Some(lose(exchange, fate, Ending::Reset)),
        Fault::Busy { retry_after } => {
            let chat = chat.unwrap_or_default();
            state.change(|world, now| world.pace.told_to_wait(chat, *retry_after, now));
            Some(answer(exchange, Err(Refusal::busy(*retry_after))))
        }
        Fault::Status { code, description } => {
            let refusal = Refusal::new(*code, description.clone());
            Some(answer(exchange, Err(refusal)))
        }
        Fault::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            None
        }
        Fault::CutAfter | Fault::ResetAfter | Fault::Garbage | Fault::Silence => None,
    }
}

/// What a planned fault does to the answer.
async fn after(exchange: &Exchange, planned: Option<&Fault>, fate: &Fate) -> Option<Answer> {
    match planned? {
        Fault::CutAfter => Some(lose(exchange, fate, Ending::Close)),
        Fault::ResetAfter => Some(lose(exchange, fate, Ending::Reset)),
        Fault::Silence => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Fault::Garbage => {
            exchange.end(CallEnd::Lost);
            let page = "<html><body><h1>504 Gateway Time-out</h1></body></html>";
            Some(Ok(Response::new(Full::from(page))))
        }
        _ => None,
    }
}

async fn act(
    state: &Arc<State>,
    token: &str,
    method: Option<&Method>,
    asked: &Asked,
    chat: Option<i64>,
    exchange: &Exchange,
) -> Result<Value, Refusal> {
    state.look(|world| admit(world, token))?;
    let method = method.ok_or_else(|| Refusal::new(404, "Not Found: method not found"))?;
    let run = match method.run {
        Run::Tells(tell) => return Ok(state.look(tell)),
        Run::Polls => return poll::updates(state, asked).await,
        Run::Acts(run) => run,
    };
    let (outcome, faults, hurried) = state.change(|world, now| {
        let mut faults = Vec::new();
        let mut hurried = false;
        if let Some(chat) = chat.filter(|_| method.paced) {
            if let Some(early) = world.pace.too_early(chat, now) {
                faults.push(format!("{early} ms before `retry_after` was over"));
            }
            let wait = world.pace.count(chat, now);
            hurried = wait.is_some();
            if let Some(wait) = wait.filter(|_| world.strict_pace) {
                world.pace.told_to_wait(chat, wait, now);
                return (Err(Refusal::busy(wait)), faults, hurried);
            }
        }
        let mut doing = Doing {
            world,
            asked,
            now,
            faults,
        };
        let outcome = run(&mut doing);
        (outcome, doing.faults, hurried)
    });
    exchange.note(|call| {
        call.faults.extend(faults);
        call.hurried = hurried;
    });
    outcome
}

/// Whether this token opens the door.
fn admit(world: &World, token: &str) -> Result<(), Refusal> {
    let spelled = token.split_once(':').is_some_and(|(id, secret)| {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        id.parse::<u64>().is_ok() && !secret.is_empty() && secret.chars().all(part)
    });
    if !spelled {
        return Err(Refusal::new(404, "Not Found"));
    }
    if world.revoked || token != world.setup.token {
        return Err(Refusal::new(401, "Unauthorized"));
    }
    Ok(())
}

/// A file that the bot fetches.
async fn download(state: &Arc<State>, token: &str, path: &str, fate: &Fate) -> Answer {
    let exchange = state.enter("download", None, json!({ "file_path": path }), Vec::new());
    let planned = state.change(|world, now| fault::take(&mut world.plans, "download", None, now));
    if let Some(answer) = before(state, &exchange, planned.as_ref(), None, fate).await {
        return answer;
    }
    let found = state.look(|world| {
        admit(world, token)?;
        let id = path.strip_prefix("files/").unwrap_or_default();
        let file = world.files.get(id).map(|file| file.bytes.clone());
        file.ok_or_else(|| Refusal::new(404, "Not Found: file not found"))
    });
    exchange.note(|call| call.acted = found.is_ok());
    if let Some(answer) = after(&exchange, planned.as_ref(), fate).await {
        return answer;
    }
    match found {
        Ok(bytes) => {
            exchange.end(CallEnd::Answered);
            Response::builder()
                .header(CONTENT_TYPE, "application/octet-stream")
                .body(Full::new(bytes))
                .map_err(io::Error::other)
        }
        Err(refusal) => answer(&exchange, Err(refusal)),
    }
}

fn answer(exchange: &Exchange, outcome: Result<Value, Refusal>) -> Answer {
    let (code, body) = match outcome {
        Ok(result) => (200, json!({ "ok": true, "result": result })),
        Err(refusal) => (refusal.code, refusal.body()),
    };
    exchange.note(|call| call.answer = body.clone());
    exchange.end(CallEnd::Answered);
    respond(status(code), &body)
}

fn refuse(refusal: &Refusal) -> Answer {
    respond(status(refusal.code), &refusal.body())
}

fn lose(exchange: &Exchange, fate: &Fate, ending: Ending) -> Answer {
    exchange.end(CallEnd::Lost);
    fate.set(ending);
    Err(io::Error::other("the answer is lost, as planned"))
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn respond(status: StatusCode, body: &Value) -> Answer {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_string()))
        .map_err(io::Error::other)
}
