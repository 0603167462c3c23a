//! What a call of `system.run` asks for: its arguments, and what they come to.
//! Invariant: the same arguments ask for the same in every process, whatever is there on disk.
//! It must not know what of it is allowed.

use std::path::Path;
use std::time::Duration;

use corvid_core::Wider;
use corvid_core::redact::{MARK, is_marked};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::beyond;
use crate::arguments;
use crate::config::Config;

/// The longest reason for leaving the sandbox, in characters: a person reads it.
const REASON_CHARS: usize = 500;

/// The arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The command line.
    pub(super) command: String,
    timeout_secs: Option<u64>,
    /// Subfolder to run in.
    pub(super) working_dir: Option<String>,
    /// Go on beside the conversation, as a job.
    #[serde(default)]
    pub(super) background: bool,
    /// Needs more than the sandbox gives; a person is asked.
    escalate: Option<Escalate>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Escalate {
    /// For the person.
    reason: String,
    /// To reach: "crates.io", "*.example.org:8443".
    hosts: Option<Vec<String>>,
    /// Files or folders outside to write.
    writes: Option<Vec<String>>,
}

/// The schema of the arguments.
pub(super) fn schema(config: &Config) -> Value {
    let mut schema = arguments::schema::<Asked>();
    arguments::at_least(&mut schema, "timeout_secs", 1);
    let [usual, most, usual_job, most_job] = [
        config.timeout,
        config.max_timeout,
        config.background,
        config.max_background,
    ]
    .map(|time| time.as_secs());
    let times = format!(
        "Kill it then; {usual} if not given, at most {most}; in the background {usual_job} and {most_job}."
    );
    arguments::describe(&mut schema, "timeout_secs", times);
    schema
}

impl Asked {
    /// Reads the arguments.
    ///
    /// # Errors
    /// One sentence for the model that names the argument and what is allowed.
    pub(super) fn read(schema: &Value, given: &Value) -> Result<Self, String> {
        let asked: Self = arguments::read(schema, given)?;
        if asked.command.trim().is_empty() {
            return Err("argument `command` is empty; it must be a command line".to_owned());
        }
        if asked.command.contains('\0') {
            return Err("argument `command` holds a NUL character; leave it out".to_owned());
        }
        if is_marked(&given.to_string()) {
            return Err(format!(
                "the arguments hold the mark `{MARK}`, which stands for a secret that you cannot see; \
                 write the command without it"
            ));
        }
        Ok(asked)
    }

    /// How long it may run.
    ///
    /// # Errors
    /// One sentence that names the longest time.
    pub(super) fn timeout(&self, config: &Config) -> Result<Duration, String> {
        let (usual, most, instead) = if self.background {
            (config.background, config.max_background, "")
        } else {
            let instead = ", or more with `background`";
            (config.timeout, config.max_timeout, instead)
        };
        let asked = self.timeout_secs.map_or(usual, Duration::from_secs);
        if asked > most {
            return Err(format!(
                "argument `timeout_secs` is {}; it may be up to {}{instead}",
                asked.as_secs(),
                most.as_secs()
            ));
        }
        Ok(asked)
    }

    /// What it would get beyond the sandbox, where `lacking` says why the sandbox does not hold.
    ///
    /// # Errors
    /// One sentence that names the argument and what is allowed.
    pub(super) fn wider(
        &self,
        config: &Config,
        working_dir: &Path,
        lacking: Vec<String>,
    ) -> Result<Option<Wider>, String> {
        let Some(escalate) = &self.escalate else {
            return Ok((!lacking.is_empty()).then(|| Wider {
                lacking,
                ..Wider::default()
            }));
        };
        let reason = escalate.reason.trim();
        if !(1..=REASON_CHARS).contains(&reason.chars().count()) {
            return Err(format!(
                "argument `escalate.reason` must say why, to a person, in at most {REASON_CHARS} characters"
            ));
        }
        let hosts = escalate.hosts.as_deref().unwrap_or_default();
        let hosts = beyond::hosts(hosts)
            .map_err(|problem| format!("argument `escalate.hosts`: {problem}"))?;
        let writes = escalate.writes.as_deref().unwrap_or_default();
        let writes = beyond::writes(writes, working_dir, config.home.as_deref())
            .map_err(|problem| format!("argument `escalate.writes`: {problem}"))?;
        Ok(Some(Wider {
            reason: reason.to_owned(),
            hosts,
            writes,
            lacking,
        }))
    }
}
