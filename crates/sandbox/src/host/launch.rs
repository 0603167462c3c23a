//! Finding a command its supervisor, and serving it the proxy that its command may use.
//! Invariant: the supervisor's standard input is the lifeline, and what runs for the command ends with it.
//! It must not know what the supervisor does.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Progress, SandboxError};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::ChildStdout;
use tokio_util::sync::CancellationToken;

use super::admit::Admitted;
use super::config::Isolation;
use super::follow::{Followed, Patience, follow};
use super::helper::Helper;
use super::plan::{Notice, Plan};
use super::record::Record;
use super::spare::Spares;
use super::{environment, system};
use crate::egress::{self, Allowed, Attempt, Resolve, Verdict};

/// Starts helpers.
pub(super) struct Launcher {
    helper: PathBuf,
    spares: Spares,
    resolver: Arc<dyn Resolve>,
}

/// One command's run, as every supervisor that is tried for it gets it.
struct Of<'a> {
    admitted: &'a Admitted,
    line: Vec<u8>,
    begun: Instant,
    timeout: Duration,
    cancel: &'a CancellationToken,
    progress: &'a Arc<dyn Progress>,
}

/// What became of one start.
pub(super) enum Run {
    /// The command ran to its end.
    Ended(CommandEnd),
    /// Nothing ran: the system gives no namespaces after all.
    WithoutNamespaces,
}

impl Launcher {
    /// `spare_for` is how long a supervisor waits that is ready for the next command.
    pub(super) fn new(helper: PathBuf, resolver: Arc<dyn Resolve>, spare_for: Duration) -> Self {
        Self {
            spares: Spares::new(helper.clone(), spare_for),
            helper,
            resolver,
        }
    }

    /// Gets a supervisor ready for a command of that kind, unless nothing is confined then: whoever allows such a
    /// command takes longer.
    pub(super) fn expect(&self, isolation: Isolation) {
        if isolation.confines() {
            self.spares.expect(isolation);
        }
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
        let listener = TcpListener::bind("127.0.0.1:0").map_err(no_proxy)?;
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
        listener: Option<TcpListener>,
        cancel: &CancellationToken,
        progress: &Arc<dyn Progress>,
    ) -> Result<Run, SandboxError> {
        let begun = Instant::now();
        let line = line_of(plan).map_err(|error| {
            SandboxError::Failed(format!("the command cannot be handed over: {error}"))
        })?;
        let isolation = plan.confinement.isolation;
        let of = Of {
            admitted,
            line,
            begun,
            timeout: Duration::from_millis(plan.timeout_ms),
            cancel,
            progress,
        };
        // A listener that is there already is for one supervisor, which is then begun for it.
        if listener.is_none()
            && let Some(spare) = self.spares.take(isolation)
        {
            let told = self.conduct(spare, &of, None).await?;
            if !began_nothing(&told, plan) || cancel.is_cancelled() {
                return run_of(told, plan, begun);
            }
            tracing::debug!("a supervisor that was ready was of no use");
        }
        let fresh = Helper::start(&self.helper, isolation).map_err(|error| {
            SandboxError::Failed(format!(
                "the helper `{}` cannot be started: {error}",
                self.helper.display()
            ))
        })?;
        let told = self.conduct(fresh, &of, listener).await?;
        run_of(told, plan, begun)
    }

    /// Hands the plan over and sees the supervisor to its end.
    async fn conduct(
        &self,
        helper: Helper,
        of: &Of<'_>,
        listener: Option<TcpListener>,
    ) -> Result<Followed, SandboxError> {
        let mut process = helper.process;
        let pipes = UnixStream::from_std(helper.lifeline)
            .and_then(|lifeline| Ok((lifeline, ChildStdout::from_std(helper.notices)?)));
        let (lifeline, notices) = pipes.map_err(|error| {
            SandboxError::Failed(format!("the helper cannot be listened to: {error}"))
        })?;
        let (from_supervisor, lifeline) = lifeline.into_split();
        let patience = Patience::new(of.begun, of.timeout);
        // Dropped with the command, and with it every connection.
        let stop = CancellationToken::new();
        let ended = stop.clone().drop_guard();
        let proxy = self.proxy(of.admitted, listener, from_supervisor, stop, of.progress);
        let told = {
            let followed = follow(
                &of.line,
                lifeline,
                notices,
                of.cancel,
                patience,
                &**of.progress,
            );
            tokio::pin!(followed);
            tokio::select! {
                told = &mut followed => told,
                () = proxy => followed.await,
            }
        };
        drop(ended);
        if let Followed::Deaf(_) = told {
            tracing::warn!("a supervisor does not end and is ended");
            if let Err(error) = process.kill() {
                tracing::warn!(%error, "a supervisor neither ends nor can be ended");
            }
        }
        process.ended().await;
        let isolation = of.admitted.plan.confinement.isolation;
        if isolation.confines() && !of.cancel.is_cancelled() {
            self.spares.follow(isolation);
        }
        Ok(told)
    }

    /// Serves the command's proxy for as long as it is polled; over at once if there is none.
    async fn proxy(
        &self,
        admitted: &Admitted,
        listener: Option<TcpListener>,
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
}

impl fmt::Debug for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launcher")
            .field("helper", &self.helper)
            .finish_non_exhaustive()
    }
}

/// Whether a supervisor began nothing of its command and never will: it says so, or it is gone and its record does.
fn began_nothing(told: &Followed, plan: &Plan) -> bool {
    match told {
        Followed::Told(Notice::Ended(_)) | Followed::Deaf(_) => false,
        Followed::Told(Notice::Failed(_) | Notice::NoNamespaces(_)) => true,
        Followed::Told(Notice::Progress(_)) | Followed::Nothing => {
            let record = Record::new(&plan.record_dir, &plan.key);
            match record.try_hold() {
                Ok(Some(mut held)) => record.tell(&mut held) == CommandRecord::NotStarted,
                Ok(None) => false,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            }
        }
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
