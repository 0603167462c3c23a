//! A call's way to its tool: what is decided about it, and the invocation that the tool gets.
//! Invariant: a call that is not allowed never becomes an invocation that runs.
//! It must not run anything (a tool's `preview` and `prepare` read, and no more).

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use corvid_core::faults::defect;
use corvid_core::wire::{
    CallDecision, CallId, CallOutcome, CallStatus, Effect, EventBody, Subject, Verdict,
};
use corvid_core::{Checked, Invocation, PolicyEffect, PolicyRequest, Tool, ToolError, draw};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Lane;
use super::effect::overdue;
use crate::fold::{Call, Turn};

impl Lane {
    pub(super) fn decide_call(&self, id: CallId) -> Vec<EventBody> {
        let Some((turn, call)) = self.find_call(id) else {
            return Vec::new();
        };
        vec![EventBody::CallDecided(self.decision(turn, call))]
    }

    fn decision(&self, turn: &Turn, call: &Call) -> CallDecision {
        let (name, arguments) = (&call.asked.name, &call.asked.arguments);
        let refuse = |verdict| CallDecision {
            call: call.asked.id,
            effect: Effect::Pure,
            verdict,
            timeout_ms: 0,
        };
        let invalid = |reason: String| refuse(Verdict::Invalid { reason });
        let Some(tool) = self.ports.tools.get(name) else {
            let known: Vec<&str> = self
                .ports
                .tools
                .specs()
                .iter()
                .map(|s| s.name.as_str())
                .collect();
            return invalid(format!("no tool `{name}`; there are {}", known.join(", ")));
        };
        let arguments: Value = match parse_arguments(arguments) {
            Ok(arguments) => arguments,
            Err(reason) => return invalid(reason),
        };
        let checked = match tool.check(&arguments, &place(turn)) {
            Ok(checked) => checked,
            Err(reason) => return invalid(reason),
        };
        if turn.is_repeated(name, &call.asked.arguments) {
            let reason = "the very same call came three times in a row, so it was not run; use what you \
                          have, do something else, or answer";
            return refuse(Verdict::Repeated {
                reason: reason.to_owned(),
            });
        }
        CallDecision {
            call: call.asked.id,
            effect: checked.effect,
            verdict: self.verdict(turn, name, &checked),
            timeout_ms: checked.timeout_ms,
        }
    }

    fn verdict(&self, turn: &Turn, tool: &str, checked: &Checked) -> Verdict {
        let Some(input) = turn.inputs.first() else {
            let reason = "nobody asked for this turn".to_owned();
            return Verdict::Invalid { reason };
        };
        let decision = self.ports.policy.decide(&PolicyRequest {
            tool,
            resource: &checked.resource,
            also: &checked.also,
            effect: checked.effect,
            wider: checked.wider.as_ref(),
            working_dir: input.working_dir.as_ref(),
            session: &self.session,
            channel: &input.origin.channel,
            requester: &input.requester,
        });
        let (rule, reason) = (decision.rule, decision.reason);
        match decision.effect {
            PolicyEffect::Deny => Verdict::Deny { rule, reason },
            _ if checked.inquiry.is_some() => Verdict::Inquire { rule, reason },
            PolicyEffect::Allow => Verdict::Allow { rule, reason },
            PolicyEffect::Ask if input.flags.yes => Verdict::Allow {
                rule: format!("`--yes`, where rule `{rule}` says to ask"),
                reason,
            },
            PolicyEffect::Ask => Verdict::Ask { rule, reason },
        }
    }

    /// `tool.started` with its proof, or the outcome of a call that could not be prepared; a new question where
    /// what would run is not what a person has allowed.
    pub(super) async fn start_tool(&self, id: CallId, attempt: u32) -> Vec<EventBody> {
        let (Some(invocation), Some((_, call))) = (self.invocation(id), self.find_call(id)) else {
            return Vec::new();
        };
        let Some(tool) = self.tool_of(id) else {
            return vec![failed(id, "the tool is no longer there")];
        };
        if let Some(approved) = &call.approved
            && !defect("skip-binding-check")
        {
            let at = self.ports.clock.now();
            match self.approval(id, &invocation).await {
                Ok(now) if now.binding == *approved => {}
                Ok(now) => return self.put(id, Subject::Approval(now), at),
                Err(events) => return events,
            }
        }
        match self.look(&invocation, tool.prepare(&invocation)).await {
            Ok(proof) => vec![EventBody::ToolStarted {
                call: id,
                key: invocation.key,
                attempt,
                proof,
            }],
            Err(events) => events,
        }
    }

