//! What a command costs in the sandbox, side by side with the same command bare and in bubblewrap (if installed).
//! Invariant: all ways take turns, so that whatever else the machine does meets all of them alike.
//! It must not know how a way is made fast.
//!
//! `-- --helper FILE` takes another helper than the crate's own, as the agent's executable, which is larger.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corvid_core::wire::CallKey;
use corvid_core::{CommandEnding, CommandSpec, Progress, Sandbox as _, Wider};
use corvid_sandbox::{HostConfig, HostSandbox, Isolation};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Starts the shell and nothing else.
const COMMAND: &str = ":";

/// Turns that each way takes.
const ROUNDS: usize = 300;

/// Between two turns, so that what one way leaves behind (a supervisor that gets ready) is no burden to the next.
const REST: Duration = Duration::from_millis(10);

struct Unseen;

impl Progress for Unseen {
    fn show(&self, _line: &str) {}
}

/// One way of running the command.
struct Way {
    name: &'static str,
    /// What is not measured.
    prepare: Box<dyn Fn()>,
    run: Box<dyn Fn()>,
    times: Vec<Duration>,
}

/// What went before the command in its sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: no supervisor is ready, as for the first command of a process of which nobody said that it comes.
    Nothing,
    /// Another command, which ended just now.
    Another,
    /// Another command, while all other ways had their turns.
    AWhileAgo,
}

fn main() -> io::Result<()> {
    // Whoever only lists or tests benches wants no figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let helper = helper();
    let mut ways = vec![
        way("bare", || run_program("bash", &["-c", COMMAND])),
        sandboxed("sandboxed, cold", &helper, Isolation::Full, Before::Nothing)?,
        sandboxed(
            "sandboxed, after another",
            &helper,
            Isolation::Full,
            Before::Another,
        )?,
        sandboxed(
            "sandboxed, a moment later",
            &helper,
            Isolation::Full,
            Before::AWhileAgo,
        )?,
        sandboxed(
            "no namespaces, cold",
            &helper,
            Isolation::WithoutNamespaces,
            Before::Nothing,
        )?,
        sandboxed(
            "no namespaces, after one",
            &helper,
            Isolation::WithoutNamespaces,
            Before::Another,
        )?,
        sandboxed(
            "without anything",
            &helper,
            Isolation::Nothing,
            Before::Nothing,
        )?,
    ];
    if Command::new("bwrap").arg("--version").output().is_ok() {
        ways.insert(1, way("bubblewrap", || run_program("bwrap", BUBBLEWRAP)));
    }
    for _ in 0..ROUNDS {
        for way in &mut ways {
            std::thread::sleep(REST);
            (way.prepare)();
            let begun = Instant::now();
            (way.run)();
            way.times.push(begun.elapsed());
        }
    }
    print(&mut ways)
}

fn helper() -> PathBuf {
    let mut given = std::env::args().skip_while(|argument| argument != "--helper");
    let own = || env!("CARGO_BIN_EXE_corvid-sandbox-stage").to_owned();
    PathBuf::from(given.nth(1).unwrap_or_else(own))
}

fn print(ways: &mut [Way]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{ROUNDS} rounds, milliseconds   10th percentile   median   median over bare"
    )?;
    let mut bare = None;
    for way in ways {
        way.times.sort_unstable();
        let at = |part: usize| way.times[way.times.len() * part / 100].as_secs_f64() * 1e3;
        let over = at(50) - *bare.get_or_insert(at(50));
        writeln!(
            out,
            "{:<26} {:>17.2} {:>8.2} {over:>18.2}",
            way.name,
            at(10),
            at(50)
        )?;
    }
    Ok(())
}

const BUBBLEWRAP: &[&str] = &[
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

fn way(name: &'static str, run: impl Fn() + 'static) -> Way {
    Way {
        name,
        prepare: Box::new(|| ()),
        run: Box::new(run),
        times: Vec::with_capacity(ROUNDS),
    }
}

fn run_program(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    assert!(output.is_ok_and(|output| output.status.success()));
}

fn sandboxed(
    name: &'static str,
    helper: &Path,
    isolation: Isolation,
    before: Before,
) -> io::Result<Way> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sandbox, command, folder) = scene(helper, isolation, before)?;
    let count = Cell::new(0);
    let run = Rc::new(move || {
        // Every call has a key and an output file of its own.
        let key = format!("bench-{}", count.replace(count.get() + 1));
        let command = CommandSpec {
            output: folder.path().join(&key),
            key: CallKey::new(key),
            ..command.clone()
        };
        let cancel = CancellationToken::new();
        let end = runtime.block_on(sandbox.run(&command, &cancel, Arc::new(Unseen)));
        let ending = end.map(|end| end.ending);
        assert!(
            matches!(ending, Ok(CommandEnding::Exited { code: 0 })),
            "{ending:?} in {}",
            folder.path().display()
        );
    });
    let prepare = Rc::clone(&run);
    let mut way = way(name, move || run());
    if before == Before::Another {
        way.prepare = Box::new(move || prepare());
    }
    Ok(way)
}

fn scene(
    helper: &Path,
    isolation: Isolation,
    before: Before,
) -> io::Result<(HostSandbox, CommandSpec, TempDir)> {
    let folder = tempfile::tempdir()?;
    let mut config = HostConfig::new(helper);
    config.isolation = isolation;
    if before == Before::Nothing {
        config.spare_for = Duration::ZERO;
    }
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
    Ok((sandbox, command, folder))
}
