//! Work on files, off the async threads.
//! Invariant: work that only looks ends with its call's cancellation or time; work that acts is awaited.
//! It must not know what the work is.

use std::time::{Duration, Instant};

use corvid_core::{Invocation, ToolError};
use tokio_util::sync::CancellationToken;

/// When looking must end.
#[derive(Clone, Debug)]
pub(crate) struct Leash {
    cancel: CancellationToken,
    deadline: Instant,
}

impl Leash {
    /// Whether to go on.
    ///
    /// # Errors
    /// The sentence for the model, once the call is stopped or its time is up.
    pub(crate) fn check(&self) -> Result<(), ToolError> {
        if self.cancel.is_cancelled() {
            return Err(ToolError::Tell("stopped".to_owned()));
        }
        if Instant::now() >= self.deadline {
            return Err(ToolError::Tell(
                "it took too long and was given up; ask for less".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Runs work that only looks. It is handed a leash to check as often as it can; where the system itself
/// does not answer, the call ends without it.
///
/// # Errors
/// Those of the work; and the sentence for the model once the call is stopped or its time is up.
pub(crate) async fn looking<T: Send + 'static>(
    call: &Invocation,
    work: impl FnOnce(&Leash) -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let time = Duration::from_millis(call.timeout_ms);
    let leash = Leash {
        cancel: call.cancel.child_token(),
        deadline: Instant::now() + time,
    };
    let _dropped = leash.cancel.clone().drop_guard();
    let held = leash.clone();
    let task = tokio::task::spawn_blocking(move || work(&held));
    tokio::select! {
        biased;
        done = task => done.map_err(|error| panicked(&error))?,
        () = call.cancel.cancelled() => Err(ToolError::Tell("stopped".to_owned())),
        () = tokio::time::sleep(time) => Err(ToolError::Tell(format!(
            "it took longer than {} s and was given up; ask for less",
            time.as_secs()
        ))),
    }
}

/// Runs work to its end, whatever happens to the call meanwhile.
///
/// # Errors
/// Only if the work panicked.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ToolError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| panicked(&error))
}

fn panicked(error: &tokio::task::JoinError) -> ToolError {
    ToolError::Fatal(format!("a tool failed within: {error}"))
}
