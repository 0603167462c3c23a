//! What the tests share: requests, a model at a scripted server, and an ear for what it says meanwhile.
//! Invariant: time stands still but where the provider's wait is heard, which passes at once.
//! It must not know what is expected.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::wire::{CallId, ToolCall};
use corvid_core::{
    Answer, Clock, Message, Model, ModelError, ModelRequest, ModelSink, Models, Secret, ToolSpec,
};
use corvid_llm::{Catalogue, Config, ProviderConfig, ProviderKey, catalogue};
use corvid_testkit::ManualClock;
use corvid_testkit::model_server::{ModelServer, Script};
use serde_json::json;
use tokio::sync::watch;

/// The key of every provider in these tests.
pub(crate) const KEY: &str = "sk-live-0123456789abcdef";

/// What a test hears while it waits for an answer.
pub(crate) struct Ear {
    clock: Arc<ManualClock>,
    heard: Mutex<Heard>,
    deltas: watch::Sender<usize>,
}

/// Everything heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The text of this attempt.
    pub(crate) text: String,
    /// The waits, in milliseconds, with their reasons.
    pub(crate) waits: Vec<(u64, String)>,
}

/// A scripted server, and models that are configured for it.
pub(crate) struct Scene {
    pub(crate) server: ModelServer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ear: Ear,
    pub(crate) catalogue: Catalogue,
}

impl Scene {
    /// A server that knows [`KEY`] alone, configured as `custom` with the model `scripted`.
    pub(crate) fn new(script: Script) -> Self {
        Self::of_provider("custom", script)
    }

    /// The same under a preset's name, and so with its quirks.
    pub(crate) fn of_provider(name: &str, script: Script) -> Self {
        let server = ModelServer::start(script.key(KEY)).expect("a free port");
        let provider = configured(name, &server.url());
        Self::with(server, provider)
    }

    /// A server and a provider configured as the test wants it.
    pub(crate) fn with(server: ModelServer, provider: ProviderConfig) -> Self {
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let config = Config {
            providers: vec![provider],
            ..Config::default()
        };
        Self {
            server,
            ear: Ear::new(Arc::clone(&clock)),
            catalogue: catalogue(config, Arc::clone(&clock) as Arc<dyn Clock>),
            clock,
        }
    }

    /// Opens the configured model.
    pub(crate) fn model(&self) -> Arc<dyn Model> {
        let row = self
            .catalogue
            .list()
            .into_iter()
            .find(|row| row.model.as_deref() == Some("scripted"));
        let provider = row.expect("the configured provider").provider;
        self.catalogue.open(&provider).expect("a configured model")
    }

    /// Asks once, with whatever was said before as user text.
    pub(crate) async fn ask(&self, text: &str) -> Result<Answer, ModelError> {
        self.model().answer(&request([user(text)]), &self.ear).await
    }

    /// The lines of the requests that the server saw.
    pub(crate) fn requests(&self) -> usize {
        self.server.ledger().len()
    }
}

impl Ear {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            heard: Mutex::default(),
            deltas: watch::Sender::new(0),
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        self.lock().clone()
    }

    /// Resolves once so many deltas were heard.
    pub(crate) async fn deltas(&self, count: usize) {
        let mut heard = self.deltas.subscribe();
        heard
            .wait_for(|so_far| *so_far >= count)
            .await
            .expect("the ear lives");
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModelSink for Ear {
    fn delta(&self, text: &str) {
        self.lock().text.push_str(text);
        self.deltas.send_modify(|count| *count += 1);
    }

    fn restart(&self) {
        self.lock().text.clear();
    }

    fn waiting(&self, for_ms: u64, reason: &str) {
        self.lock().waits.push((for_ms, reason.to_owned()));
        self.clock.advance(for_ms);
    }
}

/// A provider at `base_url` with [`KEY`] and the model `scripted`.
pub(crate) fn configured(name: &str, base_url: &str) -> ProviderConfig {
    ProviderConfig {
        base_url: Some(base_url.to_owned()),
        key: Some(ProviderKey::new(Secret::new(KEY), "THE_KEY")),
        model: Some("scripted".to_owned()),
        ..ProviderConfig::new(name)
    }
}

/// A request with these messages and two tools.
pub(crate) fn request(messages: impl IntoIterator<Item = Message>) -> ModelRequest {
    ModelRequest {
        system: "You are Corvid.".to_owned(),
        messages: messages.into_iter().map(Arc::new).collect(),
        tools: Arc::from([
            tool("file.read", &["path"]),
            tool("system.run", &["command"]),
        ]),
    }
}

/// A tool whose arguments are all required texts.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> ToolSpec {
    let properties: serde_json::Map<_, _> = arguments
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "type": "string" })))
        .collect();
    ToolSpec {
        name: name.to_owned(),
        description: format!("Does {name}."),
        parameters: json!({
            "type": "object",
            "properties": properties,
            "required": arguments,
        }),
    }
}

pub(crate) fn user(text: &str) -> Message {
    Message::User {
        text: text.to_owned(),
        images: Vec::new(),
    }
}

/// What the model said, with calls given as provider id, name and arguments.
pub(crate) fn assistant(step: u32, text: &str, calls: &[(&str, &str, &str)]) -> Message {
    let calls = (0..)
        .zip(calls)
        .map(|(index, (id, name, arguments))| ToolCall {
            id: CallId {
                turn: 1,
                step,
                index,
            },
            provider_id: (*id).to_owned(),
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        });
    Message::Assistant {
        text: text.to_owned(),
        calls: calls.collect(),
    }
}

pub(crate) fn result(id: &str, name: &str, text: &str) -> Message {
    Message::Tool {
        provider_id: id.to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
    }
}
