//! Starting a command's supervisor, and serving it the proxy that its command may use.
//! Invariant: the supervisor's standard input is the lifeline, and what runs for the command ends with it.
//! It must not know what the supervisor does.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Progress, SandboxError};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::admit::Admitted;
use super::config::Isolation;
use super::follow::{Followed, Patience, follow};
use super::plan::{Notice, Plan, STAGE_WORD, SUPERVISE};
use super::record::Record;
use super::{environment, system};
use crate::egress::{self, Allowed, Attempt, Resolve, Verdict};

/// Starts helpers.
pub(super) struct Launcher {
    helper: PathBuf,
    resolver: Arc<dyn Resolve>,
}

/// What became of one start.
pub(super) enum Run {
    /// The command ran to its end.
    Ended(CommandEnd),
    /// Nothing ran: the system gives no namespaces after all.
    WithoutNamespaces,
}

impl Launcher {
    pub(super) fn new(helper: PathBuf, resolver: Arc<dyn Resolve>) -> Self {
        Self { helper, resolver }
    }

    /// Runs an allowed command to its end.
    pub(super) async fn run(
        &self,
        admitted: &Admitted,
        cancel: &CancellationToken,
        progress: &Arc<dyn Progress>,
    ) -> Result<Run, SandboxError> {
        prepare_folders(&admitted.plan).map_err(|error| {
            SandboxError::Failed(format!(
                "the folder for the command's output or record cannot be made: {error}"
            ))
        })?;
        let isolation = admitted.plan.confinement.isolation;
        if admitted.hosts.is_none() || isolation == Isolation::Full {
            let attempt = self.attempt(&admitted.plan, admitted, None, cancel, progress);
            return attempt.await;
        }
        // Where the command shares the machine's network, the proxy is there before it.
        let no_proxy =
            |error: io::Error| SandboxError::Failed(format!("the proxy cannot listen: {error}"));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(no_proxy)?;
        let port = listener.local_addr().map_err(no_proxy)?.port();
        let mut plan = admitted.plan.clone();
        plan.confinement.proxy = Some(port);
        let granted = admitted.hosts.as_ref().map(Allowed::hosts);
        let told = environment::proxied(port, &granted.unwrap_or_default());
        plan.confinement.environment.extend(told);
        let attempt = self.attempt(&plan, admitted, Some(listener), cancel, progress);
        attempt.await
    }

    async fn attempt(
        &self,
        plan: &Plan,
        admitted: &Admitted,
        listener: Option<std::net::TcpListener>,
        cancel: &CancellationToken,
        progress: &Arc<dyn Progress>,
    ) -> Result<Run, SandboxError> {
        let begun = Instant::now();
        let line = line_of(plan).map_err(|error| {
            SandboxError::Failed(format!("the command cannot be handed over: {error}"))
        })?;
        let (mut child, lifeline) = self.start(SUPERVISE)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(SandboxError::Failed("the helper has no pipes".to_owned()));
        };
        let (from_supervisor, lifeline) = lifeline.into_split();
        let patience = Patience::new(begun, Duration::from_millis(plan.timeout_ms));
        // Dropped with the command, and with it every connection.
        let stop = CancellationToken::new();
        let ended = stop.clone().drop_guard();
        let proxy = self.proxy(admitted, listener, from_supervisor, stop, progress);
        let told = {
            let followed = follow(&line, lifeline, stdout, cancel, patience, &**progress);
            tokio::pin!(followed);
            tokio::select! {
                told = &mut followed => told,
                () = proxy => followed.await,
            }
        };
        drop(ended);
        if let Followed::Deaf(_) = told {
            tracing::warn!("a supervisor does not end and is ended");
            if let Err(error) = child.start_kill() {
                tracing::warn!(%error, "a supervisor neither ends nor can be ended");
            }
        }
        if let Err(error) = child.wait().await {
            tracing::warn!(%error, "a supervisor cannot be waited for");
        }
        run_of(told, plan, begun)
    }

    /// Serves the command's proxy for as long as it is polled; over at once if there is none.
    async fn proxy(
        &self,
        admitted: &Admitted,
        listener: Option<std::net::TcpListener>,
        supervisor: OwnedReadHalf,
        stop: CancellationToken,
        progress: &Arc<dyn Progress>,
    ) {
        let Some(allowed) = admitted.hosts.clone() else {
            return;
        };
        let listener = match listener {
            Some(listener) => Ok(listener),
            None => system::receive(supervisor.as_ref()).await,
        };
        let told = Arc::clone(progress);
        let seen = Arc::new(move |attempt: Attempt| {
            if let Verdict::Refused(why) | Verdict::Failed(why) = &attempt.verdict {
                told.turned_away(why);
            }
        });
        let resolver = Arc::clone(&self.resolver);
        let served = match listener {
            Ok(listener) => egress::serve(listener, allowed, resolver, stop, seen).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a command has no proxy");
        }
    }

    fn start(&self, stage: &str) -> Result<(Child, UnixStream), SandboxError> {
        let started = || {
            let (lifeline, theirs) = std::os::unix::net::UnixStream::pair()?;
            lifeline.set_nonblocking(true)?;
            let child = Command::new(&self.helper)
                .args([STAGE_WORD, stage])
                .env_clear()
                .current_dir("/")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            Ok((child, UnixStream::from_std(lifeline)?))
        };
        started().map_err(|error: io::Error| {
            SandboxError::Failed(format!(
                "the helper `{}` cannot be started: {error}",
                self.helper.display()
            ))
        })
    }
}

impl fmt::Debug for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launcher")
            .field("helper", &self.helper)
            .finish_non_exhaustive()
    }
}

/// What a supervisor's last word means.
fn run_of(told: Followed, plan: &Plan, begun: Instant) -> Result<Run, SandboxError> {
    let ending = match told {
        Followed::Told(Notice::Ended(end)) => return Ok(Run::Ended(end)),
        Followed::Told(Notice::NoNamespaces(reason)) => {
            tracing::debug!(reason, "commands get no namespaces");
            return Ok(Run::WithoutNamespaces);
        }
        Followed::Told(Notice::Failed(reason)) => return Err(SandboxError::Failed(reason)),
        // It saw its lifeline cut before it began anything, or it was killed and took the command
        // with it. Either way nothing runs any more.
        Followed::Told(Notice::Progress(_)) | Followed::Nothing => CommandEnding::Stopped,
        Followed::Deaf(ending) => ending,
    };
    Ok(Run::Ended(end_unseen(plan, begun, ending)))
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
