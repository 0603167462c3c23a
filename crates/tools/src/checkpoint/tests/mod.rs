//! Checkpoints from outside: turns that change a real folder, and the way back.
//! Invariant: what a command does is done between the two pictures that the tool takes.
//! It must not know how anything is kept.

mod attacks;
mod bounds;
mod commands;
mod crashes;
mod files;
mod taken;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{
    Invocation, NoJobs, NoPosts, Outputs, Progress, Tool, ToolError, ToolOutput, Wider,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{CheckpointConfig, Checkpoints, UndoReport};
use crate::Config;
use crate::file::{Changer, Edit, Queue, Write};

/// A working folder with something private in it, and checkpoints beside it.
struct Scene {
    root: TempDir,
    config: CheckpointConfig,
    checkpoints: Arc<Checkpoints>,
    turn: u32,
    calls: u32,
}

struct Silent;

impl Progress for Silent {
    fn show(&self, _line: &str) {}
}

impl Scene {
    fn new() -> Self {
        Self::with_max(256 * 1024 * 1024)
    }

    fn with_max(max_bytes: u64) -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        let config = CheckpointConfig {
            root: root.path().join("state/checkpoints"),
            max_bytes,
            keep: Duration::from_hours(24),
            private: vec![root.path().join("work/secrets")],
        };
        Self {
            checkpoints: Arc::new(Checkpoints::new(config.clone())),
            root,
            config,
            turn: 1,
            calls: 0,
        }
    }

    /// As after the process was started anew.
    fn restart(&mut self) {
        self.checkpoints = Arc::new(Checkpoints::new(self.config.clone()));
    }

    fn session() -> SessionId {
        SessionId::new("s-test")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join("work").join(path)
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn content(&self, path: &str) -> Option<String> {
        let content = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8(content).unwrap())
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn call(&mut self, arguments: Value) -> Invocation {
        self.calls += 1;
        Invocation {
            session: Self::session(),
            call: CallId {
                turn: self.turn,
                step: 1,
                index: self.calls,
            },
            key: CallKey::new(format!("key-{}", self.calls)),
            arguments,
            working_dir: self.path(""),
            timeout_ms: 30_000,
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
            jobs: Arc::new(NoJobs),
            posts: Arc::new(NoPosts),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Silent),
        }
    }

    fn tools(&self) -> Arc<Config> {
        Arc::new(Config {
            checkpoints: Some(Arc::clone(&self.checkpoints)),
            ..Config::default()
        })
    }

    async fn write(&mut self, path: &str, content: &str) -> Result<ToolOutput, ToolError> {
        let call = self.call(json!({ "path": path, "content": content }));
        let tool = Changer::<Write>::new(self.tools(), Arc::new(Queue::default()));
        tool.run(&call).await
    }

    async fn edit(&mut self, path: &str, old: &str, new: &str) -> Result<ToolOutput, ToolError> {
        let call = self.call(json!({ "path": path, "old": old, "new": new }));
        let tool = Changer::<Edit>::new(self.tools(), Arc::new(Queue::default()));
        tool.run(&call).await
    }

    /// A command that does this; what is said of it afterwards.
    async fn command(&mut self, does: impl FnOnce(&Path)) -> Option<String> {
        self.wider_command(None, does).await
    }

    async fn wider_command(
        &mut self,
        wider: Option<&Wider>,
        does: impl FnOnce(&Path),
    ) -> Option<String> {
        let call = self.call(Value::Null);
        let begun = self.checkpoints.before_command(&call, wider).await;
        does(&self.path(""));
        self.checkpoints.after_command(&call, begun).await
    }

    fn undo(&self) -> UndoReport {
        self.undo_turn(self.turn)
    }

    fn undo_turn(&self, turn: u32) -> UndoReport {
        let session = Self::session();
        let before = self.checkpoints.undo_preview(&session, turn).unwrap();
        let report = self.checkpoints.undo(&session, turn).unwrap();
        assert_eq!(
            before.restored,
            report.restored.clone(),
            "the preview said so"
        );
        report
    }
}

/// What was restored, and what was left.
fn told(report: &UndoReport) -> (Vec<String>, Vec<&str>) {
    let left = report.left.iter().map(|(path, _)| path.as_str());
    (report.restored.clone(), left.collect())
}