    /// What a tool says of a call before it is begun, or what that comes to where it says nothing: the call's
    /// outcome, or none yet if the turn is being stopped.
    pub(super) async fn look<T>(
        &self,
        invocation: &Invocation,
        looking: impl Future<Output = Result<T, ToolError>>,
    ) -> Result<T, Vec<EventBody>> {
        let id = invocation.call;
        let seen = tokio::select! {
            biased;
            seen = looking => seen,
            // Nothing was begun: the stop is the next decision, and this call never starts.
            () = self.hooks.stop.cancelled(), if self.stoppable() => return Err(Vec::new()),
            () = overdue(&*self.ports.clock, invocation) => {
                let text = "it could not be looked at in time, so it was not begun";
                return Err(vec![failed(id, text)]);
            }
        };
        seen.map_err(|error| match error {
            ToolError::Tell(text) => vec![failed(id, &text)],
            ToolError::Fatal(text) => vec![EventBody::ToolFinished {
                call: id,
                outcome: outcome(CallStatus::Fatal, text),
            }],
        })
    }

    pub(super) fn find_call(&self, id: CallId) -> Option<(&Turn, &Call)> {
        let turn = self.state.turn.as_ref()?;
        Some((turn, turn.call(id)?))
    }

    pub(super) fn tool_of(&self, id: CallId) -> Option<&Arc<dyn Tool>> {
        let (_, call) = self.find_call(id)?;
        self.ports.tools.get(&call.asked.name)
    }

    /// The call as the tool gets it.
    pub(super) fn invocation(&self, id: CallId) -> Option<Invocation> {
        let (turn, call) = self.find_call(id)?;
        let input = turn.inputs.first()?;
        Some(Invocation {
            session: self.session.clone(),
            call: id,
            key: draw::call_key(&self.session, id),
            arguments: parse_arguments(&call.asked.arguments).ok()?,
            working_dir: input.working_dir.clone().into(),
            timeout_ms: call.decision.as_ref()?.timeout_ms,
            outputs: self.ports.outputs.clone(),
            origin: input.origin.clone(),
            requester: input.requester.clone(),
            jobs: Arc::clone(&self.ports.jobs),
            posts: Arc::clone(&self.ports.posts),
            cancel: CancellationToken::new(),
            background: CancellationToken::new(),
            progress: self.progress(id),
        })
    }
}

/// The turn's working folder.
pub(super) fn place(turn: &Turn) -> PathBuf {
    let first = turn.inputs.first();
    first.map_or_else(PathBuf::new, |input| input.working_dir.clone().into())
}

/// Models write nothing at all where a tool takes no arguments.
pub(super) fn parse_arguments(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(text).map_err(|error| format!("the arguments are not JSON: {error}"))
}

/// The outcome of a call that cannot be run.
pub(super) fn failed(call: CallId, text: &str) -> EventBody {
    EventBody::ToolFinished {
        call,
        outcome: outcome(CallStatus::Failed, text.to_owned()),
    }
}

/// The outcome of a call that the end of its turn came before.
pub(super) fn not_run(call: CallId) -> EventBody {
    let text = "not run: the turn ended before".to_owned();
    EventBody::ToolFinished {
        call,
        outcome: outcome(CallStatus::Stopped, text),
    }
}

/// An outcome without an output file.
pub(super) fn outcome(status: CallStatus, text: String) -> CallOutcome {
    CallOutcome {
        status,
        text,
        output: None,
        notice: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert_eq!(parse_arguments(" "), Ok(serde_json::json!({})));
        assert!(parse_arguments("{").is_err());
    }
}
