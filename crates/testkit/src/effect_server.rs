//! A ledger of outside effects: it counts how often something was really done, and under which key.
//! Invariant: a call is in the ledger before it is answered, whether or not the caller lives to hear it.
//! It must not know tools, sessions or what a repeated call means.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::loopback::Loopback;

/// The largest note that is read, in bytes.
const NOTE_LIMIT: usize = 1 << 20;

/// A running ledger of effects; dropped, it stops.
#[derive(Debug)]
pub struct EffectServer {
    calls: Arc<Mutex<Vec<EffectCall>>>,
    loopback: Loopback,
}

/// One call of an effect: `POST /effect/<name>` with the header `idempotency-key` and a note as its body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectCall {
    /// The effect's name.
    pub name: String,
    /// The key under which it was asked for.
    pub key: String,
    /// What the caller noted.
    pub note: String,
}

impl EffectServer {
    /// Starts a ledger on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be bound or no thread be started.
    pub fn start() -> io::Result<Self> {
        let calls = Arc::new(Mutex::default());
        let served = Arc::clone(&calls);
        let loopback = Loopback::start("effect server", move |stream| {
            connection(Arc::clone(&served), stream)
        })?;
        Ok(Self { calls, loopback })
    }

    /// Its base URL, what `CORVID_EFFECT_SERVER` takes.
    pub fn url(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<EffectCall> {
        lock(&self.calls).clone()
    }
}

async fn connection(calls: Arc<Mutex<Vec<EffectCall>>>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let calls = Arc::clone(&calls);
        async move { Ok::<_, Infallible>(record(&calls, request).await) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        // A caller that is killed on the way is what this server is for.
        tracing::debug!(%error, "a caller left");
    }
}

async fn record(
    calls: &Mutex<Vec<EffectCall>>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let name = head.uri.path().strip_prefix("/effect/").unwrap_or("");
    let key = head.headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok()).unwrap_or("");
    if head.method != Method::POST || name.is_empty() || key.is_empty() {
        return answer(
            StatusCode::BAD_REQUEST,
            "expected POST /effect/<name> with the header idempotency-key",
        );
    }
    let Ok(note) = Limited::new(body, NOTE_LIMIT).collect().await else {
        return answer(StatusCode::BAD_REQUEST, "the note is cut or too long");
    };
    let call = EffectCall {
        name: name.to_owned(),
        key: key.to_owned(),
        note: String::from_utf8_lossy(&note.to_bytes()).into_owned(),
    };
    lock(calls).push(call);
    answer(StatusCode::OK, "done")
}

fn answer(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

fn lock(calls: &Mutex<Vec<EffectCall>>) -> MutexGuard<'_, Vec<EffectCall>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
