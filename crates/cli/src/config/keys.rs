//! Every config key as one table: its name, what it may hold, its default and what it is for.
//! Invariant: a key that is not here is unknown everywhere; `config.example.toml` names exactly these.
//! It must not know where a value was found.

use corvid_core::Secret;
use corvid_llm::PRESETS;

use super::environment::TWIN_PREFIX;
use super::toolchains;
use super::value::{Kind, Value};

/// What `policy.preset` may be, from the most to the least that asks.
const PRESETS_OF_POLICY: &[&str] = &["careful", "default", "trusting"];

/// What `providers.*.images` may be.
const IMAGES: &[&str] = &["auto", "always", "never"];

/// One key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The name with dots, e.g. `tools.timeout_secs`.
    pub(crate) name: String,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// What it holds unless it is set.
    pub(crate) default: Value,
}

impl Key {
    /// The environment variable that sets it: `CORVID__TOOLS__TIMEOUT_SECS`.
    pub(crate) fn twin(&self) -> String {
        format!(
            "{TWIN_PREFIX}{}",
            self.name.replace('.', "__").to_uppercase()
        )
    }
}

/// All keys, in the order in which they are shown.
pub(crate) fn keys() -> Vec<Key> {
    let count = |least, most| Kind::Count { least, most };
    let mut keys = vec![
        key("model", Kind::Model, Value::text("")),
        key("store.url", Kind::StoreUrl, Value::text("")),
        key("turn.max_steps", count(1, 1_000), Value::Count(25)),
        key("turn.parallel_calls", count(1, 64), Value::Count(8)),
        key("tools.timeout_secs", count(1, 3_600), Value::Count(30)),
        key("tools.max_timeout_secs", count(1, 3_600), Value::Count(300)),
        key(
            "tools.output_chars",
            count(500, 100_000),
            Value::Count(10_000),
        ),
        key("tools.max_file_mb", count(1, 256), Value::Count(8)),
        key(
            "sandbox.toolchains",
            Kind::Folders,
            Value::List(toolchains::USUAL.iter().map(ToString::to_string).collect()),
        ),
        key("sandbox.variables", Kind::Names, Value::List(Vec::new())),
        key("sandbox.output_mb", count(1, 4_096), Value::Count(64)),
        key(
            "policy.preset",
            Kind::OneOf(PRESETS_OF_POLICY),
            Value::text("default"),
        ),
        key("policy.rules", Kind::Rules, Value::Rules(Vec::new())),
        key(
            "approvals.timeout_secs",
            count(1, 604_800),
            Value::Count(600),
        ),
        key(
            "network.private_hosts",
            Kind::Hosts,
            Value::List(Vec::new()),
        ),
        key("checkpoints.max_mb", count(0, 1_048_576), Value::Count(256)),
        key("checkpoints.keep_days", count(1, 3_650), Value::Count(7)),
        key("jobs.parallel", count(1, 64), Value::Count(8)),
        key("jobs.max_hours", count(1, 168), Value::Count(24)),
    ];
    keys.extend(of_the_daemon());
    for preset in PRESETS {
        let named = |field: &str, kind, default| {
            key(&format!("providers.{}.{field}", preset.name), kind, default)
        };
        keys.extend([
            named(
                "base_url",
                Kind::Url,
                Value::text(preset.base_url.unwrap_or("")),
            ),
            named("key_file", Kind::File, Value::text("")),
            named(
                "model",
                Kind::Word,
                Value::text(preset.default_model.unwrap_or("")),
            ),
            named(
                "context_tokens",
                count(1_000, 10_000_000),
                Value::Count(preset.context_tokens),
            ),
            named("images", Kind::OneOf(IMAGES), Value::text("auto")),
            named("first_byte_secs", count(1, 600), Value::Count(60)),
            named("idle_secs", count(1, 600), Value::Count(30)),
        ]);
    }
    keys
}

/// The keys of what runs all the time, and of the messengers that reach it.
fn of_the_daemon() -> [Key; 13] {
    let count = |least, most| Kind::Count { least, most };
    let nobody = || Value::Ids(Vec::new());
    [
        key("daemon.grace_secs", count(0, 600), Value::Count(10)),
        key("daemon.workspace", Kind::Folder, Value::text("~/corvid")),
        key("daemon.time_zone", Kind::Zone, Value::text("")),
        key("outbox.max_age_hours", count(1, 720), Value::Count(24)),
        key(
            "telegram.token",
            Kind::BotToken,
            Value::Hidden(Secret::new("")),
        ),
        key("telegram.api_url", Kind::Url, Value::text("")),
        key("telegram.owners", Kind::People, nobody()),
        key("telegram.members", Kind::People, nobody()),
        key("telegram.groups", Kind::Groups, nobody()),
        key(
            "telegram.draft_previews",
            Kind::Switch,
            Value::Switch(false),
        ),
        key("transcription.url", Kind::Url, Value::text("")),
        key("transcription.model", Kind::Word, Value::text("whisper-1")),
        key("transcription.key_env", Kind::Name, Value::text("")),
    ]
}

/// The known name that is most like `name`, if any is much like it.
pub(crate) fn nearest(name: &str) -> Option<String> {
    keys()
        .into_iter()
        .map(|key| (strsim::jaro_winkler(name, &key.name), key.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// The known twin that is most like `variable`, if any is much like it.
pub(crate) fn nearest_twin(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(TWIN_PREFIX)?;
    let near = nearest(&name.replace("__", ".").to_lowercase())?;
    let key = keys().into_iter().find(|key| key.name == near)?;
    Some(key.twin())
}

fn key(name: &str, kind: Kind, default: Value) -> Key {
    Key {
        name: name.to_owned(),
        kind,
        default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_allowed() {
        for key in keys() {
            assert!(key.kind.allows(&key.default), "{}", key.name);
        }
    }

    #[test]
    fn a_typing_slip_finds_its_key() {
        let check = |slip: &str, expect: Option<&str>| {
            assert_eq!(nearest(slip).as_deref(), expect, "{slip}");
        };
        check("tools.timeot_secs", Some("tools.timeout_secs"));
        check("Model", Some("model"));
        check("provider.openai.model", Some("providers.openai.model"));
        check("zebra", None);
    }

    #[test]
    fn a_typing_slip_finds_its_twin() {
        let check = |slip: &str, expect: Option<&str>| {
            assert_eq!(nearest_twin(slip).as_deref(), expect, "{slip}");
        };
        check(
            "CORVID__tools__timeout_secs",
            Some("CORVID__TOOLS__TIMEOUT_SECS"),
        );
        check("CORVID__MODL", Some("CORVID__MODEL"));
        check("CORVID__", None);
    }

    #[test]
    fn a_twin_is_shouted_with_double_bars() {
        let twin = key("tools.timeout_secs", Kind::Word, Value::text("")).twin();
        assert_eq!(twin, "CORVID__TOOLS__TIMEOUT_SECS");
    }
}
