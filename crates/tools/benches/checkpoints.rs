//! What a checkpoint costs a command: `system.run` on a sandbox that does nothing, with and without.
//! Invariant: every figure comes with the same call without checkpoints, in the same folder.
//! It must not know how a checkpoint is taken.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to say"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{
    CommandEnd, CommandEnding, CommandRecord, CommandSpec, Description, Invocation, NoJobs,
    NoPosts, Outputs, Progress, Sandbox, SandboxError, SandboxReport, Tool,
};
use corvid_tools::checkpoint::{CheckpointConfig, Checkpoints};
use corvid_tools::{Config, builtin};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Files of the larger folder.
const FILES: usize = 2_000;

fn commands(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("command");
    group.sample_size(20);
    for files in [0, FILES] {
        let folder = folder(files);
        let bare = Bench::new(folder.path(), false);
        group.bench_with_input(BenchmarkId::new("bare", files), &bare, |bencher, bench| {
            bencher.iter(|| bench.run(&runtime));
        });
        group.bench_function(BenchmarkId::new("first picture", files), |bencher| {
            let fresh = || Bench::new(folder.path(), true);
            bencher.iter_batched_ref(fresh, |bench| bench.run(&runtime), BatchSize::PerIteration);
        });
        let later = Bench::new(folder.path(), true);
        later.run(&runtime);
        group.bench_with_input(
            BenchmarkId::new("later picture", files),
            &later,
            |bencher, bench| {
                bencher.iter(|| bench.run(&runtime));
            },
        );
    }
}

criterion_group!(benches, commands);
criterion_main!(benches);

/// A folder like a repository: files of a few kilobytes, fifty to a folder.
fn folder(files: usize) -> TempDir {
    let root = TempDir::new().expect("a folder");
    fs::write(
        root.path().join(".gitignore"),
        "/target\n*.log\nnode_modules/\n",
    )
    .expect("a file");
    for index in 0..files {
        let folder = root.path().join(format!("src/module-{}", index / 50));
        fs::create_dir_all(&folder).expect("a folder");
        let content = format!("line of file {index}\n").repeat(150);
        fs::write(folder.join(format!("file-{index}.rs")), content).expect("a file");
    }
    if files == 0 {
        fs::remove_file(root.path().join(".gitignore")).expect("the file");
    }
    root
}

/// One tool on one folder.
struct Bench {
    state: TempDir,
    tool: Arc<dyn Tool>,
    working_dir: std::path::PathBuf,
}

impl Bench {
    fn new(working_dir: &Path, with_checkpoints: bool) -> Self {
        let state = TempDir::new().expect("a folder");
        let checkpoints = with_checkpoints.then(|| {
            Arc::new(Checkpoints::new(CheckpointConfig {
                root: state.path().join("checkpoints"),
                max_bytes: 256 * 1024 * 1024,
                keep: Duration::from_hours(1),
                private: Vec::new(),
            }))
        });
        let config = Config {
            checkpoints,
            ..Config::default()
        };
        let tools = builtin(config, Arc::new(Idle(SandboxReport::default())));
        Self {
            tool: Arc::clone(tools.get("system.run").expect("the tool")),
            state,
            working_dir: working_dir.to_owned(),
        }
    }

    fn run(&self, runtime: &Runtime) {
        let call = Invocation {
            session: SessionId::new("s-bench"),
            call: CallId {
                turn: 1,
                step: 1,
                index: 0,
            },
            key: CallKey::new("bench"),
            arguments: json!({ "command": "true" }),
            working_dir: self.working_dir.clone(),
            timeout_ms: 30_000,
            outputs: Outputs::new(self.state.path().join("outputs")),
            origin: Address {
                channel: "terminal".to_owned(),
                account: "0".to_owned(),
                conversation: "bench".to_owned(),
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
        };
        runtime.block_on(self.tool.run(&call)).expect("it runs");
    }
}

struct Silent;

impl Progress for Silent {
    fn show(&self, _line: &str) {}
}

/// A sandbox in which commands do nothing at all.
struct Idle(SandboxReport);

#[async_trait]
impl Sandbox for Idle {
    fn report(&self) -> &SandboxReport {
        &self.0
    }

    fn rules(&self, _working_dir: &Path) -> Vec<String> {
        Vec::new()
    }

    fn lacking(&self, _working_dir: &Path) -> Vec<String> {
        Vec::new()
    }

    fn describe(&self, _command: &CommandSpec) -> Result<Description, SandboxError> {
        Err(SandboxError::Refused("nobody is asked here".to_owned()))
    }

    async fn run(
        &self,
        command: &CommandSpec,
        _cancel: &CancellationToken,
        _progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError> {
        let written = fs::write(&command.output, "");
        written.map_err(|error| SandboxError::Failed(error.to_string()))?;
        Ok(CommandEnd {
            ending: CommandEnding::Exited { code: 0 },
            kept_bytes: 0,
            total_bytes: 0,
            duration_ms: 0,
        })
    }

    async fn reconcile(&self, _command: &CommandSpec) -> CommandRecord {
        CommandRecord::NotStarted
    }
}
