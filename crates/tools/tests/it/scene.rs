//! A working folder, a toolset and a sandbox that does what it is told.
//! Invariant: the fake sandbox refuses what a real one could not run.
//! It must not know what any test proves.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{
    CommandEnd, CommandEnding, CommandRecord, CommandSpec, Description, Invocation, Jobs, Outputs,
    Progress, Reconciled, Sandbox, SandboxError, SandboxReport, Tool, ToolError, ToolOutput,
    Toolset,
};
use corvid_tools::{Config, builtin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::jobs::FakeJobs;

/// A working folder with tools on it.
pub(crate) struct Scene {
    root: TempDir,
    pub(crate) tools: Toolset,
    pub(crate) sandbox: Arc<FakeSandbox>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) jobs: Arc<FakeJobs>,
    pub(crate) cancel: CancellationToken,
    pub(crate) background: CancellationToken,
    pub(crate) timeout_ms: Option<u64>,
}

impl Scene {
    /// An empty working folder with a private folder `secrets` in it.
    pub(crate) fn new() -> Self {
        Self::with(|config| config)
    }

    /// The same with another configuration.
    pub(crate) fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let root = TempDir::new().expect("a folder");
        fs::create_dir(root.path().join("work")).expect("a folder");
        let config = change(Config {
            private: vec![root.path().join("work/secrets"), root.path().join("state")],
            readable: vec![root.path().join("toolchain")],
            ..Config::default()
        });
        let sandbox = Arc::new(FakeSandbox::default());
        Self {
            root,
            tools: builtin(config, Arc::clone(&sandbox) as Arc<dyn Sandbox>),
            sandbox,
            shown: Arc::default(),
            jobs: Arc::default(),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            timeout_ms: None,
        }
    }

    /// A path beside the working folder.
    pub(crate) fn beside(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// A path in the working folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join("work").join(path)
    }

    /// Writes a file in the working folder, with the folders on the way.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, content).expect("a file");
    }

    /// What is in a file of the working folder.
    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).expect("the file")
    }

    pub(crate) fn tool(&self, name: &str) -> Arc<dyn Tool> {
        Arc::clone(self.tools.get(name).expect("a tool of that name"))
    }

    /// The call as it would be invoked, number `index` of the step.
    pub(crate) fn invocation(
        &self,
        name: &str,
        index: u32,
        arguments: Value,
    ) -> Result<Invocation, String> {
        let checked = self.tool(name).check(&arguments, &self.path(""))?;
        let call = CallId {
            turn: 1,
            step: 1,
            index,
        };
        Ok(Invocation {
            session: SessionId::new("s-test"),
            call,
            key: CallKey::new(format!("key-{index}")),
            arguments,
            working_dir: self.path(""),
            timeout_ms: self.timeout_ms.unwrap_or(checked.timeout_ms),
            outputs: Outputs::new(self.root.path().join("state/outputs")),
            origin: Address {
                channel: "terminal".to_owned(),
                account: "0".to_owned(),
                conversation: "test".to_owned(),
            },
            requester: Requester {
                id: "0".to_owned(),
                role: Role::Owner,
            },
            jobs: Arc::clone(&self.jobs) as Arc<dyn Jobs>,
            cancel: self.cancel.clone(),
            background: self.background.clone(),
            progress: Arc::clone(&self.shown) as Arc<dyn Progress>,
        })
    }

    /// Makes one call as a turn would: check, prepare, run.
    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Result<ToolOutput, String> {
        self.call_at(name, 0, arguments).await
    }

    /// The same as call number `index` of the step.
    pub(crate) async fn call_at(
        &self,
        name: &str,
        index: u32,
        arguments: Value,
    ) -> Result<ToolOutput, String> {
        let call = self.invocation(name, index, arguments)?;
        let tool = self.tool(name);
        tool.prepare(&call).await.map_err(told)?;
        tool.run(&call).await.map_err(told)
    }

    /// The text of a call that must succeed.
    pub(crate) async fn text(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect("it succeeds").text
    }

    /// The sentence of a call that must not succeed.
    pub(crate) async fn error(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect_err("it fails")
    }

    /// What became of a call whose process died after `prepare` and `act`.
    pub(crate) async fn after_crash(
        &self,
        name: &str,
        arguments: Value,
        act: impl FnOnce(&Self),
    ) -> Reconciled {
        let call = self.invocation(name, 0, arguments).expect("valid");
        let proof = self.tool(name).prepare(&call).await.expect("prepared");
        act(self);
        self.tool(name).reconcile(&call, proof.as_ref()).await
    }
}

