//! The config as types, for the code that uses it.
//! Invariant: its fields are exactly the table's keys; a test holds both together.
//! It must not know where a value came from, nor check it again.

use std::collections::BTreeMap;

use corvid_tools::policy::{Preset, RuleConfig};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Layered;

/// Every key's value. Empty text means "not set".
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The model to use, `provider/model`.
    pub(crate) model: String,
    /// `[store]`
    pub(crate) store: Store,
    /// `[turn]`
    pub(crate) turn: Turn,
    /// `[tools]`
    pub(crate) tools: Tools,
    /// `[sandbox]`
    pub(crate) sandbox: Sandbox,
    /// `[policy]`
    pub(crate) policy: Policy,
    /// `[approvals]`
    pub(crate) approvals: Approvals,
    /// `[network]`
    pub(crate) network: Network,
    /// `[checkpoints]`
    pub(crate) checkpoints: Checkpoints,
    /// `[jobs]`
    pub(crate) jobs: Jobs,
    /// `[daemon]`
    pub(crate) daemon: Daemon,
    /// `[outbox]`
    pub(crate) outbox: Outbox,
    /// `[telegram]`
    pub(crate) telegram: Telegram,
    /// `[transcription]`
    pub(crate) transcription: Transcription,
    /// `[providers.NAME]`, every preset by its name.
    pub(crate) providers: BTreeMap<String, Provider>,
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// `sqlite:` and a path.
    pub(crate) url: String,
}

/// Limits of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    /// Model calls in one turn.
    pub(crate) max_steps: u32,
    /// Pure calls that run at once.
    pub(crate) parallel_calls: u32,
}

/// Limits of the built-in tools.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tools {
    /// Seconds that a call may run unless it asks for another time.
    pub(crate) timeout_secs: u64,
    /// Seconds that a call may ask for at most.
    pub(crate) max_timeout_secs: u64,
    /// Characters of output that the model gets of one call.
    pub(crate) output_chars: usize,
    /// Mebibytes of the largest file that tools write or edit.
    pub(crate) max_file_mb: u64,
}

/// The host sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sandbox {
    /// Folders that commands may read beside the system's and their own.
    pub(crate) toolchains: Vec<String>,
    /// Variables that commands inherit beside the harmless ones.
    pub(crate) variables: Vec<String>,
    /// Mebibytes of a command's output that are kept.
    pub(crate) output_mb: u64,
}

/// What may run, what asks, what may not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// The rules that come first: `careful`, `default` or `trusting`.
    pub(crate) preset: Preset,
    /// The person's own rules, in order.
    pub(crate) rules: Vec<RuleConfig>,
}

/// Questions to people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approvals {
    /// Seconds that a question stays open.
    pub(crate) timeout_secs: u64,
}

/// What commands may reach that were allowed the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Hosts that may be reached although their address is private.
    pub(crate) private_hosts: Vec<String>,
}

/// What is kept of files before a turn changes them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoints {
    /// Mebibytes that they may take in all; 0 keeps none.
    pub(crate) max_mb: u64,
    /// Days after which they go.
    pub(crate) keep_days: u64,
}

/// Commands in the background.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    /// How many run at once in a process.
    pub(crate) parallel: usize,
    /// Hours that one may run at most.
    pub(crate) max_hours: u64,
}

/// What runs all the time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Daemon {
    /// Seconds that turns have to end when it is stopped.
    pub(crate) grace_secs: u64,
    /// The folder in which sessions that messengers begin have theirs.
    pub(crate) workspace: String,
    /// The time zone of people who have named none.
    pub(crate) time_zone: String,
}

/// What is on its way to people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outbox {
    /// Hours after which what was not delivered is given up.
    pub(crate) max_age_hours: u64,
}

/// The Telegram bot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telegram {
    /// What may be shown of its token; the token itself is not among these types.
    pub(crate) token: String,
    /// Another server than Telegram's.
    pub(crate) api_url: String,
    /// People who may do everything.
    pub(crate) owners: Vec<i64>,
    /// People who may talk to the agent.
    pub(crate) members: Vec<i64>,
    /// Groups in which they may.
    pub(crate) groups: Vec<i64>,
    /// Whether a reply that is being written is shown as a draft.
    pub(crate) draft_previews: bool,
}

/// Who listens to voice messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transcription {
    /// The API's address.
    pub(crate) url: String,
    /// The model.
    pub(crate) model: String,
    /// The variable that holds the key.
    pub(crate) key_env: String,
}

/// One model provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// The API's address.
    pub(crate) base_url: String,
    /// The file that holds the key.
    pub(crate) key_file: String,
    /// The model that the bare provider name stands for.
    pub(crate) model: String,
    /// Tokens of request that the models take.
    pub(crate) context_tokens: u64,
    /// Which of the models are sent pictures.
    pub(crate) images: Images,
    /// Seconds until the first byte of an answer.
    pub(crate) first_byte_secs: u64,
    /// Seconds between two pieces of an answer.
    pub(crate) idle_secs: u64,
}

/// Which models of a provider are sent pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Images {
    /// Those that are known to look at them.
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

impl From<Images> for corvid_llm::Images {
    fn from(images: Images) -> Self {
        match images {
            Images::Auto => Self::Auto,
            Images::Always => Self::Always,
            Images::Never => Self::Never,
        }
    }
}

impl Settings {
    /// The composed values as types.
    ///
    /// # Errors
    /// Only if the table of keys and these types disagree, which a test rules out.
    pub(crate) fn of(layered: &Layered) -> Result<Self, serde_json::Error> {
        let mut root = Map::new();
        for (name, setting) in layered.iter() {
            put(&mut root, name, serde_json::to_value(&setting.value)?);
        }
        serde_json::from_value(Json::Object(root))
    }
}

/// Puts a value under a dotted name; the table has no name that is both a value and a section.
fn put(table: &mut Map<String, Json>, name: &str, value: Json) {
    let Some((section, rest)) = name.split_once('.') else {
        table.insert(name.to_owned(), value);
        return;
    };
    let inner = table
        .entry(section)
        .or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(inner) = inner {
        put(inner, rest, value);
    }
}
