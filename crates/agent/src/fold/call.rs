//! One tool call of the running step.
//! Invariant: a call has at most one outcome, and says at every moment what is left to do about it.
//! It must not know what the tool does.

use corvid_core::wire::{
    CallDecision, CallOutcome, CallStatus, Effect, OutcomeAnswer, ToolCall, Verdict,
};
use serde_json::Value;

/// A call and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The call as the model asked for it.
    pub asked: ToolCall,
    /// What was decided about it.
    pub decision: Option<CallDecision>,
    /// How far it has come.
    pub state: CallState,
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq)]
pub enum CallState {
    /// It has not been started, or may start again as the next attempt.
    Ready {
        /// The next attempt, from 1.
        attempt: u32,
    },
    /// It was started and nothing ended it.
    Running {
        /// The attempt.
        attempt: u32,
        /// What reconciliation will need.
        proof: Option<Value>,
    },
    /// The process that ran it is gone.
    Interrupted {
        /// The attempt.
        attempt: u32,
        /// What reconciliation needs.
        proof: Option<Value>,
    },
    /// Nothing can tell what became of it.
    Unknown {
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// It has its outcome.
    Settled(CallOutcome),
}

impl Call {
    /// A call that was just asked for.
    pub(super) fn new(asked: ToolCall) -> Self {
        Self {
            asked,
            decision: None,
            state: CallState::Ready { attempt: 1 },
        }
    }

    /// Whether it has its outcome.
    pub fn settled(&self) -> bool {
        matches!(self.state, CallState::Settled(_))
    }

    /// What repeating it would do; unsafe until decided.
    pub fn effect(&self) -> Effect {
        self.decision
            .as_ref()
            .map_or(Effect::Unsafe, |decision| decision.effect)
    }

    /// Whether it was refused because it was malformed.
    pub(super) fn malformed(&self) -> bool {
        let verdict = self.decision.as_ref().map(|decision| &decision.verdict);
        matches!(verdict, Some(Verdict::Invalid { .. }))
    }

    /// What a person is told of a call whose end is not known.
    pub(super) fn unknown_notice(&self) -> Option<String> {
        let CallState::Unknown { reason, .. } = &self.state else {
            return None;
        };
        let (name, arguments) = (&self.asked.name, &self.asked.arguments);
        Some(format!(
            "it is not known whether `{name} {arguments}` happened: {reason}"
        ))
    }

    /// Takes the decision, and says whether it was the first.
    pub(super) fn decide(&mut self, decision: &CallDecision) -> bool {
        if self.decision.is_some() || self.settled() {
            return false;
        }
        let refusal = match &decision.verdict {
            Verdict::Allow { .. } => None,
            Verdict::Deny { rule, reason } => Some(format!("denied by rule `{rule}`: {reason}")),
            Verdict::Invalid { reason } | Verdict::Repeated { reason } => Some(reason.clone()),
        };
        if let Some(text) = refusal {
            self.settle(CallStatus::Failed, text);
        }
        self.decision = Some(decision.clone());
        true
    }

    pub(super) fn start(&mut self, attempt: u32, proof: Option<&Value>) {
        if self.decision.is_some() && !self.settled() {
            let proof = proof.cloned();
            self.state = CallState::Running { attempt, proof };
        }
    }

    /// The process that was at work is gone; says whether it was at work on this call, be it running it or
    /// finding out what became of it.
    pub(super) fn interrupt(&mut self) -> bool {
        if let CallState::Running { attempt, proof } = &mut self.state {
            self.state = CallState::Interrupted {
                attempt: *attempt,
                proof: proof.take(),
            };
        }
        matches!(self.state, CallState::Interrupted { .. })
    }

    /// Stops finding out what became of it.
    pub(super) fn give_up(&mut self) {
        if let CallState::Interrupted { attempt, .. } = self.state {
            self.state = CallState::Unknown {
                attempt,
                reason: "finding out took the process down".to_owned(),
            };
        }
    }

    /// Takes the outcome, and says whether it was the first.
    pub(super) fn finish(&mut self, outcome: &CallOutcome) -> bool {
        let attempt = match &self.state {
            CallState::Settled(_) => return false,
            CallState::Ready { attempt }
            | CallState::Running { attempt, .. }
            | CallState::Interrupted { attempt, .. }
            | CallState::Unknown { attempt, .. } => *attempt,
        };
        self.state = if outcome.status == CallStatus::Unknown {
            let reason = outcome.text.clone();
            CallState::Unknown { attempt, reason }
        } else {
            CallState::Settled(outcome.clone())
        };
        true
    }

    pub(super) fn answer(&mut self, answer: OutcomeAnswer) {
        let CallState::Unknown { attempt, reason } = &self.state else {
            return;
        };
        match answer {
            OutcomeAnswer::Retry => {
                self.state = CallState::Ready {
                    attempt: attempt + 1,
                };
            }
            OutcomeAnswer::Worked => self.settle(
                CallStatus::Ok,
                "the call was cut off; the person says that it worked".to_owned(),
            ),
            OutcomeAnswer::Skip => {
                let text = format!(
                    "it is not known whether this happened ({reason}); check before you repeat it"
                );
                self.settle(CallStatus::Interrupted, text);
            }
        }
    }

    /// Gives an outcome to whatever is left when the turn ends.
    pub(super) fn close(&mut self) {
        match &self.state {
            CallState::Settled(_) => {}
            CallState::Ready { .. } => self.settle(
                CallStatus::Stopped,
                "not run: the turn ended before".to_owned(),
            ),
            CallState::Running { .. } | CallState::Interrupted { .. } => self.settle(
                CallStatus::Interrupted,
                "cut off when the turn ended".to_owned(),
            ),
            CallState::Unknown { reason, .. } => {
                let text = format!("it is not known whether this happened ({reason})");
                self.settle(CallStatus::Interrupted, text);
            }
        }
    }

    fn settle(&mut self, status: CallStatus, text: String) {
        self.state = CallState::Settled(CallOutcome {
            status,
            text,
            output: None,
        });
    }
}