pub(crate) fn told(error: ToolError) -> String {
    match error {
        ToolError::Tell(text) => text,
        ToolError::Fatal(text) => panic!("it ended the turn: {text}"),
    }
}

/// Remembers what was shown.
#[derive(Default)]
pub(crate) struct Shown(pub(crate) Mutex<Vec<String>>);

impl Progress for Shown {
    fn show(&self, line: &str) {
        self.0.lock().expect("lock").push(line.to_owned());
    }
}

/// What the fake sandbox does with one command.
pub(crate) struct Act {
    pub(crate) output: Vec<u8>,
    pub(crate) end: Result<CommandEnd, SandboxError>,
    pub(crate) lines: Vec<&'static str>,
    /// It does nothing before this is told, or it is cancelled.
    pub(crate) gate: Option<Arc<Notify>>,
}

impl Act {
    /// The command prints `output` and exits with `code`.
    pub(crate) fn exits(code: i32, output: impl Into<Vec<u8>>) -> Self {
        let output = output.into();
        let bytes = output.len() as u64;
        Self {
            output,
            end: Ok(CommandEnd {
                ending: CommandEnding::Exited { code },
                kept_bytes: bytes,
                total_bytes: bytes,
                duration_ms: 5,
            }),
            lines: Vec::new(),
            gate: None,
        }
    }

    /// The command ends otherwise.
    pub(crate) fn ends(ending: CommandEnding, output: impl Into<Vec<u8>>) -> Self {
        let mut act = Self::exits(0, output);
        if let Ok(end) = &mut act.end {
            end.ending = ending;
        }
        act
    }
}

/// A sandbox that acts by a script and checks every command it is handed.
#[derive(Default)]
pub(crate) struct FakeSandbox {
    report: SandboxReport,
    /// Why it cannot hold a command.
    pub(crate) lacking: Mutex<Vec<String>>,
    pub(crate) acts: Mutex<VecDeque<Act>>,
    pub(crate) commands: Mutex<Vec<CommandSpec>>,
    pub(crate) records: Mutex<VecDeque<CommandRecord>>,
}

impl FakeSandbox {
    pub(crate) fn script(&self, act: Act) {
        self.acts.lock().expect("lock").push_back(act);
    }

    fn accept(&self, command: &CommandSpec) {
        assert!(command.working_dir.is_absolute() && command.working_dir.is_dir());
        assert!(!command.command.contains('\0'), "no shell takes a NUL");
        assert!(!command.timeout.is_zero());
        let folder = command.output.parent().expect("a folder");
        assert!(folder.is_dir(), "the output's folder is there");
        self.commands.lock().expect("lock").push(command.clone());
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn report(&self) -> &SandboxReport {
        &self.report
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        vec![format!("commands run in {}", working_dir.display())]
    }

    fn lacking(&self, _working_dir: &Path) -> Vec<String> {
        self.lacking.lock().expect("lock").clone()
    }

    fn describe(&self, command: &CommandSpec) -> Result<Description, SandboxError> {
        let wider = command.wider.clone().unwrap_or_default();
        if wider.writes.iter().any(|path| path == "/etc") {
            return Err(SandboxError::Refused(
                "`/etc` is a system folder".to_owned(),
            ));
        }
        let mut facts = Vec::new();
        if !wider.hosts.is_empty() {
            facts.push(("network".to_owned(), wider.hosts.join(", ")));
        }
        Ok(Description {
            binding: json!([
                command.command,
                command.working_dir,
                wider.hosts,
                wider.writes
            ]),
            facts,
        })
    }

    async fn run(
        &self,
        command: &CommandSpec,
        cancel: &CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError> {
        self.accept(command);
        let act = self.acts.lock().expect("lock").pop_front();
        let mut act = act.expect("a command that was scripted");
        if let Some(gate) = act.gate.take() {
            tokio::select! {
                () = gate.notified() => {}
                () = cancel.cancelled() => {
                    if let Ok(end) = &mut act.end {
                        end.ending = CommandEnding::Stopped;
                    }
                }
            }
        }
        for line in act.lines {
            progress.show(line);
        }
        if act.end.is_ok() {
            fs::write(&command.output, act.output).expect("output");
        }
        act.end
    }

    async fn reconcile(&self, command: &CommandSpec) -> CommandRecord {
        let known = self.commands.lock().expect("lock");
        if let Some(last) = known.last() {
            // The same call must be asked about under the same names.
            assert_eq!(last.key, command.key);
            assert_eq!(last.record_dir, command.record_dir);
            assert_eq!(last.output, command.output);
        }
        let record = self.records.lock().expect("lock").pop_front();
        record.expect("a record that was scripted")
    }
}
