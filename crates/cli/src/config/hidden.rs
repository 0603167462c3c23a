//! What must never be stored, logged or shown: every provider's key in effect, the bot's token, and what the environment
//! calls secret.
//! Invariant: each leaves here as a `Secret` under the name that stands in its place.
//! It must not know where text comes from or goes.

use std::path::Path;

use corvid_core::Secret;
use corvid_core::redact::Redactor;

use super::environment::Environment;

/// How the names of variables end that hold secrets.
const ENDINGS: &[&str] = &[
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "_PASS",
    "CREDENTIALS",
];

/// What takes the secrets out of text.
pub(super) fn redactor(
    environment: &Environment,
    llm: &corvid_llm::Config,
    own: Vec<(String, Secret)>,
) -> Redactor {
    let keys = llm.providers.iter().filter_map(|provider| {
        let key = provider.key.as_ref()?;
        Some((name(&provider.name), key.secret.clone()))
    });
    let variables = environment.pairs().into_iter();
    let variables = variables
        .filter(|(name, value)| is_secret(name) && !is_path(value))
        .map(|(name, value)| (name, Secret::new(value)));
    Redactor::new(keys.chain(own).chain(variables))
}

/// The name of a provider's key, whether it comes from that variable or from a file.
fn name(provider: &str) -> String {
    let mut presets = corvid_llm::PRESETS.iter();
    let preset = presets.find(|preset| preset.name == provider);
    preset.map_or_else(
        || provider.to_owned(),
        |preset| preset.key_variable.to_owned(),
    )
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Some such variables only lead to a secret (`GOOGLE_APPLICATION_CREDENTIALS`): the path is none.
fn is_path(value: &str) -> bool {
    let path = Path::new(value);
    path.is_absolute() && path.exists()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::{Composed, Home};

    #[test]
    fn every_key_in_effect_is_hidden_by_its_variables_name() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("key");
        std::fs::write(&file, "from-a-private-file\n")?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        let file = file.display().to_string();
        let environment = Environment::from([
            ("CORVID_HOME", "/nowhere"),
            ("CORVID__PROVIDERS__OPENAI__KEY_FILE", &file),
            ("TOGETHER_API_KEY", "from-a-variable-of-ours"),
        ]);
        let composed = Composed::load(&Home::find(&environment)?, &environment)?;
        let text = "from-a-private-file, from-a-variable-of-ours";
        assert_eq!(
            composed.redactor.text(text),
            "[redacted:OPENAI_API_KEY], [redacted:TOGETHER_API_KEY]"
        );
        Ok(())
    }

    #[test]
    fn variables_that_say_so_are_hidden() {
        let environment = Environment::from([
            ("GITHUB_TOKEN", "ghp_0123456789abcdef"),
            ("db_password", "correct horse battery"),
            ("MONKEY_BUSINESS", "nothing secret at all"),
            ("SHORT_KEY", "too short"),
            ("GOOGLE_APPLICATION_CREDENTIALS", env!("CARGO_MANIFEST_DIR")),
        ]);
        let hidden = redactor(&environment, &corvid_llm::Config::default(), Vec::new()).values();
        let names: Vec<_> = hidden.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["GITHUB_TOKEN", "db_password"]);
    }
}
