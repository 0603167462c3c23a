//! What the binary tells this crate about providers, by value.
//! Invariant: nothing here is read from the environment or a file; a key is only ever a `Secret`.
//! It must not know where the binary found any of it, beyond the words it shows to a person.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use corvid_core::Secret;

/// Where Ollama listens unless it is told otherwise.
const OLLAMA_PORT: u16 = 11434;

/// Everything about models that the binary's config says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The providers that were configured or have a key; presets need no entry to be known.
    pub providers: Vec<ProviderConfig>,
    /// Where `manual` looks for an Ollama to name, never to use.
    pub local_ollama: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            local_ollama: SocketAddr::from((Ipv4Addr::LOCALHOST, OLLAMA_PORT)),
        }
    }
}

/// One provider. What is `None` comes from the preset of that name.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The name before the slash in `provider/model`.
    pub name: String,
    /// The API's address up to and without `/chat/completions`, e.g. `https://api.openai.com/v1`.
    pub base_url: Option<String>,
    /// The key; it is sent to `base_url`'s host and to no other.
    pub key: Option<ProviderKey>,
    /// The model that the bare provider name stands for.
    pub model: Option<String>,
    /// Tokens of request that the models take.
    pub context_tokens: Option<u64>,
    /// Which of the models are sent pictures.
    pub images: Images,
    /// How long the provider may be silent.
    pub timeouts: Timeouts,
}

impl ProviderConfig {
    /// A provider of which nothing is said but its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_url: None,
            key: None,
            model: None,
            context_tokens: None,
            images: Images::Auto,
            timeouts: Timeouts::default(),
        }
    }
}

/// Which models of a provider are sent pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// Those that are known to look at them.
    #[default]
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

/// A key and where it came from.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// The key itself.
    pub secret: Secret,
    /// What a person is told about its origin: a variable's name or a file, e.g. `OPENAI_API_KEY`.
    pub source: String,
}

impl ProviderKey {
    /// A key together with the name of its origin.
    pub fn new(secret: Secret, source: impl Into<String>) -> Self {
        Self {
            secret,
            source: source.into(),
        }
    }
}

/// How long a provider may be silent before the request is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the first byte of an answer (default 60 s).
    pub first_byte: Duration,
    /// Between two pieces of an answer (default 30 s).
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_mins(1),
            idle: Duration::from_secs(30),
        }
    }
}
