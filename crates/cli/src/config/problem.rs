//! What is wrong with a config: where, what was found, what is allowed, and the command that fixes it.
//! Invariant: every problem can be put right by following its last half-sentence.
//! It must not know how a problem was found.

use std::fmt;
use std::path::{Path, PathBuf};

use super::keys::{Key, nearest, nearest_twin};
use super::rules::Flaw;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody set it.
    Default,
    /// A line of the config file, from 1.
    Line(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// An argument of `config set`.
    Argument,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Argument => f.write_str("argument"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key, where the problem has one.
    pub(crate) key: Option<String>,
    /// One sentence: where, what, and the fix.
    pub(crate) text: String,
}

impl Problem {
    /// A key that nobody knows.
    pub(crate) fn unknown(name: &str, source: &Source) -> Self {
        let guess = nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let fix = match source {
            Source::Line(file, line) => {
                format!("correct or remove line {line} of {}", file.display())
            }
            _ => "`agent config show` lists every key".to_owned(),
        };
        let text = match guess.as_str() {
            "" => format!("{source}: unknown key `{name}`; {fix}"),
            guess => format!("{source}: unknown key `{name}`{guess} {fix}"),
        };
        Self {
            key: Some(name.to_owned()),
            text,
        }
    }

    /// A variable that looks like a key's twin and is none's.
    pub(crate) fn unknown_twin(variable: &str) -> Self {
        let guess = match nearest_twin(variable) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => ";".to_owned(),
        };
        Self {
            key: None,
            text: format!(
                "{variable}: no key has this variable{guess} `unset {variable}` or correct its name"
            ),
        }
    }

    /// A value that its key does not allow.
    pub(crate) fn refused(key: &Key, found: &str, source: &Source) -> Self {
        let Key { name, kind, .. } = key;
        let found = if kind.hides() {
            "something else (which is not shown)"
        } else {
            found
        };
        let example = match kind.example() {
            "" => key.default.to_string(),
            example => format!("'{example}'"),
        };
        let fix = match source {
            Source::Variable(variable) => format!("`export {variable}={example}`"),
            _ => format!("`agent config set {name} {example}`"),
        };
        let place = match source {
            Source::Argument => String::new(),
            source => format!("{source}: "),
        };
        Self {
            key: Some(name.clone()),
            text: format!(
                "{place}`{name}` is {found}; it must be {}; fix it with e.g. {fix}",
                kind.allowed()
            ),
        }
    }

    /// Something within a value that its key does not allow.
    pub(crate) fn within(key: &Key, flaw: &Flaw, source: &Source) -> Self {
        let (name, example) = (&key.name, key.kind.example());
        let (place, fix) = match source {
            Source::Line(file, line) => (
                format!("{source}: "),
                format!("correct line {line} of {}", file.display()),
            ),
            Source::Variable(variable) => (
                format!("{source}: "),
                format!("correct it, as in `export {variable}='{example}'`"),
            ),
            Source::Default | Source::Argument => (
                String::new(),
                format!("write it as in `agent config set {name} '{example}'`"),
            ),
        };
        let joint = if flaw.text.ends_with('?') { "" } else { ";" };
        Self {
            key: Some(name.clone()),
            text: format!("{place}`{name}`: {}{joint} {fix}", flaw.text),
        }
    }

    /// What is wrong with a value: as a whole, or within it.
    pub(crate) fn of_refusal(
        key: &Key,
        found: &str,
        refusal: &[Flaw],
        source: &Source,
    ) -> Vec<Self> {
        match refusal {
            [] => vec![Self::refused(key, found, source)],
            flaws => {
                let within = |flaw| Self::within(key, flaw, source);
                flaws.iter().map(within).collect()
            }
        }
    }

    /// A plain value where a section of keys is expected.
    pub(crate) fn no_section(name: &str, source: &Source) -> Self {
        Self {
            key: Some(name.to_owned()),
            text: format!(
                "{source}: `{name}` is a section and takes no value of its own; write `[{name}]` on a line \
                 and its keys below it"
            ),
        }
    }

    /// A file that is no TOML.
    pub(crate) fn no_toml(file: &Path, text: &str, error: &toml_edit::TomlError) -> Self {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let words = error.message().trim().replace('\n', ", ");
        let file = file.display();
        Self {
            key: None,
            text: format!(
                "{file}:{line}:{column}: this is not TOML: {words}; edit line {line}, then try `agent config check`"
            ),
        }
    }
}

/// Everything that is wrong with a config; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.0.iter().map(|problem| problem.text.as_str()).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}
