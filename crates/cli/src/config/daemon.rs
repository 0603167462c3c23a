//! From the settings to what a daemon alone needs.
//! Invariant: nothing here is missing where it is used: what is not set is none, what is wrong is a problem.
//! It must not know a messenger's ways, nor what becomes of any of it.

use std::path::PathBuf;

use corvid_core::Secret;
use corvid_sandbox::paths::RealPaths;

use super::compose::Composed;
use super::environment::Environment;
use super::home::Home;
use super::problem::{Problem, Problems, Source};
use super::value::Value;
use super::{Layered, file};

/// Milliseconds in an hour.
const HOUR_MS: u64 = 3_600_000;

/// What a daemon alone needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DaemonConfig {
    /// Milliseconds that turns have to end when it is stopped.
    pub(crate) grace_ms: u64,
    /// The folder in which sessions that messengers begin have theirs, absolute; it need not be there.
    pub(crate) workspace: PathBuf,
    /// The time zone of people who have named none; none where it is not known.
    pub(crate) zone: Option<String>,
    /// Milliseconds after which what was not delivered is given up.
    pub(crate) max_age_ms: u64,
    /// The Telegram bot, if there is one.
    pub(crate) telegram: Option<Bot>,
    /// Who listens to voice messages, if somebody does.
    pub(crate) ear: Option<Ear>,
}

/// A Telegram bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bot {
    /// What proves that one may speak for it.
    pub(crate) token: Secret,
    /// Where the token came from.
    pub(crate) source: Source,
    /// Another server than Telegram's.
    pub(crate) api_url: Option<String>,
    /// Whether a reply that is being written is shown as a draft.
    pub(crate) draft_previews: bool,
}

/// An endpoint that transcribes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ear {
    /// The API's address, up to and without `/audio/transcriptions`.
    pub(crate) url: String,
    /// The model.
    pub(crate) model: String,
    /// The key, if one is named.
    pub(crate) key: Option<Secret>,
}

impl DaemonConfig {
    /// What a daemon needs, of settings that were composed.
    ///
    /// # Errors
    /// With every problem ([`Problems`]).
    pub(crate) fn of(
        layered: &Layered,
        composed: &Composed,
        home: &Home,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let settings = &composed.settings;
        let mut problems = Vec::new();
        let workspace = workspace(composed, home).unwrap_or_else(|problem| {
            problems.push(problem);
            PathBuf::new()
        });
        let ear = ear(composed, environment).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        if !problems.is_empty() {
            return Err(Problems(problems).into());
        }
        let named = &settings.daemon.time_zone;
        Ok(Self {
            grace_ms: settings.daemon.grace_secs * 1_000,
            workspace,
            zone: if named.is_empty() {
                system_zone()
            } else {
                Some(named.clone())
            },
            max_age_ms: settings.outbox.max_age_hours * HOUR_MS,
            telegram: token(layered).map(|(token, source)| Bot {
                token,
                source,
                api_url: given(&settings.telegram.api_url),
                draft_previews: settings.telegram.draft_previews,
            }),
            ear,
        })
    }
}

/// The token that is set, and where it came from.
pub(super) fn token(layered: &Layered) -> Option<(Secret, Source)> {
    let setting = layered.get("telegram.token").ok()?;
    match &setting.value {
        Value::Hidden(secret) if !secret.expose().is_empty() => {
            Some((secret.clone(), setting.source.clone()))
        }
        _ => None,
    }
}

/// What is wrong with where the token stands: others can read it there.
pub(super) fn bared_token(layered: &Layered, home: &Home) -> Option<Problem> {
    let (_, source) = token(layered)?;
    let Source::Line(path, _) = source else {
        return None;
    };
    file::is_bare(&path, home.config_folder()).then(|| Problem {
        key: Some("telegram.token".to_owned()),
        text: format!(
            "`telegram.token` stands in {0}, which others can read; `chmod 600 {0}`",
            path.display()
        ),
    })
}

fn workspace(composed: &Composed, home: &Home) -> Result<PathBuf, Problem> {
    let named = &composed.settings.daemon.workspace;
    let problem = |why: String| Problem {
        key: Some("daemon.workspace".to_owned()),
        text: format!(
            "`daemon.workspace` is `{named}`: {why}; fix it with e.g. `agent config set daemon.workspace ~/corvid`"
        ),
    };
    let workspace = home.expand(named).map_err(problem)?;
    let mut real_paths = RealPaths::default();
    let real = real_paths.of(&workspace);
    let mut private = composed.private.iter().map(|path| real_paths.of(path));
    match private.find(|own| real.starts_with(own)) {
        Some(own) => Err(problem(format!(
            "it lies in {}, which no tool may touch since it holds Corvid's own files or your credentials",
            own.display()
        ))),
        None => Ok(workspace),
    }
}

fn ear(composed: &Composed, environment: &Environment) -> Result<Option<Ear>, Problem> {
    let settings = &composed.settings.transcription;
    let Some(url) = given(&settings.url) else {
        return Ok(None);
    };
    let problem = |text: String| Problem {
        key: Some("transcription.key_env".to_owned()),
        text,
    };
    let key = match given(&settings.key_env) {
        None => None,
        Some(variable) => {
            let key = environment.text(&variable).map_err(problem)?;
            let unset = || {
                problem(format!(
                    "`transcription.key_env` names the variable {variable}, which is not set; `export {variable}=…` or \
                     `agent config set transcription.key_env \"\"`"
                ))
            };
            Some(Secret::new(key.ok_or_else(unset)?.trim()))
        }
    };
    Ok(Some(Ear {
        url,
        model: settings.model.clone(),
        key,
    }))
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The machine's own zone, if it has a name.
fn system_zone() -> Option<String> {
    jiff::tz::TimeZone::system().iana_name().map(str::to_owned)
}
