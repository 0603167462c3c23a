//! What a command costs in the sandbox, beside the same command bare and in bubblewrap (if installed).

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use corvid_core::wire::CallKey;
use corvid_core::{CommandEnding, CommandSpec, Progress, Sandbox as _, Wider};
use corvid_sandbox::{HostConfig, HostSandbox, Isolation};
use criterion::{Criterion, criterion_group, criterion_main};
use tokio_util::sync::CancellationToken;

/// Starts the shell and nothing else.
const COMMAND: &str = ":";

struct Unseen;

impl Progress for Unseen {
    fn show(&self, _line: &str) {}
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("command");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(5));
    group.bench_function("bare", |bencher| {
        bencher.iter(|| run_program("bash", &["-c", COMMAND]));
    });
    if Command::new("bwrap").arg("--version").output().is_ok() {
        let arguments = [
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "bash",
            "-c",
            COMMAND,
        ];
        group.bench_function("bubblewrap", |bencher| {
            bencher.iter(|| run_program("bwrap", &arguments));
        });
    }
    for (name, isolation) in [
        ("sandboxed", Isolation::Full),
        ("sandboxed without namespaces", Isolation::WithoutNamespaces),
    ] {
        let runtime = runtime();
        let (sandbox, command, _folder) = scene(isolation);
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                let cancel = CancellationToken::new();
                let end = sandbox.run(&command, &cancel, Arc::new(Unseen)).await;
                assert!(matches!(
                    end.map(|end| end.ending),
                    Ok(CommandEnding::Exited { code: 0 })
                ));
            });
        });
    }
    group.finish();
}

fn run_program(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    assert!(output.is_ok_and(|output| output.status.success()));
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap_or_else(|error| panic!("no runtime: {error}"))
}

fn scene(isolation: Isolation) -> (HostSandbox, CommandSpec, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temp folder: {error}"));
    let mut config = HostConfig::new(PathBuf::from(env!("CARGO_BIN_EXE_corvid-sandbox-stage")));
    config.isolation = isolation;
    let sandbox = HostSandbox::new(config);
    let command = CommandSpec {
        key: CallKey::new("bench"),
        command: COMMAND.to_owned(),
        working_dir: folder.path().to_owned(),
        timeout: Duration::from_mins(1),
        output: folder.path().join("output"),
        record_dir: folder.path().join("records"),
        kept: Vec::new(),
        wider: Some(Wider {
            lacking: sandbox.lacking(folder.path()),
            ..Wider::default()
        }),
    };
    (sandbox, command, folder)
}

criterion_group!(benches, bench);
criterion_main!(benches);
