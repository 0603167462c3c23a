//! Following a supervisor to its end: the plan goes down, progress comes up, patience is limited.
//! Invariant: the write half is the lifeline; whatever drops this future closes it, and with it the command ends.
//! It must not know what the supervisor does, nor what its last word means.

use std::io;
use std::time::{Duration, Instant};

use corvid_core::{CommandEnding, Progress};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::ChildStdout;
use tokio_util::sync::CancellationToken;

use super::plan::Notice;

/// How long a supervisor may take to end a command that is cancelled or whose time is up, before it is
/// ended itself: one that is stopped or stuck must not hold up its parent. The command then goes with it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Until when a supervisor is waited for, and how its command ended if it has not told by then.
pub(super) struct Patience {
    /// `None` for a time too far away to be told.
    until: Option<Instant>,
    ending: CommandEnding,
}

impl Patience {
    pub(super) fn new(begun: Instant, timeout: Duration) -> Self {
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
pub(super) enum Followed {
    Told(Notice),
    Nothing,
    /// It neither told nor ended in time.
    Deaf(CommandEnding),
}

/// Hands over the plan, then passes progress on until the supervisor is done.
pub(super) async fn follow(
    plan: &[u8],
    mut lifeline: OwnedWriteHalf,
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
