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

use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Progress, SandboxError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use super::config::{HostConfig, Isolation};
use super::plan::{Notice, PROBE, Plan, STAGE_WORD, SUPERVISE};
use super::record::Record;

/// How long a supervisor may take to end a command that is cancelled or whose time is up, before it is
/// ended itself: one that is stopped or stuck must not hold up its parent. The command then goes with it.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let timeout = Duration::from_millis(plan.timeout_ms);
        let patience = Patience::new(begun, timeout);
        let told = follow(&line, stdin, stdout, cancel, patience, progress).await;
        if let Followed::Deaf(_) = told {
            tracing::warn!("a supervisor does not end and is ended");
            if let Err(error) = child.start_kill() {
                tracing::warn!(%error, "a supervisor neither ends nor can be ended");
            }
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
            Followed::Told(Notice::Progress(_)) | Followed::Nothing => Ok(Attempt::Ended(
                end_unseen(plan, begun, CommandEnding::Stopped),
            )),
            Followed::Deaf(ending) => Ok(Attempt::Ended(end_unseen(plan, begun, ending))),
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

/// How a command ended whose supervisor is gone and did not tell: as its record says, or else so.
fn end_unseen(plan: &Plan, begun: Instant, ending: CommandEnding) -> CommandEnd {
    let record = Record::new(&plan.record_dir, &plan.key);
    if let Ok(Some(mut held)) = record.try_hold()
        && let CommandRecord::Ended(end) = record.tell(&mut held)
    {
        return end;
    }
    let kept_bytes = std::fs::metadata(&plan.output).map_or(0, |file| file.len());
    CommandEnd {
        ending,
        kept_bytes,
        total_bytes: kept_bytes,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Until when a supervisor is waited for, and how its command ended if it has not told by then.
struct Patience {
    /// `None` for a time too far away to be told.
    until: Option<Instant>,
    ending: CommandEnding,
}

impl Patience {
    fn new(begun: Instant, timeout: Duration) -> Self {
        Self {
            until: begun.checked_add(timeout.saturating_add(PATIENCE)),
            ending: CommandEnding::TimedOut,
        }
    }

    /// Shortens it for a command that is cancelled.
    fn cancel(&mut self) {
        let until = Instant::now() + PATIENCE;
        if self.until.is_none_or(|before| until < before) {
            self.until = Some(until);
            self.ending = CommandEnding::Stopped;
        }
    }

    async fn is_over(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
    }
}

/// What a supervisor said last before it closed its end.
enum Followed {
    Told(Notice),
    Nothing,
    /// It neither told nor ended in time.
    Deaf(CommandEnding),
}

/// Hands over the plan, then passes progress on until the supervisor is done.
async fn follow(
    plan: &[u8],
    mut lifeline: ChildStdin,
    stdout: ChildStdout,
    cancel: &CancellationToken,
    mut patience: Patience,
    progress: &dyn Progress,
) -> Followed {
    // A long plan is more than the pipe takes at once. Half of one begins nothing.
    let handed_over = tokio::select! {
        written = lifeline.write_all(plan) => written,
        () = cancel.cancelled() => {
            patience.cancel();
            Err(io::ErrorKind::Interrupted.into())
        }
        () = patience.is_over() => return Followed::Deaf(patience.ending),
    };
    let mut lifeline = Some(lifeline);
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
                patience.cancel();
                continue;
            }
            () = patience.is_over() => return Followed::Deaf(patience.ending),
        };
        let Ok(Some(line)) = line else { return last };
        match serde_json::from_str(&line) {
            Ok(Notice::Progress(line)) => progress.show(&line),
            Ok(notice) => last = Followed::Told(notice),
            Err(error) => tracing::warn!(%error, "a supervisor said something else"),
        }
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
