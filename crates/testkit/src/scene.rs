//! A stage for end-to-end tests: a home, a working folder, a scripted model and the real binary.
//! Invariant: nothing of the machine leaks in (the environment is cleared) and nothing is left behind.
//! It must not know the program's insides, only its command line, its files and its environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::model_server::Script;
use crate::process::{Output, Process};
use crate::{FakeTelegram, ModelServer};

/// A stage. What is on it reads like a transcript:
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use corvid_testkit::Scene;
/// use corvid_testkit::model_server::Script;
///
/// let scene = Scene::new("target/debug/agent")?.with_model(Script::echo())?;
/// let said = scene.run(["-s", "work", "-e", "moin"])?;
/// assert_eq!(said.stdout, "you said: moin\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Scene {
    agent: PathBuf,
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
    model: Option<ModelServer>,
}

impl Scene {
    /// An empty home and an empty working folder for the binary `agent`; no model.
    ///
    /// # Errors
    /// If the folders cannot be made.
    pub fn new(agent: impl Into<PathBuf>) -> io::Result<Self> {
        let scene = Self {
            agent: agent.into(),
            folder: tempfile::Builder::new().prefix("corvid-scene-").tempdir()?,
            environment: BTreeMap::new(),
            model: None,
        };
        for folder in [scene.home(), scene.user_home(), scene.work()] {
            fs::create_dir(folder)?;
        }
        Ok(scene)
    }

    /// Starts a scripted model and makes it the default model.
    ///
    /// # Errors
    /// If the server cannot be started.
    pub fn with_model(mut self, script: Script) -> io::Result<Self> {
        let model = ModelServer::start(script)?;
        self = self.with_model_at(&model.url());
        self.model = Some(model);
        Ok(self)
    }

    /// Makes a model server that somebody else runs the default model.
    #[must_use]
    pub fn with_model_at(self, url: &str) -> Self {
        self.with_variable("CORVID__MODEL", "custom/scripted")
            .with_variable("CORVID__PROVIDERS__CUSTOM__BASE_URL", url)
            .with_variable("CUSTOM_API_KEY", "key-of-the-scene")
    }

    /// The bot of a fake messenger, with these people as its owners.
    #[must_use]
    pub fn with_telegram(self, fake: &FakeTelegram, owners: &[i64]) -> Self {
        let owners: Vec<String> = owners.iter().map(i64::to_string).collect();
        self.with_variable("CORVID__TELEGRAM__TOKEN", fake.token())
            .with_variable("CORVID__TELEGRAM__API_URL", fake.url())
            .with_variable("CORVID__TELEGRAM__OWNERS", owners.join(","))
    }

    /// Sets a variable of the program's environment.
    #[must_use]
    pub fn with_variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.environment.insert(name, value);
        self
    }

    /// Writes the config file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn with_config(self, text: &str) -> io::Result<Self> {
        fs::write(self.home().join("config.toml"), text)?;
        Ok(self)
    }

    /// Writes a file in the working folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn with_file(self, name: &str, content: &str) -> io::Result<Self> {
        fs::write(self.work().join(name), content)?;
        Ok(self)
    }

    /// `agent run` with these arguments, to its end.
    ///
    /// # Errors
    /// If it cannot be started or hangs.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Output> {
        self.start_run(arguments)?.wait()
    }

    /// `agent run` with these arguments, left running.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Process> {
        let mut command = self.command();
        command.arg("run").args(arguments);
        Process::start(command, b"")
    }

    /// `agent` with these arguments, to its end.
    ///
    /// # Errors
    /// If it cannot be started or hangs.
    pub fn agent<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Output> {
        let mut command = self.command();
        command.args(arguments);
        Process::start(command, b"")?.wait()
    }

    /// `agent` with these arguments and this standard input, to its end.
    ///
    /// # Errors
    /// If it cannot be started or hangs.
    pub fn pipe<A: AsRef<OsStr>>(
        &self,
        input: &[u8],
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Output> {
        let mut command = self.command();
        command.args(arguments);
        Process::start(command, input)?.wait()
    }

    /// The bare command, set up for this scene, to be started by other means.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.agent);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", self.user_home())
            .env("CORVID_HOME", self.home())
            .envs(&self.environment)
            .current_dir(self.work());
        command
    }

    /// The folder of config and state (`CORVID_HOME`).
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("corvid")
    }

    /// The person's home (`HOME`).
    pub fn user_home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The working folder, in which every command is started.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// The folder that holds all of these.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The scripted model, if the scene has one of its own.
    pub fn model(&self) -> Option<&ModelServer> {
        self.model.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_set_and_nothing_leaks_in() -> io::Result<()> {
        let scene = Scene::new("/usr/bin/env")?
            .with_model(Script::echo())?
            .with_variable("X", "1")
            .with_file("a.txt", "a")?;
        let said = scene.agent::<&str>([])?;
        let mut names: Vec<_> = said
            .stdout
            .lines()
            .filter_map(|line| line.split_once('=').map(|(name, _)| name))
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "CORVID_HOME",
                "CORVID__MODEL",
                "CORVID__PROVIDERS__CUSTOM__BASE_URL",
                "CUSTOM_API_KEY",
                "HOME",
                "LANG",
                "PATH",
                "X",
            ]
        );
        assert!(scene.work().join("a.txt").is_file());
        Ok(())
    }
}
