//! What is said of a value and of what a key may hold.
//! Invariant: what is hidden is shown by the part alone that is no secret.
//! It must not know any key by name, nor check anything.

use corvid_core::Secret;
use corvid_llm::PRESETS;
use serde::Serializer;

use super::{Kind, Value, rules};

/// What is shown of a secret: of a bot's token the bot's number.
pub(super) fn mask(secret: &Secret) -> String {
    match secret.expose().split_once(':') {
        Some((number, _)) => format!("{number}:…"),
        None if secret.expose().is_empty() => String::new(),
        None => "…".to_owned(),
    }
}

/// Writes a secret as it is shown.
pub(super) fn masked<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&mask(secret))
}

impl Kind {
    /// What is allowed, to stand after "it must be".
    pub(crate) fn allowed(self) -> String {
        match self {
            Self::Count { least, most } => format!("a whole number from {least} to {most}"),
            Self::Model => {
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                format!(
                    "`provider/model` or a provider's name, the provider being one of {}, manual",
                    names.join(", ")
                )
            }
            Self::Word => "text without spaces, e.g. a model's name (or empty)".to_owned(),
            Self::Url => {
                "an address like `https://host/v1`, without a user, a query or spaces (or empty)"
                    .to_owned()
            }
            Self::Switch => "true or false".to_owned(),
            Self::BotToken => {
                "a token as @BotFather gives it, e.g. `123456789:AAE…`: a number, a colon and at least 20 letters \
                 (or empty)"
                    .to_owned()
            }
            Self::People => {
                "a list of people's numbers, e.g. [4711]; `agent pair list` shows theirs".to_owned()
            }
            Self::Groups => "a list of groups' numbers, which are negative, e.g. [-1001234567890]".to_owned(),
            Self::Zone => "the name of a time zone, e.g. `Europe/Berlin` (or empty)".to_owned(),
            Self::Name => "the name of a variable (or empty)".to_owned(),
            Self::Folder => "a path that begins with `/` or `~/`".to_owned(),
            Self::File => "a path that begins with `/` or `~/` (or empty)".to_owned(),
            Self::Folders => "a list of paths that begin with `/` or `~/`".to_owned(),
            Self::Names => {
                "a list of names of variables, none of them a provider's key, which no command may see".to_owned()
            }
            Self::Hosts => {
                "a list of hosts, each a name, `*.` and a name, or an address, with a port if need be"
                    .to_owned()
            }
            Self::OneOf(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                match words.split_last() {
                    Some((last, [])) => last.clone(),
                    Some((last, others)) => format!("{} or {last}", others.join(", ")),
                    None => "nothing".to_owned(),
                }
            }
            Self::Rules => rules::ALLOWED.to_owned(),
            Self::StoreUrl => {
                "`sqlite:` and a path that begins with `/` or `~/` (or empty)".to_owned()
            }
        }
    }

    /// As it is typed after `config set KEY`.
    pub(crate) fn plain(self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::List(items) if self == Self::Hosts => items.join(","),
            Value::List(items) => items.join(":"),
            Value::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                ids.join(",")
            }
            Value::Hidden(secret) => mask(secret),
            Value::Count(_) | Value::Switch(_) | Value::Rules(_) => value.to_string(),
        }
    }

    /// A value that can be typed after `config set KEY`, to show how.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Count { .. } | Self::Switch => "",
            Self::Model => "openai/gpt-5-mini",
            Self::Word => "gpt-5-mini",
            Self::Url => "https://host/v1",
            Self::File => "~/.config/corvid/key",
            Self::Folders => "~/.cargo/bin:~/.rustup",
            Self::Folder => "~/corvid",
            Self::Names => "JAVA_HOME:EDITOR",
            Self::Name => "OPENAI_API_KEY",
            Self::BotToken => "123456789:AAE…",
            Self::People => "4711",
            Self::Groups => "-1001234567890",
            Self::Zone => "Europe/Berlin",
            Self::StoreUrl => "sqlite:~/corvid/corvid.db",
            Self::Hosts => "intranet.example.org,10.0.0.7:8080",
            Self::OneOf(words) => words.first().copied().unwrap_or_default(),
            Self::Rules => rules::EXAMPLE,
        }
    }
}
