//! A working folder, a toolset, and the fakes at its seams.
//! Invariant: every call passes the tool's own check first, as in a turn.
//! It must not know what any test proves.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{
    Invocation, Jobs, Outputs, Posts, Progress, Reconciled, Sandbox, Tool, ToolError, ToolOutput,
    Toolset,
};
use corvid_tools::{Config, builtin};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::jobs::FakeJobs;
use crate::sandbox::FakeSandbox;
use crate::sending::FakePosts;

/// A working folder with tools on it.
pub(crate) struct Scene {
    root: TempDir,
    pub(crate) tools: Toolset,
    pub(crate) sandbox: Arc<FakeSandbox>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) jobs: Arc<FakeJobs>,
    pub(crate) posts: Arc<FakePosts>,
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
            posts: Arc::default(),
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
            posts: Arc::clone(&self.posts) as Arc<dyn Posts>,
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
