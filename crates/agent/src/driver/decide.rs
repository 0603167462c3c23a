//! Decisions: what a lane writes down before it acts.
//! Invariant: a decision holds everything it used; after it is committed nothing is asked again.
//! It must not act on the outside world (a tool's `prepare` reads, and no more).

use corvid_core::wire::{
    Address, Admission, CallDecision, CallId, CallOutcome, CallStatus, DeliveryDraft, Effect,
    EventBody, InputId, Millis, ParkReason, ReplyComposed, TurnStart, Verdict,
};
use corvid_core::{Invocation, PolicyEffect, PolicyRequest, ToolError, draw};
use serde_json::Value;

use super::Lane;
use crate::fold::{Action, Call, Turn};
use crate::prompt;

/// First wait of a parked turn, in milliseconds; each further one is twice as long.
const PARK_FIRST_MS: Millis = 30_000;
/// Longest wait of a parked turn, in milliseconds.
const PARK_LONGEST_MS: Millis = 15 * 60_000;

impl Lane {
    /// The events that decide on an action; none where what is left is the acting itself.
    pub(super) async fn decide(&mut self, action: &Action, at: Millis) -> Vec<EventBody> {
        match action {
            Action::Promote { inputs } => self.promote(inputs),
            Action::CallModel {
                turn,
                step,
                attempt,
                requested: false,
            } => self.request_model(*turn, *step, *attempt),
            Action::DecideCall { call } => self.decide_call(*call),
            Action::RunTool {
                call,
                attempt,
                started: false,
            } => self.start_tool(*call, *attempt).await,
            Action::Compose { .. } => self.compose(),
            Action::Park { turn, parked } => vec![EventBody::TurnParked {
                turn: *turn,
                until: at + park_ms(*parked),
                reason: ParkReason::ModelUnreachable,
            }],
            Action::WaitUntil { time } if *time <= at => {
                vec![EventBody::TimerFired { due_at: *time }]
            }
            Action::CallModel { .. }
            | Action::RunTool { .. }
            | Action::EndTool { .. }
            | Action::Reconcile { .. }
            | Action::AskOutcome { .. }
            | Action::WaitUntil { .. } => Vec::new(),
        }
    }

    fn promote(&self, inputs: &[InputId]) -> Vec<EventBody> {
        if let Some(turn) = &self.state.turn {
            return vec![EventBody::InputSteered {
                turn: turn.number,
                inputs: inputs.to_vec(),
            }];
        }
        let first = self
            .state
            .waiting
            .iter()
            .find(|input| inputs.contains(&input.input));
        match first {
            // A lane that works for one input leaves the next to whoever waits for it.
            Some(input) if self.reply.is_none() => {
                vec![EventBody::TurnStarted(self.turn_start(inputs, input))]
            }
            _ => Vec::new(),
        }
    }

    fn turn_start(&self, inputs: &[InputId], input: &Admission) -> TurnStart {
        let settings = &self.ports.settings;
        let mut limits = settings.limits;
        if let Some(steps) = input.flags.max_steps {
            limits.max_steps = limits.max_steps.min(steps.max(1));
        }
        let model = input.flags.model.as_ref();
        TurnStart {
            turn: self.state.last_turn + 1,
            inputs: inputs.to_vec(),
            model: model.unwrap_or(&settings.default_model).clone(),
            limits,
        }
    }

    fn request_model(&mut self, turn: u32, step: u32, attempt: u32) -> Vec<EventBody> {
        let Some(open) = &self.state.turn else {
            return Vec::new();
        };
        let ports = &self.ports;
        let request = prompt::request(&self.state, open, &ports.settings, &ports.tools);
        // Writing our own plain data as JSON cannot fail; an empty hash would only be less telling.
        let prompt_hash = serde_json::to_vec(&request)
            .map(|bytes| draw::sha256_hex(&bytes))
            .unwrap_or_default();
        let model = open.model.clone();
        self.request = Some(request);
        vec![EventBody::ModelRequested {
            turn,
            step,
            attempt,
            model,
            prompt_hash,
        }]
    }

