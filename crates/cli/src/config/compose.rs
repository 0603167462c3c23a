//! From the settings to each crate's own config.
//! Invariant: a crate gets its own values and nothing else; a key goes into its own provider's entry.
//! It must not know what a crate does with its config.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use corvid_core::Secret;
use corvid_core::redact::Redactor;
use corvid_llm::{KeyRule, PRESETS, Preset, ProviderConfig, Timeouts};

use super::environment::Environment;
use super::home::Home;
use super::problem::{Problem, Problems};
use super::settings::{Provider, Settings};
use super::{Layered, TELEGRAM_BOT_TOKEN, daemon, hidden, secrets, toolchains};

/// A mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// How long a command runs in the background unless it asks for another time.
const BACKGROUND: Duration = Duration::from_hours(1);

/// What the crates get.
#[derive(Clone, Debug)]
pub(crate) struct Composed {
    /// The settings themselves.
    pub(crate) settings: Settings,
    /// Where the store is.
    pub(crate) store: corvid_store::Config,
    /// The folder of whole outputs.
    pub(crate) outputs: PathBuf,
    /// The providers.
    pub(crate) llm: corvid_llm::Config,
    /// The built-in tools.
    pub(crate) tools: corvid_tools::Config,
    /// Folders that commands and tools may read beside the system's.
    pub(crate) toolchains: Vec<PathBuf>,
    /// Variables by which commands find them.
    pub(crate) finders: Vec<(String, String)>,
    /// Bytes of a command's output that are kept.
    pub(crate) output_bytes: u64,
    /// Folders that no tool may touch.
    pub(crate) private: Vec<PathBuf>,
    /// The model, unless the person names another.
    pub(crate) model: ModelChoice,
    /// What takes secrets out of text.
    pub(crate) redactor: Arc<Redactor>,
    /// The folder of files as they were before turns changed them.
    pub(crate) checkpoints: PathBuf,
}

/// A model and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelChoice {
    /// `provider/model`, or `manual`.
    pub(crate) name: String,
    /// Why, for a person.
    pub(crate) because: String,
}

impl Composed {
    /// Composes everything from config and environment.
    ///
    /// # Errors
    /// With every problem of the config and of the key files it names.
    pub(crate) fn load(home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let layered = Layered::load(home, environment)?;
        Self::of(&layered, home, environment)
    }

    /// Composes from settings that are already read.
    ///
    /// # Errors
    /// As [`Composed::load`].
    pub(crate) fn of(
        layered: &Layered,
        home: &Home,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let settings = Settings::of(layered).context("the config keys and their types disagree")?;
        let mut problems = Vec::from_iter(daemon::bared_token(layered, home));
        let llm = providers(&settings, home, environment, &mut problems);
        let mut expand = |name: &str, path: &str| {
            home.expand(path).unwrap_or_else(|why| {
                problems.push(Problem {
                    key: Some(name.to_owned()),
                    text: format!("`{name}` is `{path}`: {why}"),
                });
                PathBuf::new()
            })
        };
        let database = match corvid_store::Config::from_url(&settings.store.url) {
            Ok(store) => expand("store.url", &store.path.to_string_lossy()),
            // It is not set: anything else that is no address was refused by now.
            Err(_) => home.state.join("corvid.db"),
        };
        let named = &settings.sandbox.toolchains;
        let folders: Vec<PathBuf> = if named == toolchains::USUAL {
            toolchains::usual(home)
        } else {
            let expanded = named.iter().map(|path| expand("sandbox.toolchains", path));
            expanded.collect()
        };
        if !problems.is_empty() {
            return Err(Problems(problems).into());
        }
        let own_secrets = own_secrets(&settings, layered, environment);
        let mut private = private(home, &database);
        private.extend(key_files(&settings, home));
        Ok(Self {
            outputs: home.state.join("outputs"),
            checkpoints: home.state.join("checkpoints"),
            redactor: Arc::new(hidden::redactor(environment, &llm, own_secrets)),
            tools: tools(&settings, &folders, &private, home),
            finders: toolchains::finders(&folders, home, environment),
            toolchains: folders,
            output_bytes: settings.sandbox.output_mb * MIB,
            private,
            store: corvid_store::Config { path: database },
            model: choose(&settings, layered, &llm),
            llm,
            settings,
        })
    }
}

impl Composed {
    /// Whether there is a messenger through which people could reach the agent.
    pub(crate) fn has_messenger(&self) -> bool {
        !self.settings.telegram.token.is_empty()
    }
}

