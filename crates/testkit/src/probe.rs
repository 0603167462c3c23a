//! Tools that do nothing but leave a mark at the effect server, one for each class of effect.
//! Invariant: each mark bears the call's key; what repeating a probe would do is what its name says.
//! It must not know who counts the marks, nor exist in a release.

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use corvid_core::wire::Effect;
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use http_body_util::{BodyExt as _, Full};
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// How long a probe may run, in milliseconds.
const TIMEOUT_MS: u64 = 10_000;

/// The probes, by name and by what repeating them would do.
pub const PROBES: [(&str, Effect); 3] = [
    ("probe.idempotent", Effect::Idempotent),
    ("probe.pure", Effect::Pure),
    ("probe.unsafe", Effect::Unsafe),
];

/// The probe tools; `server` is the base URL of an [`EffectServer`](crate::EffectServer).
pub fn probes(server: &str) -> Vec<Arc<dyn Tool>> {
    PROBES
        .into_iter()
        .map(|(name, effect)| Arc::new(Probe::new(name, effect, server)) as Arc<dyn Tool>)
        .collect()
}

#[derive(Debug)]
struct Probe {
    spec: ToolSpec,
    effect: Effect,
    server: String,
}

impl Probe {
    fn new(name: &str, effect: Effect, server: &str) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: "leaves a note at the effect server".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": { "note": { "type": "string" } },
                "required": ["note"],
                "additionalProperties": false,
            }),
        };
        Self {
            spec,
            effect,
            server: server.trim_end_matches('/').to_owned(),
        }
    }
}

#[async_trait]
impl Tool for Probe {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let note = arguments["note"]
            .as_str()
            .ok_or_else(|| "`note` is missing or no text".to_owned())?;
        Ok(Checked {
            effect: self.effect,
            resource: note.to_owned(),
            also: Vec::new(),
            wider: None,
            timeout_ms: TIMEOUT_MS,
            inquiry: None,
        })
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let note = call.arguments["note"].as_str().unwrap_or_default();
        let url = format!("{}/effect/{}", self.server, self.spec.name);
        let posted = tokio::select! {
            posted = post(&url, call.key.as_str(), note) => posted,
            () = call.cancel.cancelled() => Err(io::ErrorKind::Interrupted.into()),
        };
        match posted {
            Ok(answer) => Ok(ToolOutput::text(format!("noted `{note}`: {answer}"))),
            Err(error) => Err(ToolError::Tell(format!(
                "the effect server failed: {error}"
            ))),
        }
    }
}

/// Posts a note under a key, over a connection of its own.
async fn post(url: &str, key: &str, note: &str) -> io::Result<String> {
    let url: Uri = url.parse().map_err(io::Error::other)?;
    let authority = url.authority().map_or("", Authority::as_str);
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.path())
        .header(HOST, authority)
        .header("idempotency-key", key)
        .body(Full::<Bytes>::from(note.to_owned()))
        .map_err(io::Error::other)?;
    let stream = TcpStream::connect(authority).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    };
    // The connection must be driven while the answer is awaited, and ends with it.
    let outcome: Result<(StatusCode, Bytes), hyper::Error> = tokio::select! {
        outcome = exchange => outcome,
        Err(error) = connection => Err(error),
    };
    let (status, body) = outcome.map_err(io::Error::other)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        Ok(text)
    } else {
        Err(io::Error::other(format!("{status}: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
    use corvid_core::{NoJobs, NoPosts, Outputs, Progress};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{EffectCall, EffectServer};

    struct Quiet;

    impl Progress for Quiet {
        fn show(&self, _line: &str) {}
    }

    fn invocation(arguments: Value) -> Invocation {
        Invocation {
            session: SessionId::new("s"),
            call: CallId {
                turn: 1,
                step: 1,
                index: 0,
            },
            key: CallKey::new("k"),
            arguments,
            working_dir: "/".into(),
            timeout_ms: TIMEOUT_MS,
            outputs: Outputs::new("/"),
            origin: Address {
                channel: "terminal".to_owned(),
                account: "1".to_owned(),
                conversation: "c".to_owned(),
            },
            requester: Requester {
                id: "1".to_owned(),
                role: Role::Owner,
            },
            jobs: Arc::new(NoJobs),
            posts: Arc::new(NoPosts),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Quiet),
        }
    }

    #[tokio::test]
    async fn every_run_leaves_one_mark_under_its_key() -> Result<(), Box<dyn std::error::Error>> {
        let server = EffectServer::start()?;
        for probe in probes(&server.url()) {
            probe.run(&invocation(json!({ "note": "n" }))).await?;
        }
        let expect = PROBES.map(|(name, _)| EffectCall {
            name: name.to_owned(),
            key: "k".to_owned(),
            note: "n".to_owned(),
        });
        assert_eq!(server.calls(), expect);
        Ok(())
    }

    #[tokio::test]
    async fn a_lost_server_is_told_to_the_model() {
        let gone = EffectServer::start().map(|server| server.url());
        let url = gone.unwrap_or_default();
        for probe in probes(&url) {
            let outcome = probe.run(&invocation(json!({ "note": "n" }))).await;
            assert!(matches!(outcome, Err(ToolError::Tell(_))), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_mark_without_a_key_is_refused() -> io::Result<()> {
        let server = EffectServer::start()?;
        let outcome = post(&format!("{}/effect/x", server.url()), "", "n").await;
        assert!(outcome.is_err_and(|error| error.to_string().starts_with("400")));
        assert_eq!(server.calls(), []);
        Ok(())
    }

    #[test]
    fn a_probe_wants_its_note() {
        for probe in probes("http://127.0.0.1:1") {
            assert_eq!(
                probe.check(&json!({}), Path::new("/")),
                Err("`note` is missing or no text".to_owned())
            );
        }
    }
}