    fn decide_call(&self, id: CallId) -> Vec<EventBody> {
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
        let checked = match tool.check(&arguments) {
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

    fn verdict(&self, turn: &Turn, tool: &str, checked: &corvid_core::Checked) -> Verdict {
        let Some(input) = turn.inputs.first() else {
            let reason = "nobody asked for this turn".to_owned();
            return Verdict::Invalid { reason };
        };
        let decision = self.ports.policy.decide(&PolicyRequest {
            tool,
            resource: &checked.resource,
            effect: checked.effect,
            escalates: checked.escalates,
            working_dir: input.working_dir.as_ref(),
            requester: &input.requester,
        });
        match decision.effect {
            PolicyEffect::Allow => Verdict::Allow {
                rule: decision.rule,
            },
            PolicyEffect::Ask | PolicyEffect::Deny => Verdict::Deny {
                rule: decision.rule,
                reason: decision.reason,
            },
        }
    }

    /// `tool.started` with its proof, or the outcome of a call that could not be prepared.
    pub(super) async fn start_tool(&self, id: CallId, attempt: u32) -> Vec<EventBody> {
        let Some(invocation) = self.invocation(id) else {
            return Vec::new();
        };
        let Some(tool) = self.tool_of(id) else {
            return vec![failed(id, "the tool is no longer there")];
        };
        match tool.prepare(&invocation).await {
            Ok(proof) => vec![EventBody::ToolStarted {
                call: id,
                key: invocation.key,
                attempt,
                proof,
            }],
            Err(ToolError::Tell(text)) => vec![failed(id, &text)],
            Err(ToolError::Fatal(text)) => vec![EventBody::ToolFinished {
                call: id,
                outcome: outcome(CallStatus::Fatal, text),
            }],
        }
    }

    fn compose(&self) -> Vec<EventBody> {
        let Some(turn) = &self.state.turn else {
            return Vec::new();
        };
        let Some(closing) = &turn.closing else {
            return Vec::new();
        };
        vec![EventBody::ReplyComposed(ReplyComposed {
            turn: turn.number,
            inputs: turn.input_ids(),
            text: closing.text.clone(),
            ending: closing.ending,
            notices: turn.notices.clone(),
            deliveries: deliveries(&turn.inputs),
        })]
    }

    pub(super) fn find_call(&self, id: CallId) -> Option<(&Turn, &Call)> {
        let turn = self.state.turn.as_ref()?;
        Some((turn, turn.call(id)?))
    }

    pub(super) fn tool_of(&self, id: CallId) -> Option<&std::sync::Arc<dyn corvid_core::Tool>> {
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
            cancel: tokio_util::sync::CancellationToken::new(),
            progress: self.progress(id),
        })
    }
}

/// Models write nothing at all where a tool takes no arguments.
fn parse_arguments(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(text).map_err(|error| format!("the arguments are not JSON: {error}"))
}

/// One delivery for every conversation that asked, in the order of asking.
fn deliveries(inputs: &[Admission]) -> Vec<DeliveryDraft> {
    let mut drafts: Vec<DeliveryDraft> = Vec::new();
    for input in inputs {
        let origin: &Address = &input.origin;
        if let Some(draft) = drafts.iter_mut().find(|draft| draft.to == *origin) {
            draft.inputs.push(input.input.clone());
        } else {
            drafts.push(DeliveryDraft {
                delivery: draw::delivery_id(),
                to: origin.clone(),
                inputs: vec![input.input.clone()],
            });
        }
    }
    drafts
}

fn park_ms(parked: u32) -> Millis {
    PARK_FIRST_MS
        .saturating_mul(1 << parked.min(16))
        .min(PARK_LONGEST_MS)
}

fn failed(call: CallId, text: &str) -> EventBody {
    EventBody::ToolFinished {
        call,
        outcome: outcome(CallStatus::Failed, text.to_owned()),
    }
}

/// An outcome without an output file.
pub(super) fn outcome(status: CallStatus, text: String) -> CallOutcome {
    CallOutcome {
        status,
        text,
        output: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parking_backs_off_to_a_quarter_of_an_hour() {
        assert_eq!(park_ms(0), 30_000);
        assert_eq!(park_ms(1), 60_000);
        assert_eq!(park_ms(40), 900_000);
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert_eq!(parse_arguments(" "), Ok(serde_json::json!({})));
        assert!(parse_arguments("{").is_err());
    }
}
