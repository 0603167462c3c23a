//! Providers' keys: from a file that only its owner can read, else from the provider's own variable.
//! Invariant: a key leaves here only as a `Secret` under its provider's name.
//! It must not know where a key is sent.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use corvid_core::Secret;
use corvid_llm::{Preset, ProviderKey};

use super::environment::Environment;
use super::home::Home;
use super::problem::Problem;

/// The largest key file that is read, in bytes; a key has some hundred.
const LARGEST: u64 = 16 * 1024;

/// A provider's key, if there is one. `file` is the configured path, empty if none is.
///
/// # Errors
/// If the file cannot be read, is empty, or can be read by others; one problem with its fix.
pub(crate) fn provider_key(
    preset: &Preset,
    file: &str,
    home: &Home,
    environment: &Environment,
) -> Result<Option<ProviderKey>, Problem> {
    let key = format!("providers.{}.key_file", preset.name);
    let problem = |text: String| Problem {
        key: Some(key.clone()),
        text,
    };
    if file.is_empty() {
        let text = environment.text(preset.key_variable).map_err(problem)?;
        return Ok(text.map(|text| ProviderKey::new(Secret::new(text.trim()), preset.key_variable)));
    }
    let path = home
        .expand(file)
        .map_err(|why| problem(format!("`{key}` is `{file}`: {why}")))?;
    let text =
        read(&path).map_err(|why| problem(format!("`{key}` names {}: {why}", path.display())))?;
    Ok(Some(ProviderKey::new(
        Secret::new(text.trim()),
        path.display().to_string(),
    )))
}

fn read(path: &Path) -> Result<String, String> {
    let about = path.metadata().map_err(|error| {
        format!("{error}; write the key there or `agent config set` another path")
    })?;
    let shown = path.display();
    if !about.is_file() || about.len() > LARGEST {
        return Err("it is no file with a key in it".to_owned());
    }
    if about.permissions().mode() & 0o077 != 0 {
        return Err(format!("others can read it; `chmod 600 {shown}`"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if text.trim().is_empty() {
        return Err("it is empty; write the key into it".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: u32, text: &str) -> anyhow::Result<Result<Option<String>, String>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("key");
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))?;
        let home = Home::find(&Environment::from([("CORVID_HOME", "/nowhere")]))?;
        let environment = Environment::from([("OPENAI_API_KEY", "from-variable")]);
        let path = file.display().to_string();
        let found = provider_key(&corvid_llm::PRESETS[0], &path, &home, &environment);
        Ok(found
            .map(|key| key.map(|key| key.secret.expose().to_owned()))
            .map_err(|problem| problem.text.replace(&path, "FILE")))
    }

    #[test]
    fn a_private_file_wins_over_the_variable() -> anyhow::Result<()> {
        assert_eq!(check(0o600, "sk-file\n")?, Ok(Some("sk-file".to_owned())));
        Ok(())
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() -> anyhow::Result<()> {
        let expect = "`providers.openai.key_file` names FILE: others can read it; `chmod 600 FILE`";
        assert_eq!(check(0o644, "sk-file")?, Err(expect.to_owned()));
        Ok(())
    }

    #[test]
    fn an_empty_file_is_no_key() -> anyhow::Result<()> {
        assert!(check(0o600, " \n")?.is_err_and(|text| text.contains("it is empty")));
        Ok(())
    }
}
