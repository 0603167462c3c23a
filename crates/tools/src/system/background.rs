//! Commands that go on beside their turn: begun as jobs, or made into one while they run.
//! Invariant: a command is handed over once it is in the journal as a job, or it stays with its call.
//! It must not know what a command does, nor how a job's end is told.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use corvid_core::wire::{JobId, JobStart};
use corvid_core::{Adoption, Invocation, ToolError, ToolOutput, draw, job_run};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::work::{Reins, Work};
use crate::config::milliseconds;
use crate::display::clean_line;

/// The longest title of a job, in characters.
const TITLE_CHARS: usize = 200;

/// A command that runs; whoever holds the lock brings it forward.
type Running = Arc<Mutex<Pin<Box<dyn Future<Output = Result<ToolOutput, ToolError>> + Send>>>>;

/// What the journal notes of a call that becomes a job.
pub(super) fn start(
    call: &Invocation,
    tool: &str,
    command: &str,
    timeout: Duration,
    proof: Option<Value>,
) -> JobStart {
    JobStart {
        job: draw::job_id(&call.key),
        call: call.call,
        tool: tool.to_owned(),
        arguments: call.arguments.clone(),
        title: clean_line(command.trim(), TITLE_CHARS),
        working_dir: call.working_dir.display().to_string(),
        timeout_ms: milliseconds(timeout),
        proof,
        origin: call.origin.clone(),
        requester: call.requester.clone(),
    }
}

/// What the model is told of a call that runs as a job.
pub(super) fn told(job: &JobId) -> ToolOutput {
    ToolOutput::text(format!(
        "runs in the background as job {job}; you will be told when it ends, so do not poll"
    ))
}

/// Begins a command as a job.
///
/// # Errors
/// The sentence for the model; nothing was begun.
pub(super) async fn begin(
    call: &Invocation,
    start: JobStart,
    work: Work,
) -> Result<ToolOutput, ToolError> {
    let told = told(&start.job);
    work.lines.mute();
    let adoption = Adoption {
        session: call.session.clone(),
        start,
        begun: false,
        cancel: work.reins.stop.clone(),
        run: job_run(work.run()),
    };
    call.jobs.adopt(adoption).await.map_err(ToolError::Tell)?;
    Ok(told)
}

/// What became of a command that somebody waited for.
pub(super) enum Attended {
    /// It ended.
    Ended(ToolOutput),
    /// It goes on as a job.
    Moved(ToolOutput),
}

impl Attended {
    /// What the model is told.
    pub(super) fn output(self) -> ToolOutput {
        match self {
            Self::Ended(output) | Self::Moved(output) => output,
        }
    }
}

/// Runs a command to its end, or until it is asked to go on as a job.
///
/// # Errors
/// As [`Work::run`].
pub(super) async fn attend(
    call: &Invocation,
    start: JobStart,
    work: Work,
) -> Result<Attended, ToolError> {
    let (reins, lines) = (work.reins.clone(), Arc::clone(&work.lines));
    let until = Instant::now() + Duration::from_millis(call.timeout_ms);
    let running: Running = Arc::new(Mutex::new(Box::pin(work.run())));
    tokio::select! {
        biased;
        end = waited(call, until, &reins, finish(Arc::clone(&running))) => {
            return end.map(Attended::Ended);
        }
        () = call.background.cancelled() => {}
    }
    if reins.stop.is_cancelled() {
        // It is being ended already.
        return finish(running).await.map(Attended::Ended);
    }
    let told = told(&start.job);
    let adoption = Adoption {
        session: call.session.clone(),
        start,
        begun: true,
        cancel: reins.stop.clone(),
        // If it is not taken over, its work is still here.
        run: job_run(finish(Arc::clone(&running))),
    };
    match call.jobs.adopt(adoption).await {
        Ok(()) => {
            lines.mute();
            Ok(Attended::Moved(told))
        }
        Err(reason) => {
            call.progress
                .show(&format!("it stays with its turn: {reason}"));
            let end = waited(call, until, &reins, finish(running)).await;
            end.map(Attended::Ended)
        }
    }
}

/// Brings a running command to its end.
async fn finish(running: Running) -> Result<ToolOutput, ToolError> {
    running.lock().await.as_mut().await
}

/// The end of a command that its turn waits for: it is ended with its call, or once its time is up.
async fn waited<T>(
    call: &Invocation,
    until: Instant,
    reins: &Reins,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        end = &mut work => return end,
        () = call.cancel.cancelled() => reins.stop.cancel(),
        () = tokio::time::sleep_until(until) => reins.time_is_up(),
    }
    work.await
}
