//! Effects: the acting itself, each in a task of its own.
//! Invariant: an effect begins only after the commit that says so.
//! It must not decide what follows, nor write its result down.

use std::sync::Arc;

use corvid_core::faults::crash_point;
use corvid_core::wire::{CallId, CallStatus, EventBody, Fault, Millis, OutcomeAnswer};
use corvid_core::{Clock, HeardOutcome, Invocation, ModelError, OutcomeQuestion, TaskKind};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Lane;
use super::call::{failed, not_run, outcome};
use super::work::{End, Finished};
use crate::fold::{Action, CallState};

/// How much longer than its own limit a tool call gets before it is cancelled, in milliseconds.
const TOOL_GRACE_MS: Millis = 2_000;

/// Waits until a call should long have ended. A tool keeps its own limit; this is for one that forgot it.
pub(super) async fn overdue(clock: &dyn Clock, call: &Invocation) {
    let limit = Millis::try_from(call.timeout_ms).unwrap_or(Millis::MAX);
    let deadline = clock
        .now()
        .saturating_add(limit)
        .saturating_add(TOOL_GRACE_MS);
    clock.sleep_until(deadline).await;
}

impl Lane {
    /// Begins an action whose decision is committed.
    pub(super) fn begin_one(&mut self, action: &Action) {
        match action {
            Action::CallModel {
                turn,
                step,
                attempt,
                requested: true,
            } => self.call_model(action.key(), *turn, *step, *attempt),
            Action::RunTool {
                call,
                started: true,
                ..
            } => self.run_tool(&action.key(), *call),
            Action::Reconcile { call, attempt } => self.reconcile(action.key(), *call, *attempt),
            Action::AskOutcome { call, .. } => self.ask_outcome(action.key(), *call),
            Action::AwaitAnswer { question, until } => {
                self.await_answer(action.key(), question, *until);
            }
            Action::WaitUntil { time, .. } => self.wait_until(action.key(), *time),
            Action::Promote { .. }
            | Action::CallModel { .. }
            | Action::DecideCall { .. }
            | Action::Ask { .. }
            | Action::RunTool { .. }
            | Action::EndTool { .. }
            | Action::Compose { .. }
            | Action::Park { .. } => {}
        }
    }

    pub(super) fn spawn<F>(&mut self, key: String, end: End, cancel: CancellationToken, effect: F)
    where
        F: Future<Output = Finished> + Send + 'static,
    {
        let report = self.work.report(&key);
        let effect = effect.instrument(self.turn_span());
        let task = self
            .ports
            .tasks
            .spawn(TaskKind::Service, "effect", async move {
                let finished = effect.await;
                report.finished(finished).await;
            });
        self.work.add(key, task, cancel, end);
    }

    fn call_model(&mut self, key: String, turn: u32, step: u32, attempt: u32) {
        let Some(open) = &self.state.turn else { return };
        let (models, name) = (Arc::clone(&self.ports.models), open.model.clone());
        let request = self.request.take();
        let sink = self.live_text(step, attempt);
        self.spawn(key, End::Drop, CancellationToken::new(), async move {
            crash_point("model.before_call");
            let result = match (request, models.open(&name)) {
                (Some(request), Ok(model)) => model.answer(&request, &sink).await,
                (_, Err(error)) => Err(error),
                (None, Ok(_)) => Err(ModelError {
                    fault: Fault::Transient,
                    message: "the request was not at hand; it is built again".to_owned(),
                    retry_after_ms: Some(0),
                }),
            };
            crash_point("model.after_call");
            Finished::Model {
                turn,
                step,
                attempt,
                result,
            }
        });
    }

    fn run_tool(&mut self, key: &str, call: CallId) {
        let (Some(invocation), Some(tool)) = (self.invocation(call), self.tool_of(call).cloned())
        else {
            self.facts.push(failed(call, "the tool is no longer there"));
            return;
        };
        let cancel = invocation.cancel.clone();
        let background = invocation.background.clone();
        let clock = Arc::clone(&self.ports.clock);
        self.spawn(key.to_owned(), End::Await, cancel.clone(), async move {
            crash_point("tool.before_run");
            let mut run = std::pin::pin!(tool.run(&invocation));
            let (result, late) = tokio::select! {
                result = &mut run => (result, false),
                () = overdue(&*clock, &invocation) => {
                    invocation.cancel.cancel();
                    (run.await, true)
                }
            };
            crash_point("tool.after_run");
            Finished::Tool {
                call,
                cancelled: invocation.cancel.is_cancelled() && !late,
                result,
            }
        });
        self.work.may_go_to_background(key, background);
    }

    /// Ends a call that this lane runs. One that it does not run was never begun after its start was
    /// committed: the turn was closing by then.
    pub(super) fn end_tool(&mut self, key: &str, call: CallId) {
        if self.work.is_at(key) {
            self.work.cancel(key);
        } else {
            self.facts.push(not_run(call));
        }
    }

    fn reconcile(&mut self, key: String, call: CallId, attempt: u32) {
        let (Some(invocation), Some(tool)) = (self.invocation(call), self.tool_of(call).cloned())
        else {
            let text = "the tool that ran it is no longer there".to_owned();
            self.facts.push(EventBody::ToolFinished {
                call,
                outcome: outcome(CallStatus::Unknown, text),
            });
            return;
        };
        let proof = self
            .find_call(call)
            .and_then(|(_, open)| match &open.state {
                CallState::Interrupted { proof, .. } => proof.clone(),
                _ => None,
            });
        let cancel = invocation.cancel.clone();
        self.spawn(key, End::Drop, cancel, async move {
            let found = tool.reconcile(&invocation, proof.as_ref()).await;
            Finished::Reconciled {
                call,
                attempt,
                found,
            }
        });
    }

    fn ask_outcome(&mut self, key: String, call: CallId) {
        let Some((turn, open)) = self.find_call(call) else {
            return;
        };
        let CallState::Unknown { reason, .. } = &open.state else {
            return;
        };
        let question = OutcomeQuestion {
            session: self.session.clone(),
            shown_in: turn.conversations(),
            call,
            tool: open.asked.name.clone(),
            arguments: open.asked.arguments.clone(),
            reason: reason.clone(),
        };
        let questions = Arc::clone(&self.ports.questions);
        self.spawn(key, End::Drop, CancellationToken::new(), async move {
            let (answer, by) = match questions.ask_outcome(&question).await {
                HeardOutcome::Answered { answer, by } => (answer, by),
                // Whoever only shows it hears the press too; asked here it would wait for nobody.
                HeardOutcome::Shown | HeardOutcome::Nobody => {
                    (OutcomeAnswer::Skip, "nobody".to_owned())
                }
            };
            Finished::Outcome { call, answer, by }
        });
    }

    fn wait_until(&mut self, key: String, time: Millis) {
        let clock = Arc::clone(&self.ports.clock);
        self.spawn(key, End::Drop, CancellationToken::new(), async move {
            clock.sleep_until(time).await;
            Finished::Time { time }
        });
    }
}
