//! What a running model server knows: the script, how often each rule has answered, what it saw, open gates.
//! Invariant: choosing a reply uses the rule up in the same step, so that concurrent requests never share one.
//! It must not know sockets.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ledger::Ledger;
use super::reply::Reply;
use super::request::{Request, list, text_of};
use super::script::{Access, Script};
use super::validate;

/// The server's state, shared by its connections.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ledger: Arc<Ledger>,
    script: Script,
    memory: Mutex<Memory>,
    gates: watch::Sender<BTreeSet<String>>,
}

#[derive(Debug)]
struct Memory {
    /// How often each rule has answered.
    used: Vec<u32>,
    /// What each session was offered first, by the text that it began with.
    offered: HashMap<String, Vec<String>>,
}

/// What is answered to a request.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The reply's name in the ledger.
    pub(super) label: String,
    /// The scripted reply, if that is the answer.
    pub(super) reply: Option<Reply>,
    /// Or the refusal: status, and kind of error.
    pub(super) refusal: Option<(StatusCode, &'static str)>,
}

impl Choice {
    /// The list of models.
    pub(super) fn models() -> Self {
        Self {
            label: "models".to_owned(),
            ..Self::default()
        }
    }

    /// A refusal; its message is what is wrong with the request.
    pub(super) fn refused(status: StatusCode, kind: &'static str) -> Self {
        Self {
            label: "refused".to_owned(),
            refusal: Some((status, kind)),
            ..Self::default()
        }
    }

    fn scripted(label: String, reply: &Reply) -> Self {
        Self {
            label,
            reply: Some(reply.clone()),
            refusal: None,
        }
    }
}

impl State {
    /// The state of a server that has answered nothing yet.
    pub(super) fn new(script: Script, ledger: Ledger) -> Self {
        let memory = Memory {
            used: vec![0; script.rules.len()],
            offered: HashMap::new(),
        };
        Self {
            ledger: Arc::new(ledger),
            script,
            memory: Mutex::new(memory),
            gates: watch::Sender::default(),
        }
    }

    /// What is wrong with a request's token; `None` where no authorization was sent at all.
    pub(super) fn access_violations(&self, token: Option<&str>) -> Vec<String> {
        let wrong = match (&self.script.access, token) {
            (Access::AnyKey | Access::Key(_), None) => "no authorization header",
            (Access::AnyKey, Some("")) => "the authorization holds no bearer token",
            (Access::Key(key), Some(token)) if key != token => "incorrect API key provided",
            (Access::Open, Some(_)) => "an authorization header for a server that asks for none",
            _ => return Vec::new(),
        };
        vec![wrong.to_owned()]
    }

    /// Checks a chat request and chooses its reply.
    pub(super) fn chat(
        &self,
        headers: &HeaderMap,
        body: &Value,
        violations: &mut Vec<String>,
    ) -> Choice {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if !content_type.is_some_and(|value| value.starts_with(b"application/json")) {
            violations.push("the content type is not application/json".to_owned());
        }
        violations.extend(validate::body(body));
        let request = Request::read(body);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        violations.extend(memory.reordered(&request, body));
        if !violations.is_empty() {
            return Choice::refused(StatusCode::BAD_REQUEST, "invalid_request_error");
        }
        if !self.script.models.is_empty() && !self.script.models.contains(&request.model) {
            violations.push(format!("the model `{}` does not exist", request.model));
            return Choice::refused(StatusCode::NOT_FOUND, "model_not_found");
        }
        if let Some(choice) = self.rule_for(&request, &mut memory) {
            return choice;
        }
        if let Some(reply) = &self.script.otherwise {
            return Choice::scripted("otherwise".to_owned(), reply);
        }
        violations.push(format!(
            "no rule is left for this request (user `{}`, {} results)",
            request.user,
            request.results.len()
        ));
        Choice::refused(StatusCode::BAD_REQUEST, "invalid_request_error")
    }

    /// Resolves once the gate is open.
    pub(super) async fn gate(&self, name: &str) {
        let mut open = self.gates.subscribe();
        if open.wait_for(|open| open.contains(name)).await.is_err() {
            // The sender lives in `self`, so that this cannot be.
            std::future::pending::<()>().await;
        }
    }

    /// Opens a gate for good.
    pub(super) fn open_gate(&self, name: &str) {
        self.gates.send_modify(|open| {
            open.insert(name.to_owned());
        });
    }

    /// The answer to `GET /v1/models`.
    pub(super) fn models_body(&self) -> String {
        let model = |id: &String| json!({ "id": id, "object": "model", "owned_by": "testkit" });
        let models: Vec<_> = self.script.models.iter().map(model).collect();
        json!({ "object": "list", "data": models }).to_string()
    }

    fn rule_for(&self, request: &Request, memory: &mut Memory) -> Option<Choice> {
        let rules = self.script.rules.iter().zip(&mut memory.used).enumerate();
        for (index, (rule, used)) in rules {
            let left = rule.times.is_none_or(|times| *used < times);
            if left && request.meets(&rule.when) {
                *used += 1;
                return Some(Choice::scripted(format!("rule {index}"), &rule.reply));
            }
        }
        None
    }
}

impl Memory {
    /// A session's tools must stay the same and in the same order, since prompt caches depend on it.
    fn reordered(&mut self, request: &Request, body: &Value) -> Option<String> {
        let first = list(&body["messages"]).find(|message| message["role"] == "user");
        let began_with = first.map(|message| text_of(&message["content"]))?;
        let offered = self
            .offered
            .entry(began_with)
            .or_insert_with(|| request.offered.clone());
        (*offered != request.offered).then(|| {
            format!(
                "the tools changed within a session: {offered:?}, now {:?}",
                request.offered
            )
        })
    }
}
