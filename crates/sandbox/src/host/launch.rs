//! Starting a command's supervisor and following it to its end.
//! Invariant: the supervisor's standard input is the lifeline; whatever drops this future closes it, and
//! with it the command ends.
//! It must not know what the supervisor does.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use corvid_core::{CommandEnd, CommandEnding, Progress, SandboxError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use super::config::{HostConfig, Isolation};
use super::plan::{Notice, PROBE, Plan, STAGE_WORD, SUPERVISE};

/// How long a cancelled command's supervisor may take to end everything, before it is ended itself.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Starts helpers.
#[derive(Debug)]
pub(super) struct Launcher {
    helper: PathBuf,
    /// Set once namespaces turned out to be half there, so that no later command tries again.
    no_namespaces: AtomicBool,
}

/// What became of one start.
enum Attempt {
    Ended(CommandEnd),
    WithoutNamespaces,
}

impl Launcher {
    pub(super) fn new(config: &HostConfig) -> Self {
        Self {
            helper: config.helper.clone(),
            no_namespaces: AtomicBool::new(config.isolation != Isolation::Full),
        }
    }

    /// Runs a planned command to its end.
    pub(super) async fn run(
        &self,
        mut plan: Plan,
        cancel: &CancellationToken,
        progress: &dyn Progress,
    ) -> Result<CommandEnd, SandboxError> {
        prepare_folders(&plan).map_err(|error| {
            SandboxError::Failed(format!(
                "the folder for the command's output or record cannot be made: {error}"
            ))
        })?;
        loop {
            let isolation = &mut plan.confinement.isolation;
            if *isolation == Isolation::Full && self.no_namespaces.load(Ordering::Relaxed) {
                *isolation = Isolation::WithoutNamespaces;
            }
            match self.attempt(&plan, cancel, progress).await? {
                Attempt::Ended(end) => return Ok(end),
                Attempt::WithoutNamespaces => self.no_namespaces.store(true, Ordering::Relaxed),
            }
        }
    }

    /// Whether commands get namespaces, by trying.
    pub(super) async fn probe(&self) -> Result<(), String> {
        if self.no_namespaces.load(Ordering::Relaxed) {
            return Err("namespaces are switched off, or were found to be half there".to_owned());
        }
        let mut child = self.start(PROBE).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            stdout
                .read_to_string(&mut answer)
                .await
                .map_err(|error| error.to_string())?;
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(answer),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn attempt(
        &self,
        plan: &Plan,
        cancel: &CancellationToken,
        progress: &dyn Progress,
    ) -> Result<Attempt, SandboxError> {
        let begun = Instant::now();
        let line = line_of(plan).map_err(|error| {
            SandboxError::Failed(format!("the command cannot be handed over: {error}"))
        })?;
        let mut child = self.start(SUPERVISE)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(SandboxError::Failed("the helper has no pipes".to_owned()));
        };
        let told = follow(&line, stdin, stdout, cancel, progress).await;
        if let Followed::Deaf = told
            && let Err(error) = child.start_kill()
        {
            tracing::warn!(%error, "a supervisor neither ends nor can be ended");
        }
        if let Err(error) = child.wait().await {
            tracing::warn!(%error, "a supervisor cannot be waited for");
        }
        match told {
            Followed::Told(Notice::Ended(end)) => Ok(Attempt::Ended(end)),
            Followed::Told(Notice::NoNamespaces(reason)) => {
                tracing::debug!(reason, "commands run without namespaces");
                Ok(Attempt::WithoutNamespaces)
            }
            Followed::Told(Notice::Failed(reason)) => Err(SandboxError::Failed(reason)),
            // It saw its lifeline cut before it began anything, or it was killed and took the command
            // with it. Either way nothing runs any more.
            Followed::Told(Notice::Progress(_)) | Followed::Nothing | Followed::Deaf => {
                let kept_bytes = std::fs::metadata(&plan.output).map_or(0, |file| file.len());
                Ok(Attempt::Ended(CommandEnd {
                    ending: CommandEnding::Stopped,
                    kept_bytes,
                    total_bytes: kept_bytes,
                    duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                }))
            }
        }
    }

    fn start(&self, stage: &str) -> Result<Child, SandboxError> {
        Command::new(&self.helper)
            .args([STAGE_WORD, stage])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                SandboxError::Failed(format!(
                    "the helper `{}` cannot be started: {error}",
                    self.helper.display()
                ))
            })
    }
}

/// What a supervisor said last before it closed its end.
enum Followed {
    Told(Notice),
    Nothing,
    /// It was told to stop and did not end in time.
    Deaf,
}

/// Hands over the plan, then passes progress on until the supervisor is done.
async fn follow(
    plan: &[u8],
    mut lifeline: ChildStdin,
    stdout: ChildStdout,
    cancel: &CancellationToken,
    progress: &dyn Progress,
) -> Followed {
    let handed_over = lifeline.write_all(plan).await;
    let mut lifeline = Some(lifeline);
    let mut patience = None;
    if let Err(error) = handed_over {
        tracing::debug!(%error, "a supervisor ended before it had its plan");
        lifeline = None;
    }
    let mut lines = BufReader::new(stdout).lines();
    let mut last = Followed::Nothing;
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line,
            () = cancel.cancelled(), if lifeline.is_some() => {
                lifeline = None;
                patience = Some(Instant::now() + STOP_PATIENCE);
                continue;
            }
            () = until(patience) => return Followed::Deaf,
        };
        let Ok(Some(line)) = line else { return last };
        match serde_json::from_str(&line) {
            Ok(Notice::Progress(line)) => progress.show(&line),
            Ok(notice) => last = Followed::Told(notice),
            Err(error) => tracing::warn!(%error, "a supervisor said something else"),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn line_of(plan: &Plan) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(plan)?;
    line.push(b'\n');
    Ok(line)
}

fn prepare_folders(plan: &Plan) -> io::Result<()> {
    let output_dir = plan.output.parent().unwrap_or(Path::new("/"));
    for folder in [&plan.record_dir, output_dir] {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    Ok(())
}
