//! Results: what the end of an effect becomes in the journal.
//! Invariant: a result is a fact whatever has happened meanwhile; nothing of it is dropped.
//! It must not decide what follows.

use std::collections::HashSet;

use corvid_core::wire::{
    CallId, CallOutcome, CallStatus, EventBody, Millis, ModelAnswer, ToolCall,
};
use corvid_core::{Answer, AskedCall, ModelError, Reconciled, ToolError, ToolOutput};

use super::call::{not_run, outcome};
use super::work::Finished;
use super::{Lane, LaneError};

/// First wait after a failed attempt where the provider named none, in milliseconds; then doubled.
const RETRY_FIRST_MS: u64 = 1_000;
/// Longest wait that a provider's own word is followed for, in milliseconds (PROTOCOLS).
const RETRY_LONGEST_MS: u64 = 60_000;

impl Lane {
    /// What a result is in the journal.
    ///
    /// # Errors
    /// [`LaneError::Panicked`]: that is no result, and whatever is at work ends with the lane.
    pub(super) async fn facts_of(&self, finished: Finished) -> Result<Vec<EventBody>, LaneError> {
        Ok(match finished {
            Finished::Model {
                turn,
                step,
                attempt,
                result,
            } => vec![self.model_result(turn, step, attempt, result)],
            Finished::Tool {
                call,
                cancelled,
                result,
            } => vec![EventBody::ToolFinished {
                call,
                outcome: tool_outcome(cancelled, result),
            }],
            Finished::Reconciled {
                call,
                attempt,
                found,
            } => self.reconciled(call, attempt, found).await,
            Finished::Outcome { call, answer, by } => {
                vec![EventBody::OutcomeAnswered { call, answer, by }]
            }
            Finished::Answer {
                question,
                answer,
                by,
            } => vec![EventBody::QuestionAnswered {
                question,
                answer,
                by,
            }],
            Finished::Time { time } => vec![EventBody::TimerFired { due_at: time }],
            Finished::Panicked { key } => return Err(LaneError::Panicked { key }),
        })
    }

    fn model_result(
        &self,
        turn: u32,
        step: u32,
        attempt: u32,
        result: Result<Answer, ModelError>,
    ) -> EventBody {
        match result {
            Ok(answer) => EventBody::ModelAnswered(ModelAnswer {
                turn,
                step,
                attempt,
                calls: name_calls(turn, step, answer.calls),
                text: answer.text,
                finish: answer.finish,
                usage: answer.usage,
            }),
            Err(error) => {
                let wait = error
                    .retry_after_ms
                    .unwrap_or(RETRY_FIRST_MS << attempt.saturating_sub(1).min(6))
                    .min(RETRY_LONGEST_MS);
                let wait = Millis::try_from(wait).unwrap_or(Millis::MAX);
                EventBody::ModelFailed {
                    turn,
                    step,
                    attempt,
                    fault: error.fault,
                    message: error.message,
                    retry_at: self.ports.clock.now().saturating_add(wait),
                }
            }
        }
    }

    async fn reconciled(&self, call: CallId, attempt: u32, found: Reconciled) -> Vec<EventBody> {
        let closing = self
            .state
            .turn
            .as_ref()
            .is_some_and(|turn| turn.closing.is_some());
        let outcome = match found {
            Reconciled::NotDone if !closing => return self.start_tool(call, attempt + 1).await,
            Reconciled::NotDone => return vec![not_run(call)],
            Reconciled::Done(output) => with_output(CallStatus::Ok, output),
            Reconciled::Interrupted(output) => with_output(CallStatus::Interrupted, output),
            Reconciled::Unknown(reason) => outcome(CallStatus::Unknown, reason),
        };
        vec![EventBody::ToolFinished { call, outcome }]
    }
}

/// Gives each call our id, and a provider's id of our own where it has none or that of a call beside it.
fn name_calls(turn: u32, step: u32, asked: Vec<AskedCall>) -> Vec<ToolCall> {
    let mut used: HashSet<String> = HashSet::new();
    (0_u32..)
        .zip(asked)
        .map(|(index, call)| {
            // Ours may be taken as well: a provider may count in just the same way.
            let own = (0_u64..).map(|further| match further {
                0 => format!("call_{turn}_{step}_{index}"),
                _ => format!("call_{turn}_{step}_{index}_{further}"),
            });
            let provider_id = std::iter::once(call.provider_id)
                .chain(own)
                .find(|id| !id.is_empty() && used.insert(id.clone()))
                .unwrap_or_default();
            ToolCall {
                id: CallId { turn, step, index },
                provider_id,
                name: call.name,
                arguments: call.arguments,
            }
        })
        .collect()
}

fn tool_outcome(cancelled: bool, result: Result<ToolOutput, ToolError>) -> CallOutcome {
    match result {
        Ok(output) if cancelled => with_output(CallStatus::Stopped, output),
        Ok(output) => with_output(CallStatus::Ok, output),
        Err(ToolError::Tell(text)) if cancelled => outcome(CallStatus::Stopped, text),
        Err(ToolError::Tell(text)) => outcome(CallStatus::Failed, text),
        Err(ToolError::Fatal(text)) => outcome(CallStatus::Fatal, text),
    }
}

fn with_output(status: CallStatus, output: ToolOutput) -> CallOutcome {
    CallOutcome {
        status,
        text: output.text,
        output: output.output,
        notice: output.notice,
    }
}
