//! The config: file and environment composed once over the defaults.
//! Invariant: it is valid as a whole or it is an error; a half-valid config never becomes defaults.
//! It must not know what a command does with it.

mod compose;
mod daemon;
mod environment;
mod file;
mod hidden;
mod home;
mod keys;
mod problem;
mod rules;
mod secrets;
mod set;
mod settings;
mod toolchains;
mod value;

use std::collections::BTreeMap;

pub(crate) use compose::{Composed, MIB};
pub(crate) use daemon::{Bot, DaemonConfig};
pub(crate) use environment::Environment;
pub(crate) use home::Home;
pub(crate) use problem::{Problem, Problems, Source};
pub(crate) use rules::effect_word;
pub(crate) use set::set;
pub(crate) use value::Value;

use corvid_llm::PRESETS;
use keys::{Key, keys};

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The value.
    pub(crate) value: Value,
    /// Its origin.
    pub(crate) source: Source,
}

/// Every key's setting, in the table's order.
#[derive(Clone, Debug)]
pub(crate) struct Layered {
    settings: Vec<(Key, Setting)>,
}

impl Layered {
    /// Composes defaults, file and environment; the later win.
    ///
    /// # Errors
    /// If the file cannot be read, or with everything that is wrong in file and environment ([`Problems`]).
    pub(crate) fn load(home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let text = file::read(&home.config_file)?;
        Ok(Self::compose(home, &text, environment)?)
    }

    fn compose(home: &Home, text: &str, environment: &Environment) -> Result<Self, Problems> {
        let keys = keys();
        let mut found = file::Found::default();
        read_usual(environment, &keys, &mut found);
        let file = file::parse(&home.config_file, text, &keys);
        found.values.extend(file.values);
        found.problems.extend(file.problems);
        read_twins(environment, &keys, &mut found);
        if !found.problems.is_empty() {
            return Err(Problems(found.problems));
        }
        let mut set: BTreeMap<String, Setting> = found
            .values
            .into_iter()
            .map(|(name, value, source)| (name, Setting { value, source }))
            .collect();
        let settings = keys.into_iter().map(|key| {
            let setting = set.remove(&key.name).unwrap_or_else(|| Setting {
                value: key.default.clone(),
                source: Source::Default,
            });
            (key, setting)
        });
        let layered = Self {
            settings: settings.collect(),
        };
        match layered.disagreement() {
            Some(problem) => Err(Problems(vec![problem])),
            None => Ok(layered),
        }
    }

    /// What no single key shows: the usual time-out lies within the longest.
    fn disagreement(&self) -> Option<Problem> {
        let (usual, longest) = ("tools.timeout_secs", "tools.max_timeout_secs");
        let setting = |name| self.get(name).ok();
        let (usual_setting, longest_setting) = (setting(usual)?, setting(longest)?);
        match (&usual_setting.value, &longest_setting.value) {
            (Value::Count(time), Value::Count(most)) if time > most => Some(Problem {
                key: Some(usual.to_owned()),
                text: format!(
                    "{}: `{usual}` is {time}, but `{longest}` is {most} ({}); raise it with `agent config set \
                     {longest} {time}`",
                    usual_setting.source, longest_setting.source
                ),
            }),
            _ => None,
        }
    }

    /// A key's value as it is typed after `config set`.
    ///
    /// # Errors
    /// As [`Layered::get`].
    pub(crate) fn plain(&self, name: &str) -> Result<String, Problem> {
        self.settings
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(key, setting)| key.kind.plain(&setting.value))
            .ok_or_else(|| unknown_key(name))
    }

    /// One key's setting.
    ///
    /// # Errors
    /// If there is no such key; the problem names the nearest.
    pub(crate) fn get(&self, name: &str) -> Result<&Setting, Problem> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, setting)| setting)
            .ok_or_else(|| unknown_key(name))
    }

    /// All keys with their settings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings
            .iter()
            .map(|(key, setting)| (key.name.as_str(), setting))
    }

    /// Whether somebody set this key.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.get(name)
            .is_ok_and(|setting| setting.source != Source::Default)
    }
}

/// Whether a text can name a model.
///
/// # Errors
/// With what is allowed, to stand after "it must be".
pub(crate) fn check_model(text: &str) -> Result<(), String> {
    let kind = value::Kind::Model;
    if !text.is_empty() && kind.allows(&Value::text(text)) {
        Ok(())
    } else {
        Err(kind.allowed())
    }
}

/// What is said of a key that a person typed and nobody knows.
fn unknown_key(name: &str) -> Problem {
    let near =
        keys::nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let joint = if near.is_empty() { ";" } else { "" };
    Problem {
        key: None,
        text: format!("unknown key `{name}`{near}{joint} `agent config show` lists every key"),
    }
}

/// The variable that usually holds a Telegram bot's token.
pub(crate) const TELEGRAM_BOT_TOKEN: &str = "TELEGRAM_BOT_TOKEN";

/// Takes in what stands in usual variables (`OPENAI_BASE_URL`, …); what was written for Corvid itself wins over them.
fn read_usual(environment: &Environment, keys: &[Key], found: &mut file::Found) {
    let addresses = PRESETS.iter().map(|preset| {
        let name = format!("providers.{}.base_url", preset.name);
        (name, preset.base_url_variable)
    });
    let token = ("telegram.token".to_owned(), TELEGRAM_BOT_TOKEN);
    for (name, variable) in addresses.chain([token]) {
        if let Some(key) = keys.iter().find(|key| key.name == name)
            && environment.has(variable)
        {
            read_variable(environment, key, variable, found);
        }
    }
}

/// Takes in the environment twins; they win over everything.
fn read_twins(environment: &Environment, keys: &[Key], found: &mut file::Found) {
    for twin in environment.twins() {
        if let Some(key) = keys.iter().find(|key| key.twin() == twin) {
            read_variable(environment, key, twin, found);
        } else {
            found.problems.push(Problem::unknown_twin(twin));
        }
    }
}

fn read_variable(environment: &Environment, key: &Key, variable: &str, found: &mut file::Found) {
    let source = Source::Variable(variable.to_owned());
    let Some(text) = environment.twin(variable) else {
        let problem = Problem::refused(key, "bytes that are no UTF-8", &source);
        return found.problems.push(problem);
    };
    match key.kind.take_text(text) {
        Ok(value) => found.values.push((key.name.clone(), value, source)),
        Err(refusal) => {
            let shown = format!("`{}`", corvid_channels::inert_line(text));
            let problems = Problem::of_refusal(key, &shown, &refusal, &source);
            found.problems.extend(problems);
        }
    }
}

#[cfg(test)]
mod tests;