/// What is secret beside the providers' keys: the bot's token, the key of who transcribes.
fn own_secrets(
    settings: &Settings,
    layered: &Layered,
    environment: &Environment,
) -> Vec<(String, Secret)> {
    let token = daemon::token(layered).map(|(token, _)| (TELEGRAM_BOT_TOKEN.to_owned(), token));
    let variable = &settings.transcription.key_env;
    let key = environment.text(variable).ok().flatten();
    let key = key.map(|key| (variable.clone(), Secret::new(key.trim())));
    token.into_iter().chain(key).collect()
}

fn tools(
    settings: &Settings,
    readable: &[PathBuf],
    private: &[PathBuf],
    home: &Home,
) -> corvid_tools::Config {
    let tools = &settings.tools;
    let longest = Duration::from_hours(settings.jobs.max_hours);
    corvid_tools::Config {
        timeout: Duration::from_secs(tools.timeout_secs),
        max_timeout: Duration::from_secs(tools.max_timeout_secs),
        output_chars: tools.output_chars,
        max_file_bytes: tools.max_file_mb * MIB,
        readable: readable.to_vec(),
        private: private.to_vec(),
        background: BACKGROUND.min(longest),
        max_background: longest,
        home: home.user.clone(),
        // Made at the wiring, once for the tools and for `undo`.
        checkpoints: None,
    }
}

/// Corvid's own folders, and where the person's credentials usually are.
fn private(home: &Home, database: &Path) -> Vec<PathBuf> {
    let own = [
        Some(home.config_folder()),
        Some(&*home.state),
        database.parent(),
    ];
    let credentials = home.user.as_deref().map(corvid_sandbox::credential_paths);
    let own = own.into_iter().flatten().map(PathBuf::from);
    own.chain(credentials.into_iter().flatten()).collect()
}

/// The files that providers' keys are read from: no tool may read them too.
fn key_files<'a>(settings: &'a Settings, home: &'a Home) -> impl Iterator<Item = PathBuf> + 'a {
    settings
        .providers
        .values()
        .filter(|provider| !provider.key_file.is_empty())
        .filter_map(|provider| home.expand(&provider.key_file).ok())
}

fn providers(
    settings: &Settings,
    home: &Home,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> corvid_llm::Config {
    let mut llm = corvid_llm::Config::default();
    for preset in PRESETS {
        let Some(provider) = settings.providers.get(preset.name) else {
            continue;
        };
        let key = secrets::provider_key(preset, &provider.key_file, home, environment);
        let key = key.unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        llm.providers.push(ProviderConfig {
            name: preset.name.to_owned(),
            base_url: differing(&provider.base_url, preset.base_url),
            key,
            model: differing(&provider.model, preset.default_model),
            context_tokens: Some(provider.context_tokens),
            images: provider.images.into(),
            timeouts: Timeouts {
                first_byte: Duration::from_secs(provider.first_byte_secs),
                idle: Duration::from_secs(provider.idle_secs),
            },
        });
    }
    llm
}

/// What was set to something else than the preset has.
fn differing(text: &str, preset: Option<&str>) -> Option<String> {
    (!text.is_empty() && Some(text) != preset).then(|| text.to_owned())
}

/// The order of DESIGN §8: config, then the first provider with a key, then one that needs none and was
/// set up by hand, and last `manual`.
fn choose(settings: &Settings, layered: &Layered, llm: &corvid_llm::Config) -> ModelChoice {
    let choice = |name: String, because: String| ModelChoice { name, because };
    if !settings.model.is_empty() {
        return choice(settings.model.clone(), "the config says so".to_owned());
    }
    let usable = |preset: &Preset| -> Option<&Provider> {
        let provider = settings.providers.get(preset.name)?;
        (!provider.base_url.is_empty() && !provider.model.is_empty()).then_some(provider)
    };
    let key_of = |preset: &Preset| {
        let mut configs = llm.providers.iter();
        configs
            .find(|config| config.name == preset.name)?
            .key
            .as_ref()
    };
    for preset in PRESETS {
        if let (Some(provider), Some(key)) = (usable(preset), key_of(preset)) {
            let name = format!("{}/{}", preset.name, provider.model);
            return choice(name, format!("its key is in {}", key.source));
        }
    }
    for preset in PRESETS
        .iter()
        .filter(|preset| preset.key == KeyRule::Optional)
    {
        let model = format!("providers.{}.model", preset.name);
        if let Some(provider) = usable(preset).filter(|_| layered.is_set(&model)) {
            let name = format!("{}/{}", preset.name, provider.model);
            return choice(name, format!("`{model}` is set"));
        }
    }
    choice("manual".to_owned(), "no provider has a key".to_owned())
}
