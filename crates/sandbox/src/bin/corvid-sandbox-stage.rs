//! A helper executable for the tests of this crate: the sandbox's stages, and a parent that can be killed.
//! Invariant: as a stage it does what the agent's own executable does and nothing else.
//! It must not know what is tested.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use corvid_core::wire::CallKey;
use corvid_core::{CommandSpec, Progress, Sandbox as _, Wider};
use corvid_sandbox::{HostConfig, HostSandbox, Isolation};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    if let Some(code) = corvid_sandbox::enter() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [home, key, isolation, command] => {
            run(Path::new(home), key, isolation, command).unwrap_or(ExitCode::FAILURE)
        }
        _ => ExitCode::from(2),
    }
}

/// Runs a command in `home/work` with its record below `home/state`, and prints its progress.
fn run(home: &Path, key: &str, isolation: &str, command: &str) -> io::Result<ExitCode> {
    let mut config = HostConfig::new(std::env::current_exe()?);
    config.isolation = match isolation {
        "Full" => Isolation::Full,
        "WithoutNamespaces" => Isolation::WithoutNamespaces,
        "WithoutScopes" => Isolation::WithoutScopes,
        "WithoutLandlock" => Isolation::WithoutLandlock,
        _ => Isolation::Nothing,
    };
    let sandbox = Arc::new(HostSandbox::new(config));
    let working_dir = home.join("work");
    let lacking = sandbox.lacking(&working_dir);
    let command = CommandSpec {
        key: CallKey::new(key),
        command: command.to_owned(),
        working_dir,
        timeout: Duration::from_mins(10),
        output: home.join("state/outputs").join(key),
        record_dir: home.join("state/records"),
        kept: Vec::new(),
        wider: Some(Wider {
            lacking,
            ..Wider::default()
        }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let cancel = CancellationToken::new();
    let progress = Arc::new(Printed(Arc::clone(&sandbox)));
    let ended = runtime.block_on(sandbox.run(&command, &cancel, progress));
    Ok(match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Prints progress, so that a test can wait for it, and lets another command be expected meanwhile.
struct Printed(Arc<HostSandbox>);

impl Progress for Printed {
    fn show(&self, line: &str) {
        self.0.expect();
        // Without a reader there is nobody to tell.
        match writeln!(io::stdout(), "{line}") {
            Ok(()) | Err(_) => {}
        }
    }
}
