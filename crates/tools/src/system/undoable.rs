//! Checkpoints around a command: a picture of the working folder before it, and what changed after it.
//! Invariant: whatever of a command's changes cannot be undone, its outcome says so.
//! It must not know how a command runs, or what a picture is.

use std::sync::Arc;

use corvid_core::{Invocation, ToolError, ToolOutput, Wider};

use super::background::Attended;
use crate::checkpoint::Checkpoints;

/// Runs a command between two pictures.
///
/// # Errors
/// Those of the command.
pub(super) async fn attended(
    checkpoints: Option<&Arc<Checkpoints>>,
    call: &Invocation,
    wider: Option<Wider>,
    run: impl Future<Output = Result<Attended, ToolError>>,
) -> Result<ToolOutput, ToolError> {
    let Some(checkpoints) = checkpoints else {
        return run.await.map(Attended::output);
    };
    let begun = checkpoints.before_command(call, wider.as_ref()).await;
    let ended = run.await;
    let lost = checkpoints.after_command(call, begun).await;
    match ended? {
        Attended::Ended(output) => Ok(with_notice(output, lost)),
        Attended::Moved(output) => {
            let output = with_notice(output, lost);
            Ok(beside(Some(checkpoints), call, output).await)
        }
    }
}

/// The outcome of a command that goes on beside its turn, of which no picture is taken.
pub(super) async fn beside(
    checkpoints: Option<&Arc<Checkpoints>>,
    call: &Invocation,
    output: ToolOutput,
) -> ToolOutput {
    match checkpoints {
        Some(checkpoints) => with_notice(output, Some(checkpoints.command_goes_on(call).await)),
        None => output,
    }
}

/// What became of a command that an earlier process began, with what of it cannot be undone.
pub(super) async fn interrupted(
    checkpoints: Option<&Arc<Checkpoints>>,
    call: &Invocation,
    output: ToolOutput,
) -> ToolOutput {
    match checkpoints {
        Some(checkpoints) => with_notice(output, checkpoints.after_interrupted(call).await),
        None => output,
    }
}

fn with_notice(output: ToolOutput, more: Option<String>) -> ToolOutput {
    let notices: Vec<String> = output.notice.into_iter().chain(more).collect();
    ToolOutput {
        notice: (!notices.is_empty()).then(|| notices.join("; ")),
        ..output
    }
}
