//! What a config key may hold: reading it from TOML or plain text, checking it, showing it.
//! Invariant: a value that passed `check` needs no second look anywhere.
//! It must not know any key by name.

mod text;

use std::fmt;

use corvid_llm::PRESETS;
use corvid_sandbox::egress::Allowed;
use corvid_tools::policy::RuleConfig;
use toml_edit::Item;

use super::rules::{self, Flaw};
use text::{is_key_variable, is_model, is_name, is_path, is_url, is_word};

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// Text; empty means "not set" where that is allowed.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A list of texts.
    List(Vec<String>),
    /// A list of the policy's rules.
    Rules(Vec<RuleConfig>),
}

/// Why a value is not taken: what is wrong within it, or nothing where it is simply not of its kind.
pub(crate) type Refusal = Vec<Flaw>;

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number within bounds.
    Count {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A model's full name, or nothing.
    Model,
    /// One word, or nothing.
    Word,
    /// A web address, or nothing.
    Url,
    /// A path to a file, or nothing.
    File,
    /// Paths to folders.
    Folders,
    /// Names of environment variables.
    Names,
    /// Names and addresses of machines.
    Hosts,
    /// Where the store lies, or nothing.
    StoreUrl,
    /// The policy's rules.
    Rules,
}

impl Value {
    /// A text value.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// As a TOML value.
    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => i64::try_from(*count).unwrap_or(i64::MAX).into(),
            Self::List(items) => toml_edit::Value::Array(items.iter().collect()),
            Self::Rules(rules) => rules::to_toml(rules),
        }
    }
}

impl fmt::Display for Value {
    /// As in TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_toml().fmt(f)
    }
}

impl Kind {
    /// Takes a TOML value of this kind, if it is allowed.
    ///
    /// # Errors
    /// With what is wrong within it.
    pub(crate) fn take_toml(self, item: &Item) -> Result<Value, Refusal> {
        let value = match self {
            Self::Count { .. } => item
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
                .map(Value::Count),
            Self::Folders | Self::Names | Self::Hosts => item.as_array().and_then(|list| {
                list.iter()
                    .map(|entry| entry.as_str().map(str::to_owned))
                    .collect::<Option<_>>()
                    .map(Value::List)
            }),
            Self::Rules => Some(Value::Rules(rules::from_toml(item)?)),
            _ => item.as_str().map(Value::text),
        };
        self.checked(value)
    }

    /// Takes plain text (a variable, an argument) of this kind, if it is allowed. Lists are separated by colons,
    /// those of hosts by commas; rules are written as in TOML.
    ///
    /// # Errors
    /// With what is wrong within it.
    pub(crate) fn take_text(self, text: &str) -> Result<Value, Refusal> {
        let list = |between: char| {
            let entries = text.split(between).map(str::trim);
            let entries = entries.filter(|entry| !entry.is_empty());
            Value::List(entries.map(str::to_owned).collect())
        };
        let value = match self {
            Self::Count { .. } => text.trim().parse().map(Value::Count).ok(),
            Self::Folders | Self::Names => Some(list(':')),
            Self::Hosts => Some(list(',')),
            Self::Rules => Some(Value::Rules(rules::from_text(text)?)),
            _ => Some(Value::text(text)),
        };
        self.checked(value)
    }

    fn checked(self, value: Option<Value>) -> Result<Value, Refusal> {
        if let (Self::Hosts, Some(Value::List(hosts))) = (self, &value)
            && let Err(text) = Allowed::parse(&[], hosts)
        {
            return Err(vec![Flaw { span: None, text }]);
        }
        value
            .filter(|value| self.allows(value))
            .ok_or_else(Refusal::new)
    }

    /// Whether it may hold this value.
    pub(crate) fn allows(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Count { least, most }, Value::Count(count)) => (least..=most).contains(count),
            (Self::Rules, Value::Rules(_)) => true,
            (Self::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Hosts, Value::List(hosts)) => Allowed::parse(&[], hosts).is_ok(),
            (Self::Folders, Value::List(items)) => items.iter().all(|path| is_path(path)),
            (Self::Names, Value::List(items)) => items
                .iter()
                .all(|name| is_name(name) && !is_key_variable(name)),
            (_, Value::Text(text)) if text.is_empty() => true,
            (Self::Model, Value::Text(text)) => is_model(text),
            (Self::Word, Value::Text(text)) => is_word(text),
            (Self::Url, Value::Text(text)) => is_url(text),
            (Self::File, Value::Text(text)) => is_path(text),
            (Self::StoreUrl, Value::Text(text)) => corvid_store::Config::from_url(text)
                .is_ok_and(|store| store.path.to_str().is_some_and(is_path)),
            _ => false,
        }
    }

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
            Value::Count(_) | Value::Rules(_) => value.to_string(),
        }
    }

    /// A value that can be typed after `config set KEY`, to show how.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Count { .. } => "",
            Self::Model => "openai/gpt-5-mini",
            Self::Word => "gpt-5-mini",
            Self::Url => "https://host/v1",
            Self::File => "~/.config/corvid/key",
            Self::Folders => "~/.cargo/bin:~/.rustup",
            Self::Names => "JAVA_HOME:EDITOR",
            Self::StoreUrl => "sqlite:~/corvid/corvid.db",
            Self::Hosts => "intranet.example.org,10.0.0.7:8080",
            Self::OneOf(words) => words.first().copied().unwrap_or_default(),
            Self::Rules => rules::EXAMPLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, good: &[&str], bad: &[&str]) {
        let passes = |text: &str| kind.take_text(text).is_ok();
        for text in good {
            assert!(passes(text), "{text} should be allowed");
        }
        for text in bad {
            assert!(!passes(text), "{text} should be refused");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let kind = Kind::Count { least: 1, most: 9 };
        check(kind, &["1", " 9 "], &["0", "10", "-1", "1.5", "soon", ""]);
    }

    #[test]
    fn models_name_a_known_provider() {
        check(
            Kind::Model,
            &[
                "",
                "openai",
                "openai/gpt-5-mini",
                "openrouter/a/b:c",
                "manual",
            ],
            &["gpt-5", "openai/", "openai/a b", "manual/x"],
        );
    }

    #[test]
    fn addresses_are_plain() {
        check(
            Kind::Url,
            &["http://127.0.0.1:8080/v1", "https://host", ""],
            &[
                "host/v1",
                "ftp://x",
                "https://",
                "https://me:pw@host",
                "https://h/?q",
            ],
        );
    }

    #[test]
    fn no_command_gets_a_providers_key() {
        check(
            Kind::Names,
            &["CARGO_HOME:RUSTUP_HOME", ""],
            &["CARGO_HOME:CUSTOM_API_KEY", "OPENAI_API_KEY", "A B"],
        );
    }

    #[test]
    fn paths_are_absolute() {
        check(Kind::File, &["/a b", "~/x", ""], &["x", "./x", "~"]);
        check(Kind::Folders, &["/a:~/b", ""], &["/a:b"]);
        check(
            Kind::StoreUrl,
            &["sqlite:/a.db", ""],
            &["sqlite:a.db", "postgres:/x", "/a.db"],
        );
    }
}
