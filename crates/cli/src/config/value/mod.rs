//! What a config key may hold: reading it from TOML or plain text, checking it, showing it.
//! Invariant: a value that passed `check` needs no second look anywhere.
//! It must not know any key by name.

mod text;
mod words;

use std::fmt;

use corvid_core::Secret;
use corvid_sandbox::egress::Allowed;
use corvid_tools::policy::RuleConfig;
use toml_edit::Item;

use super::rules::{self, Flaw};
use text::{is_bot_token, is_key_variable, is_model, is_name, is_path, is_url, is_word, is_zone};
use words::masked;

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// Text; empty means "not set" where that is allowed.
    Text(String),
    /// A whole number.
    Count(u64),
    /// Yes or no.
    Switch(bool),
    /// Text that is shown to nobody.
    Hidden(#[serde(serialize_with = "masked")] Secret),
    /// A list of texts.
    List(Vec<String>),
    /// A list of a messenger's ids.
    Ids(Vec<i64>),
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
    /// Yes or no.
    Switch,
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
    /// A path to a folder.
    Folder,
    /// Paths to folders.
    Folders,
    /// Names of environment variables.
    Names,
    /// The name of an environment variable, or nothing.
    Name,
    /// Names and addresses of machines.
    Hosts,
    /// A Telegram bot's token, or nothing; shown to nobody.
    BotToken,
    /// Immutable ids of people.
    People,
    /// Immutable ids of groups.
    Groups,
    /// The name of a time zone, or nothing.
    Zone,
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

    /// As a TOML value for the file, which has what is hidden elsewhere.
    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Switch(on) => (*on).into(),
            Self::Hidden(secret) => secret.expose().into(),
            Self::Ids(ids) => toml_edit::Value::Array(ids.iter().copied().collect()),
            Self::Count(count) => i64::try_from(*count).unwrap_or(i64::MAX).into(),
            Self::List(items) => toml_edit::Value::Array(items.iter().collect()),
            Self::Rules(rules) => rules::to_toml(rules),
        }
    }
}

impl fmt::Display for Value {
    /// As in TOML, but for what is hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden(secret) => toml_edit::Value::from(words::mask(secret)).fmt(f),
            _ => self.to_toml().fmt(f),
        }
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
            Self::Switch => item.as_bool().map(Value::Switch),
            Self::People | Self::Groups => item.as_array().and_then(|list| {
                let ids = list.iter().map(toml_edit::Value::as_integer);
                ids.collect::<Option<_>>().map(Value::Ids)
            }),
            Self::BotToken => item.as_str().map(hidden),
            _ => item.as_str().map(Value::text),
        };
        self.checked(value)
    }

    /// Takes plain text (a variable, an argument) of this kind, if it is allowed. Lists are separated by colons,
    /// those of hosts and ids by commas, or written as in TOML, as rules are.
    ///
    /// # Errors
    /// With what is wrong within it.
    pub(crate) fn take_text(self, text: &str) -> Result<Value, Refusal> {
        if let Some(list) = self.toml_list(text) {
            return self.take_toml(&list);
        }
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
            Self::Switch => text.trim().parse().map(Value::Switch).ok(),
            Self::People | Self::Groups => {
                let ids = text.split(',').map(str::trim);
                let ids = ids.filter(|id| !id.is_empty()).map(str::parse);
                ids.collect::<Result<_, _>>().map(Value::Ids).ok()
            }
            Self::BotToken => Some(hidden(text.trim())),
            _ => Some(Value::text(text)),
        };
        self.checked(value)
    }

    /// A list that is written as in TOML. What is none there is plain text: an address in brackets is one of hosts.
    fn toml_list(self, text: &str) -> Option<Item> {
        let lists = [
            Self::Folders,
            Self::Names,
            Self::Hosts,
            Self::People,
            Self::Groups,
        ];
        let list: toml_edit::Value = lists.contains(&self).then(|| text.trim().parse().ok())??;
        list.is_array().then_some(Item::Value(list))
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

    /// Whether what it holds is shown to nobody.
    pub(crate) fn hides(self) -> bool {
        self == Self::BotToken
    }

    /// Whether it may hold this value.
    pub(crate) fn allows(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Count { least, most }, Value::Count(count)) => (least..=most).contains(count),
            (Self::Rules, Value::Rules(_)) | (Self::Switch, Value::Switch(_)) => true,
            (Self::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Hosts, Value::List(hosts)) => Allowed::parse(&[], hosts).is_ok(),
            (Self::Folders, Value::List(items)) => items.iter().all(|path| is_path(path)),
            (Self::Names, Value::List(items)) => items
                .iter()
                .all(|name| is_name(name) && !is_key_variable(name)),
            (Self::People, Value::Ids(ids)) => ids.iter().all(|id| *id > 0),
            (Self::Groups, Value::Ids(ids)) => ids.iter().all(|id| *id < 0),
            (Self::BotToken, Value::Hidden(secret)) => {
                secret.expose().is_empty() || is_bot_token(secret.expose())
            }
            (Self::Folder, Value::Text(text)) => is_path(text),
            (_, Value::Text(text)) if text.is_empty() => true,
            (Self::Model, Value::Text(text)) => is_model(text),
            (Self::Word, Value::Text(text)) => is_word(text),
            (Self::Url, Value::Text(text)) => is_url(text),
            (Self::File, Value::Text(text)) => is_path(text),
            (Self::Name, Value::Text(text)) => is_name(text),
            (Self::Zone, Value::Text(text)) => is_zone(text),
            (Self::StoreUrl, Value::Text(text)) => corvid_store::Config::from_url(text)
                .is_ok_and(|store| store.path.to_str().is_some_and(is_path)),
            _ => false,
        }
    }
}

fn hidden(text: &str) -> Value {
    Value::Hidden(Secret::new(text))
}

#[cfg(test)]
mod tests;
