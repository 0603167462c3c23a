//! `system.run` in the real host sandbox, from the arguments to what the model reads.
//! Invariant: the sandbox re-executes this very program, so its `main` begins as the binary's does.
//! It must not know how the sandbox confines.

#![expect(
    clippy::expect_used,
    reason = "a scene that cannot be set up fails its test"
)]

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use corvid_core::wire::{Address, CallId, CallKey, Requester, Role, SessionId};
use corvid_core::{Invocation, NoJobs, Outputs, Progress, Reconciled, Sandbox, ToolError, Toolset};
use corvid_sandbox::{HostConfig, HostSandbox};
use corvid_tools::{Config, builtin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const NAME: &str = "a_command_runs_in_the_host_sandbox";

/// Speaks the test runner's protocol: the sandbox needs a `main` of its own, before any thread.
fn main() -> ExitCode {
    if let Some(code) = corvid_sandbox::enter() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--list") {
        let listed = if has("--ignored") {
            String::new()
        } else {
            format!("{NAME}: test\n")
        };
        return match std::io::stdout().write_all(listed.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let filters: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    if filters.is_empty() || filters.iter().any(|filter| NAME.contains(filter.as_str())) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(a_command_runs_in_the_host_sandbox());
    }
    ExitCode::SUCCESS
}

struct Scene {
    root: TempDir,
    tools: Toolset,
}

struct Silent;

impl Progress for Silent {
    fn show(&self, _line: &str) {}
}

impl Scene {
    fn invocation(&self, index: u32, name: &str, arguments: Value) -> Invocation {
        let tool = self.tools.get(name).expect("the tool");
        let checked = tool
            .check(&arguments, &self.root.path().join("work"))
            .expect("valid arguments");
        Invocation {
            session: SessionId::new("s-host"),
            call: CallId {
                turn: 1,
                step: 1,
                index,
            },
            key: CallKey::new(format!("host-{index}")),
            arguments,
            working_dir: self.root.path().join("work"),
            timeout_ms: checked.timeout_ms,
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
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: Arc::new(Silent),
        }
    }

    async fn call(&self, index: u32, name: &str, arguments: Value) -> Result<String, ToolError> {
        let call = self.invocation(index, name, arguments);
        let tool = self.tools.get(name).expect("the tool");
        tool.run(&call).await.map(|output| output.text)
    }
}

async fn a_command_runs_in_the_host_sandbox() {
    let root = TempDir::new().expect("a folder");
    for folder in ["work/sub", "state"] {
        fs::create_dir_all(root.path().join(folder)).expect("a folder");
    }
    fs::write(root.path().join("state/key"), "private").expect("a file");
    let helper = std::env::current_exe().expect("this program");
    let sandbox = Arc::new(HostSandbox::new(HostConfig {
        private: vec![root.path().join("state")],
        ..HostConfig::new(helper)
    }));
    let tools = builtin(Config::default(), Arc::clone(&sandbox) as Arc<dyn Sandbox>);
    let scene = Scene { root, tools };
    if !sandbox.report().enforced {
        // The promise of a system that cannot confine: nothing runs, and it is said why.
        let refused = scene
            .call(0, "system.run", json!({ "command": "true" }))
            .await;
        assert!(matches!(refused, Err(ToolError::Tell(text)) if text.contains("confined")));
        return;
    }
    ends_are_told(&scene).await;
    output_is_kept(&scene).await;
    let call = scene.invocation(4, "system.run", json!({ "command": "any" }));
    let tool = scene.tools.get("system.run").expect("the tool");
    let Reconciled::Done(output) = tool.reconcile(&call, None).await else {
        panic!("what ended was not known afterwards");
    };
    assert!(output.text.starts_with("exit code 0\n"), "{}", output.text);
    let call = scene.invocation(9, "system.run", json!({ "command": "any" }));
    assert_eq!(tool.reconcile(&call, None).await, Reconciled::NotDone);
}

async fn ends_are_told(scene: &Scene) {
    let run = async |index, arguments| {
        let told = scene.call(index, "system.run", arguments).await;
        told.expect("it ran")
    };
    let command = "printf 'a\\033[31mb\\n'; cat ../state/key; echo made > new; exit 3";
    let text = run(0, json!({ "command": command })).await;
    assert!(text.starts_with("exit code 3\nab\n"), "{text}");
    assert!(!text.contains("private"), "{text}");
    let made = fs::read(scene.root.path().join("work/new")).expect("the file");
    assert_eq!(made, b"made\n");
    let there = json!({ "command": "basename \"$PWD\"; cat; ls ..", "working_dir": "sub" });
    assert_eq!(run(1, there).await, "exit code 0\nsub\nnew\nsub\n");
    let text = run(2, json!({ "command": "kill -9 $$" })).await;
    assert_eq!(text, "killed by signal 9 (SIGKILL)\n(no output)");
    let text = run(
        3,
        json!({ "command": "echo so far; sleep 100", "timeout_secs": 1 }),
    )
    .await;
    assert!(text.starts_with("timed out, after "), "{text}");
    assert!(text.ends_with("\nso far\n"), "{text}");
}

async fn output_is_kept(scene: &Scene) {
    let command = "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done";
    let call = scene.invocation(4, "system.run", json!({ "command": command }));
    let tool = scene.tools.get("system.run").expect("the tool");
    let output = tool.run(&call).await.expect("it ran");
    assert!(output.text.starts_with("exit code 0\nline 0\nline 1\n"));
    assert!(output.text.ends_with("line 4998\nline 4999\n"));
    let kept = output.output.expect("the rest is kept");
    let page = json!({ "call": kept.call.to_string(), "offset": kept.kept_bytes - 10 });
    let page = scene.call(5, "output.read", page).await.expect("a page");
    assert!(page.starts_with("line 4999\n"), "{page}");
}
