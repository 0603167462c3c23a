//! A working folder with the tools on it, and the host's sandbox.
//! Invariant: every call passes the tool's own check first, as in a turn.
//! It must not know what any test proves.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{
    Invocation, Jobs, NoPosts, Outputs, Preview, Progress, Tool, ToolError, Toolset,
};
use corvid_sandbox::{HostConfig, HostSandbox};
use corvid_tools::checkpoint::{CheckpointConfig, Checkpoints};
use corvid_tools::{Config, builtin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::taken::FakeJobs;

/// A working folder with a private folder `state` beside it.
pub(crate) struct Scene {
    root: TempDir,
    tools: Toolset,
    pub(crate) sandbox: Arc<HostSandbox>,
    pub(crate) jobs: Arc<FakeJobs>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().expect("a folder");
        for folder in ["work/sub", "state"] {
            fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        fs::write(root.path().join("state/key"), "private").expect("a file");
        let sandbox = sandbox(&root, &[]);
        let tools = builtin(Config::default(), Arc::clone(&sandbox) as _);
        Self {
            root,
            tools,
            sandbox,
            jobs: Arc::default(),
        }
    }

    /// The same folders, with commands that inherit this variable.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.sandbox = sandbox(&self.root, &[(name.to_owned(), value.to_owned())]);
        self.tools = builtin(Config::default(), Arc::clone(&self.sandbox) as _);
        self
    }

    /// The same folders, with what files were before kept.
    pub(crate) fn with_checkpoints(mut self) -> (Self, Arc<Checkpoints>) {
        let checkpoints = Arc::new(Checkpoints::new(CheckpointConfig {
            root: self.beside("state/checkpoints"),
            max_bytes: 64 * 1024 * 1024,
            keep: Duration::from_hours(1),
            private: vec![self.beside("state")],
        }));
        let config = Config {
            checkpoints: Some(Arc::clone(&checkpoints)),
            ..Config::default()
        };
        self.tools = builtin(config, Arc::clone(&self.sandbox) as _);
        (self, checkpoints)
    }

    /// A path beside the working folder.
    pub(crate) fn beside(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn tool(&self, name: &str) -> Arc<dyn Tool> {
        Arc::clone(self.tools.get(name).expect("the tool"))
    }

    /// Call number `index`, as it would be invoked.
    pub(crate) fn invocation(&self, index: u32, name: &str, arguments: Value) -> Invocation {
        let working_dir = self.beside("work");
        let checked = self.tool(name).check(&arguments, &working_dir);
        Invocation {
            session: SessionId::new("s-host"),
            call: CallId {
                turn: 1,
                step: 1,
                index,
            },
            key: CallKey::new(format!("host{index}")),
            arguments,
            working_dir,
            timeout_ms: checked.expect("valid arguments").timeout_ms,
            outputs: Outputs::new(self.beside("state/outputs")),
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
            posts: Arc::new(NoPosts),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Heard::new().0),
        }
    }

    /// What the model reads of a call; see [`untimed`].
    pub(crate) async fn call(
        &self,
        index: u32,
        name: &str,
        arguments: Value,
    ) -> Result<String, ToolError> {
        let call = self.invocation(index, name, arguments);
        let ran = self.tool(name).run(&call).await;
        ran.map(|output| untimed(&output.text))
    }

    /// What the model reads of a command.
    pub(crate) async fn run(&self, index: u32, arguments: Value) -> String {
        let told = self.call(index, "system.run", arguments).await;
        told.expect("it ran")
    }

    /// What a person is shown before a command.
    pub(crate) async fn preview(&self, index: u32, arguments: Value) -> Result<Preview, ToolError> {
        let call = self.invocation(index, "system.run", arguments);
        self.tool("system.run").preview(&call).await
    }

    pub(crate) fn every_command_asks(&self) {
        let asked = json!({ "command": "true" });
        let checked = self.tool("system.run").check(&asked, &self.beside("work"));
        let wider = checked.expect("valid").wider.expect("it asks");
        assert!(!wider.lacking.is_empty());
    }
}

/// What a command ended with, but for how long it took: on a slow machine that is told of the quickest, too.
pub(crate) fn untimed(told: &str) -> String {
    let (first, rest) = told.split_once('\n').unwrap_or((told, ""));
    let timed = first
        .split_once(", after ")
        .and_then(|(how, after)| Some((how, after.split_once(" s")?.1)));
    match timed {
        Some((how, more)) => format!("{how}{more}\n{rest}"),
        None => told.to_owned(),
    }
}

fn sandbox(root: &TempDir, variables: &[(String, String)]) -> Arc<HostSandbox> {
    let helper = std::env::current_exe().expect("this program");
    Arc::new(HostSandbox::new(HostConfig {
        private: vec![root.path().join("state")],
        environment: variables.to_vec(),
        variables: variables.iter().map(|(name, _)| name.clone()).collect(),
        ..HostConfig::new(helper)
    }))
}

/// Passes on the lines that a command shows.
pub(crate) struct Heard(UnboundedSender<String>);

impl Heard {
    pub(crate) fn new() -> (Self, UnboundedReceiver<String>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }
}

impl Progress for Heard {
    fn show(&self, line: &str) {
        // Nobody may be listening.
        if self.0.send(line.to_owned()).is_err() {}
    }
}
