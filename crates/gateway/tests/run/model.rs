//! A model that says what it was told, asks for a call where it was told to, and waits where a test holds it.
//! Invariant: what it answers follows from the last message alone.
//! It must not know the gateway.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Finish, Usage};
use corvid_core::{Answer, AskedCall, Message, Model, ModelError, ModelRequest, ModelSink, Models};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A model call that waits.
pub(crate) struct Hold {
    text: String,
    reached: Notify,
    released: CancellationToken,
}

impl Hold {
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn release(&self) {
        self.released.cancel();
    }
}

#[derive(Default)]
pub(crate) struct EchoModel {
    calls: AtomicU32,
    holds: Mutex<Vec<Arc<Hold>>>,
}

pub(crate) struct OneModel(pub(crate) Arc<EchoModel>);

impl EchoModel {
    /// Holds the call whose last message is this text.
    pub(crate) fn hold(&self, text: &str) -> Arc<Hold> {
        let hold = Arc::new(Hold {
            text: text.to_owned(),
            reached: Notify::new(),
            released: CancellationToken::new(),
        });
        self.holds.lock().unwrap().push(Arc::clone(&hold));
        hold
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Models for OneModel {
    fn open(&self, _name: &str) -> Result<Arc<dyn Model>, ModelError> {
        Ok(Arc::clone(&self.0) as Arc<dyn Model>)
    }
}

#[async_trait]
impl Model for EchoModel {
    fn id(&self) -> &'static str {
        "test/echo"
    }

    fn context_tokens(&self) -> u64 {
        8_000
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        _live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let said = match request.messages.last().map(AsRef::as_ref) {
            Some(Message::User { text, .. }) => text.clone(),
            Some(Message::Tool { text, .. }) => return Ok(says(&format!("it said: {text}"))),
            other => panic!("the last message is nobody's: {other:?}"),
        };
        if let Some(tool) = said.strip_prefix("call ") {
            return Ok(calls(tool));
        }
        let hold = {
            let holds = self.holds.lock().unwrap();
            holds.iter().find(|hold| hold.text == said).cloned()
        };
        if let Some(hold) = hold {
            hold.reached.notify_one();
            hold.released.cancelled().await;
        }
        Ok(says(&format!("you said: {said}")))
    }
}

fn says(text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
    }
}

fn calls(tool: &str) -> Answer {
    Answer {
        calls: vec![AskedCall {
            provider_id: "p".to_owned(),
            name: tool.to_owned(),
            arguments: "{}".to_owned(),
        }],
        finish: Finish::ToolCalls,
        ..says("")
    }
}
