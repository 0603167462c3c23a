//! A model that says what a test wrote for it, and remembers what it was asked.
//! Invariant: one line a request, in order; a request too many fails the turn with a telling message, and one
//! that a strict provider would refuse fails the test.
//! It must not know the lane.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use corvid_core::wire::{Fault, Finish, Usage};
use corvid_core::{Answer, AskedCall, Message, Model, ModelError, ModelRequest, ModelSink, Models};
use tokio::sync::Notify;

use crate::transcript::request_complaint;

/// What the model does with one request.
pub(super) enum Line {
    /// It says this.
    Says(&'static str),
    /// It writes these pieces live, begins afresh where a piece is `None`, and has said them then.
    Writes(Vec<Option<&'static str>>),
    /// It asks for these calls, each `(provider's id, tool, arguments)`.
    Asks(Vec<(&'static str, &'static str, &'static str)>),
    /// It fails in this way; the wait is what the provider asked for, in milliseconds.
    Fails(Fault, Option<u64>),
    /// It waits at the gate, then goes on with the next line.
    Waits(Arc<Gate>),
    /// It asks for these calls as long as it has no result, however often it is asked, then says `done`.
    Insists(Vec<(&'static str, &'static str, &'static str)>),
}

/// A place where a seam waits until the test lets it go on.
#[derive(Default)]
pub(super) struct Gate {
    reached: Notify,
    opened: Notify,
    left: AtomicU32,
}

impl Gate {
    /// Resolves once somebody has come to the gate.
    pub(super) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets one pass.
    pub(super) fn open(&self) {
        self.opened.notify_one();
    }

    /// Waits to be let pass.
    pub(super) async fn pass(&self) {
        let leaving = Leaving(&self.left);
        self.reached.notify_one();
        self.opened.notified().await;
        drop(leaving);
    }

    /// How many have passed or given up.
    pub(super) fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }
}

struct Leaving<'a>(&'a AtomicU32);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The model `test/scripted`.
pub(super) struct ScriptedModel {
    /// Tokens of request that it takes.
    pub(super) context_tokens: AtomicU64,
    lines: Mutex<VecDeque<Line>>,
    requests: Mutex<Vec<ModelRequest>>,
}

impl ScriptedModel {
    pub(super) fn new(lines: Vec<Line>) -> Self {
        Self {
            context_tokens: AtomicU64::new(128_000),
            lines: Mutex::new(lines.into()),
            requests: Mutex::default(),
        }
    }

    /// Everything that it was asked.
    pub(super) fn requests(&self) -> Vec<ModelRequest> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put_back(&self, line: Line) {
        let lines = self.lines.lock();
        lines
            .unwrap_or_else(PoisonError::into_inner)
            .push_front(line);
    }

    fn next_line(&self) -> Option<Line> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

#[async_trait]
impl Model for ScriptedModel {
    fn id(&self) -> &'static str {
        "test/scripted"
    }

    fn context_tokens(&self) -> u64 {
        self.context_tokens.load(Ordering::Relaxed)
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        assert_eq!(request_complaint(&request.messages), None);
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        loop {
            return match self.next_line() {
                Some(Line::Waits(gate)) => {
                    gate.pass().await;
                    continue;
                }
                Some(Line::Says(text)) => Ok(said(text)),
                Some(Line::Writes(pieces)) => Ok(written(&pieces, live)),
                Some(Line::Asks(calls)) => Ok(asking(&calls)),
                Some(Line::Insists(calls)) => {
                    let has_result =
                        |message: &Arc<Message>| matches!(**message, Message::Tool { .. });
                    let has_results = request.messages.iter().any(has_result);
                    let answer = if has_results {
                        said("done")
                    } else {
                        asking(&calls)
                    };
                    self.put_back(Line::Insists(calls));
                    Ok(answer)
                }
                Some(Line::Fails(fault, retry_after_ms)) => Err(ModelError {
                    fault,
                    message: "the scripted model failed".to_owned(),
                    retry_after_ms,
                }),
                None => Err(ModelError {
                    fault: Fault::Final,
                    message: "the script is at its end".to_owned(),
                    retry_after_ms: None,
                }),
            };
        }
    }
}

fn said(text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
    }
}

fn written(pieces: &[Option<&str>], live: &dyn ModelSink) -> Answer {
    let mut text = String::new();
    for piece in pieces {
        if let Some(piece) = piece {
            live.delta(piece);
            text.push_str(piece);
        } else {
            live.waiting(500, "the provider is busy");
            live.restart();
            text.clear();
        }
    }
    said(&text)
}

fn asking(calls: &[(&str, &str, &str)]) -> Answer {
    let calls = calls
        .iter()
        .map(|(provider_id, name, arguments)| AskedCall {
            provider_id: (*provider_id).to_owned(),
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        });
    Answer {
        calls: calls.collect(),
        finish: Finish::ToolCalls,
        ..said("")
    }
}

/// Opens the one scripted model.
pub(super) struct OneModel(pub(super) Arc<ScriptedModel>);

impl Models for OneModel {
    fn open(&self, name: &str) -> Result<Arc<dyn Model>, ModelError> {
        if name == self.0.id() {
            return Ok(Arc::clone(&self.0) as Arc<dyn Model>);
        }
        Err(ModelError {
            fault: Fault::Final,
            message: format!("no model `{name}`"),
            retry_after_ms: None,
        })
    }
}
