//! What a config key may hold: reading it from TOML or plain text, checking it, showing it.
//! Invariant: a value that passed `check` needs no second look anywhere.
//! It must not know any key by name.

use std::fmt;

use corvid_llm::PRESETS;
use toml_edit::Item;

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
}

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
    /// Where the store lies, or nothing.
    StoreUrl,
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
    /// Reads a TOML value of this kind.
    ///
    /// # Errors
    /// With nothing more to say than that it is not of this kind.
    pub(crate) fn read_toml(self, item: &Item) -> Result<Value, ()> {
        match self {
            Self::Count { .. } => {
                let number = item.as_integer().ok_or(())?;
                u64::try_from(number).map(Value::Count).map_err(|_| ())
            }
            Self::Folders | Self::Names => item
                .as_array()
                .ok_or(())?
                .iter()
                .map(|entry| entry.as_str().map(str::to_owned).ok_or(()))
                .collect::<Result<_, _>>()
                .map(Value::List),
            _ => item.as_str().map(Value::text).ok_or(()),
        }
    }

    /// Reads plain text (a variable, an argument) of this kind; lists are separated by colons.
    ///
    /// # Errors
    /// With nothing more to say than that it is not of this kind.
    pub(crate) fn read_text(self, text: &str) -> Result<Value, ()> {
        match self {
            Self::Count { .. } => text.trim().parse().map(Value::Count).map_err(|_| ()),
            Self::Folders | Self::Names => Ok(Value::List(
                text.split(':')
                    .filter(|entry| !entry.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
            _ => Ok(Value::text(text)),
        }
    }

    /// Checks a value of this kind.
    ///
    /// # Errors
    /// With nothing more to say than that it is not allowed.
    pub(crate) fn check(self, value: &Value) -> Result<(), ()> {
        let allowed = match (self, value) {
            (Self::Count { least, most }, Value::Count(count)) => (least..=most).contains(count),
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
        };
        if allowed { Ok(()) } else { Err(()) }
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
            Self::StoreUrl => {
                "`sqlite:` and a path that begins with `/` or `~/` (or empty)".to_owned()
            }
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
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_model(text: &str) -> bool {
    let provider = text.split('/').next().unwrap_or("");
    let known = PRESETS.iter().any(|preset| preset.name == provider);
    is_word(text) && !text.ends_with('/') && (known || text == "manual")
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_key_variable(name: &str) -> bool {
    PRESETS.iter().any(|preset| preset.key_variable == name)
}

fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or("");
    !host.is_empty() && !text.contains(['@', '?', '#']) && is_word(text)
}

fn is_path(text: &str) -> bool {
    (text.starts_with('/') || text.starts_with("~/")) && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, good: &[&str], bad: &[&str]) {
        let passes = |text: &str| {
            kind.read_text(text)
                .is_ok_and(|value| kind.check(&value).is_ok())
        };
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
