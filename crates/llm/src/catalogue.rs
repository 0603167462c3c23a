//! Which models can be opened, by `provider/model`, and what each provider lacks.
//! Invariant: a key is handed to the endpoint of its own provider and to nothing else.
//! It must not know how a request is made, nor what is said in it.

use std::net::SocketAddr;
use std::sync::Arc;

use corvid_core::{Clock, Message, Model, ModelError, ModelRequest, ModelSink, Models, Pictures};

use crate::config::{Config, ProviderConfig};
use crate::endpoint::Endpoint;
use crate::fault::final_error;
use crate::manual::{MANUAL, ManualModel};
use crate::openai::{ChatModel, Learned};
use crate::presets::{KeyRule, PRESETS, Preset, Quirks, preset};
use crate::sight::sees;
use crate::transport::Transport;

/// Tokens of request for providers of which nothing is known.
const CONTEXT_TOKENS: u64 = 128_000;

/// What [`Catalogue::test`] asks.
const TEST_REQUEST: &str = "Reply with the single word: ok";

/// The models of every known or configured provider.
pub struct Catalogue {
    entries: Vec<Entry>,
    local_ollama: SocketAddr,
    transport: Arc<Transport>,
    learned: Arc<Learned>,
    pictures: Option<Arc<dyn Pictures>>,
}

/// One provider as `agent model list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// The name before the slash.
    pub provider: String,
    /// The model that the bare provider name stands for; `None` where one has to be named.
    pub model: Option<String>,
    /// Where the provider is; `None` where it has to be configured.
    pub base_url: Option<String>,
    /// Whether its key is there.
    pub key: KeyState,
    /// The key travels unencrypted to another machine, since the address begins with `http://`.
    pub key_is_bare: bool,
}

/// Whether a provider's key is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Present {
        /// A variable's name or a file.
        source: String,
    },
    /// It is needed and not there.
    Missing {
        /// The variable that takes it.
        variable: String,
    },
    /// The provider may answer without one.
    NotNeeded,
}

/// A model that answered [`Catalogue::test`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// `provider/model`.
    pub model: String,
    /// From the request to the whole answer, in milliseconds.
    pub latency_ms: u64,
}

struct Entry {
    preset: Option<&'static Preset>,
    config: ProviderConfig,
}

/// The catalogue of what is configured, over every preset. Nothing is connected or read here.
pub fn catalogue(config: Config, clock: Arc<dyn Clock>) -> Catalogue {
    let mut configured = config.providers;
    let mut entries: Vec<Entry> = PRESETS
        .iter()
        .map(|preset| {
            let at = configured.iter().position(|c| c.name == preset.name);
            let config = at.map(|at| configured.remove(at));
            Entry {
                preset: Some(preset),
                config: config.unwrap_or_else(|| ProviderConfig::new(preset.name)),
            }
        })
        .collect();
    entries.extend(configured.into_iter().map(|config| Entry {
        preset: preset(&config.name),
        config,
    }));
    Catalogue {
        entries,
        local_ollama: config.local_ollama,
        transport: Arc::new(Transport::new(clock)),
        learned: Arc::default(),
        pictures: None,
    }
}

impl Catalogue {
    /// The same models, those that can look at pictures being sent what these yield.
    #[must_use]
    pub fn seeing(self, pictures: Arc<dyn Pictures>) -> Self {
        Self {
            pictures: Some(pictures),
            ..self
        }
    }

    /// Every provider, presets first in their order, and last the built-in `manual`.
    pub fn list(&self) -> Vec<ModelRow> {
        let manual = ModelRow {
            provider: MANUAL.to_owned(),
            model: None,
            base_url: None,
            key: KeyState::NotNeeded,
            key_is_bare: false,
        };
        let rows = self.entries.iter().map(Entry::row);
        rows.chain([manual]).collect()
    }

    /// Makes one tiny real request.
    ///
    /// # Errors
    /// That of opening the model or of the request.
    pub async fn test(&self, name: &str) -> Result<Tested, ModelError> {
        let model = self.open(name)?;
        let request = ModelRequest {
            system: String::new(),
            messages: vec![Arc::new(Message::user(TEST_REQUEST))],
            tools: Arc::from([]),
        };
        let clock = self.transport.clock();
        let began = clock.now();
        model.answer(&request, &Unheard).await?;
        Ok(Tested {
            model: model.id().to_owned(),
            latency_ms: u64::try_from(clock.now().saturating_sub(began)).unwrap_or(0),
        })
    }

