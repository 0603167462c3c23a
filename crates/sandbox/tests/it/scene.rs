//! A host sandbox around temporary folders, so that a test reads like what a command does.
//! Invariant: every scene has folders of its own, and beside them a home with something to steal.
//! It must not know what a test proves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use corvid_core::wire::CallKey;
use corvid_core::{
    CommandEnd, CommandEnding, CommandSpec, Progress, Sandbox as _, SandboxError, Wider,
};
use corvid_sandbox::{HostConfig, HostSandbox, Isolation};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The helper executable that cargo built for these tests.
pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_corvid-sandbox-stage");

/// How much of the system's isolation a claim about confined commands was tried with.
pub(crate) const EVERY_ISOLATION: [Isolation; 3] = [
    Isolation::Full,
    Isolation::WithoutNamespaces,
    Isolation::WithoutScopes,
];

/// The same of a claim that holds for commands whose processes can all be found.
pub(crate) const EVERY_LINUX: [Isolation; 4] = [
    Isolation::Full,
    Isolation::WithoutNamespaces,
    Isolation::WithoutScopes,
    Isolation::WithoutLandlock,
];

/// The same of a claim about whatever command.
pub(crate) const EVERYWHERE: [Isolation; 5] = [
    Isolation::Full,
    Isolation::WithoutNamespaces,
    Isolation::WithoutScopes,
    Isolation::WithoutLandlock,
    Isolation::Nothing,
];

pub(crate) struct Scene {
    base: TempDir,
    pub(crate) sandbox: HostSandbox,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) end: CommandEnd,
    pub(crate) output: String,
}

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        match self.end.ending {
            CommandEnding::Exited { code } => code,
            ref other => panic!("{other:?}: {}", self.output),
        }
    }
}

/// Remembers what was shown.
#[derive(Default)]
pub(crate) struct Shown(pub(crate) Mutex<Vec<String>>);

impl Progress for Shown {
    fn show(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

impl Scene {
    pub(crate) fn new(isolation: Isolation) -> Self {
        Self::with(|config| config.isolation = isolation)
    }

    pub(crate) fn with(adjust: impl FnOnce(&mut HostConfig)) -> Self {
        let base = TempDir::new().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["home/work", "home/.ssh", "home/state"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("home/.ssh/id"), "the key").unwrap();
        std::fs::write(at("home/state/journal"), "the journal").unwrap();
        std::fs::write(at("home/notes"), "notes").unwrap();
        let mut config = HostConfig::new(HELPER);
        config.private = vec![at("home/.ssh"), at("home/state")];
        config.environment = vec![
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("API_KEY".to_owned(), "the key".to_owned()),
        ];
        adjust(&mut config);
        let sandbox = HostSandbox::new(config);
        Self { base, sandbox }
    }

    /// Whether commands here get namespaces; containers and some systems give none.
    pub(crate) async fn has_namespaces(&self) -> bool {
        self.sandbox.namespaces().await.is_ok()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    pub(crate) fn spec(&self, key: &str, command: &str) -> CommandSpec {
        CommandSpec {
            key: CallKey::new(key),
            command: command.to_owned(),
            working_dir: self.at("home/work"),
            timeout: Duration::from_mins(1),
            output: self.at("home/state/outputs").join(key),
            record_dir: self.at("home/state/records"),
            kept: Vec::new(),
            wider: self.allowed(&self.at("home/work")),
        }
    }

    /// What a person has to allow before anything runs in that folder, as if it was.
    pub(crate) fn allowed(&self, working_dir: &Path) -> Option<Wider> {
        let lacking = self.sandbox.lacking(working_dir);
        (!lacking.is_empty()).then(|| Wider {
            lacking,
            ..Wider::default()
        })
    }

    pub(crate) async fn run(&self, command: &str) -> Ran {
        self.run_spec(&self.spec("call", command)).await.unwrap()
    }

    /// Runs a command that says something and then stays, until its time is up. That is short, unless this machine
    /// needs longer to hear anything of the command at all.
    pub(crate) async fn run_out_of_time(&self, command: &str) -> (CommandSpec, Ran) {
        let mut spec = self.spec("call", command);
        spec.timeout = Duration::from_millis(300);
        loop {
            let ran = self.run_spec(&spec).await.unwrap();
            if !ran.output.is_empty() || spec.timeout > Duration::from_secs(20) {
                return (spec, ran);
            }
            spec.timeout *= 5;
        }
    }

    /// Runs the command without any sandbox, to prove that what it tries can be done.
    pub(crate) fn run_bare(&self, command: &str) -> Output {
        Command::new("bash")
            .args(["-c", command])
            .current_dir(self.at("home/work"))
            .env("API_KEY", "the key")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The home folder and what lies right below it but the working folder, with contents.
    pub(crate) fn everything_outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for folder in ["home", "home/.ssh"] {
            for entry in std::fs::read_dir(self.at(folder)).unwrap() {
                let path = entry.unwrap().path();
                let content = std::fs::read(&path).unwrap_or_default();
                found.insert(path, content);
            }
        }
        found
    }

    pub(crate) async fn run_spec(&self, spec: &CommandSpec) -> Result<Ran, SandboxError> {
        let end = self
            .sandbox
            .run(spec, &CancellationToken::new(), Arc::new(Shown::default()))
            .await?;
        Ok(Ran {
            end,
            output: read(&spec.output),
        })
    }
}

pub(crate) fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// Cancels a command when it shows the right line.
pub(crate) struct CancelAt(
    pub(crate) CancellationToken,
    pub(crate) Box<dyn Fn(&str) -> bool + Send + Sync>,
);

impl Progress for CancelAt {
    fn show(&self, line: &str) {
        if self.1(line) {
            self.0.cancel();
        }
    }
}