    fn unknown(&self, provider: &str) -> ModelError {
        let names: Vec<&str> = self
            .entries
            .iter()
            .map(|e| e.config.name.as_str())
            .collect();
        final_error(format!(
            "no provider `{provider}`; there are {}, and `custom` is any other server at `providers.custom.base_url`",
            names.join(", ")
        ))
    }
}

impl Models for Catalogue {
    fn open(&self, name: &str) -> Result<Arc<dyn Model>, ModelError> {
        if name == MANUAL {
            let manual = ManualModel::new(self.local_ollama, self.transport.clone());
            return Ok(Arc::new(manual));
        }
        let (provider, model) = match name.split_once('/') {
            Some((provider, model)) => (provider, Some(model)),
            None => (name, None),
        };
        let entry = self.entries.iter().find(|e| e.config.name == provider);
        let entry = entry.ok_or_else(|| self.unknown(provider))?;
        let model = model
            .or(entry.model())
            .filter(|model| !model.trim().is_empty())
            .ok_or_else(|| {
                final_error(format!(
                    "`{name}` names no model; write `{provider}/MODEL`, or set `providers.{provider}.model`"
                ))
            })?;
        Ok(Arc::new(ChatModel {
            id: format!("{provider}/{model}"),
            model: model.to_owned(),
            endpoint: entry.endpoint()?,
            quirks: entry.preset.map_or(Quirks::LENIENT, |p| p.quirks),
            timeouts: entry.config.timeouts,
            context_tokens: entry.context_tokens(),
            transport: self.transport.clone(),
            learned: self.learned.clone(),
            pictures: self
                .pictures
                .clone()
                .filter(|_| sees(entry.config.images, model)),
        }))
    }
}

impl Entry {
    fn row(&self) -> ModelRow {
        ModelRow {
            provider: self.config.name.clone(),
            model: self.model().map(str::to_owned),
            base_url: self.base_url().map(str::to_owned),
            key: self.key_state(),
            key_is_bare: self.endpoint().is_ok_and(|endpoint| endpoint.bares_key()),
        }
    }

    fn model(&self) -> Option<&str> {
        let preset = self.preset.and_then(|preset| preset.default_model);
        self.config.model.as_deref().or(preset)
    }

    fn base_url(&self) -> Option<&str> {
        let preset = self.preset.and_then(|preset| preset.base_url);
        self.config.base_url.as_deref().or(preset)
    }

    fn context_tokens(&self) -> u64 {
        let preset = self.preset.map(|preset| preset.context_tokens);
        self.config
            .context_tokens
            .or(preset)
            .unwrap_or(CONTEXT_TOKENS)
    }

    fn key_state(&self) -> KeyState {
        let key = self.config.key.as_ref();
        if let Some(key) = key.filter(|key| !key.secret.expose().trim().is_empty()) {
            return KeyState::Present {
                source: key.source.clone(),
            };
        }
        match self.preset {
            // Another server than the provider's own may want none; if it does, it says so.
            Some(preset) if preset.key == KeyRule::Required && self.config.base_url.is_none() => {
                KeyState::Missing {
                    variable: preset.key_variable.to_owned(),
                }
            }
            _ => KeyState::NotNeeded,
        }
    }

    fn endpoint(&self) -> Result<Endpoint, ModelError> {
        let provider = self.config.name.as_str();
        let variable = self.preset.map(|preset| preset.key_variable);
        let base_url = self.base_url().ok_or_else(|| {
            final_error(format!(
                "`{provider}` has no address; set `providers.{provider}.base_url`"
            ))
        })?;
        let endpoint = Endpoint::new(provider, base_url, self.config.key.clone(), variable)?;
        match self.key_state() {
            KeyState::Missing { .. } => Err(final_error(format!(
                "{provider} wants a key; {}",
                endpoint.how_to_set_key()
            ))),
            KeyState::Present { .. } | KeyState::NotNeeded => Ok(endpoint),
        }
    }
}

/// Hears nothing: a test shows only how it ended.
struct Unheard;

impl ModelSink for Unheard {
    fn delta(&self, _text: &str) {}

    fn restart(&self) {}

    fn waiting(&self, _for_ms: u64, _reason: &str) {}
}
