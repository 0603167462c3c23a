//! One tool call of the running step.
//! Invariant: a call has at most one outcome, and says at every moment what is left to do about it.
//! It must not know what the tool does.

use corvid_core::wire::{
    Answer, CallDecision, CallOutcome, CallStatus, Effect, OutcomeAnswer, Question, Subject,
    ToolCall, Verdict,
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
    /// How often a person was asked about it.
    pub asked_about: u32,
    /// What a person has allowed of it: the approval's binding.
    pub approved: Option<String>,
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq)]
pub enum CallState {
    /// It has not been started, or may start again as the next attempt.
    Ready {
        /// The next attempt, from 1.
        attempt: u32,
    },
    /// A person is to be asked before it runs, or is its answer.
    Held {
        /// The attempt that the answer may lead to.
        attempt: u32,
        /// The question, once it is asked.
        question: Option<Box<Question>>,
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
            asked_about: 0,
            approved: None,
        }
    }

    /// The open question about it.
    pub fn question(&self) -> Option<&Question> {
        match &self.state {
            CallState::Held { question, .. } => question.as_deref(),
            _ => None,
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
            Verdict::Ask { .. } | Verdict::Inquire { .. } => {
                self.state = CallState::Held {
                    attempt: 1,
                    question: None,
                };
                None
            }
            Verdict::Deny { rule, reason } => Some(format!("denied by rule `{rule}`: {reason}")),
            Verdict::Invalid { reason } | Verdict::Repeated { reason } => Some(reason.clone()),
        };
        if let Some(text) = refusal {
            self.settle(CallStatus::Failed, text);
        }
        self.decision = Some(decision.clone());
        true
    }

    /// A person is asked about it: for the first time, or since what would run is no longer what was allowed.
    pub(super) fn ask(&mut self, question: &Question) {
        let attempt = match &self.state {
            CallState::Held { attempt, .. } | CallState::Ready { attempt } => *attempt,
            CallState::Interrupted { attempt, .. } => attempt + 1,
            _ => return,
        };
        self.asked_about += 1;
        self.approved = None;
        self.state = CallState::Held {
            attempt,
            question: Some(Box::new(question.clone())),
        };
    }

    /// Takes the answer to its open question.
    pub(super) fn hear(&mut self, answer: &Answer, somebody: bool) {
        let CallState::Held {
            attempt,
            question: Some(question),
        } = &self.state
        else {
            return;
        };
        if !question.takes(answer) {
            return;
        }
        let because = |reason: &str| match reason {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        let (status, text) = match (&question.subject, answer) {
            (Subject::Approval(approval), Answer::Allow { .. }) => {
                self.approved = Some(approval.binding.clone());
                self.state = CallState::Ready { attempt: *attempt };
                return;
            }
            (Subject::Approval(_), Answer::Deny { reason }) if somebody => (
                CallStatus::Failed,
                format!("the person denied this call{}", because(reason)),
            ),
            (Subject::Approval(approval), Answer::Deny { reason }) => (
                CallStatus::Failed,
                format!(
                    "not run: rule `{}` says to ask a person ({}), and nobody could be asked{}",
                    approval.rule,
                    approval.reason,
                    because(reason)
                ),
            ),
            (Subject::Inquiry(_), Answer::Text { text }) => (CallStatus::Ok, text.clone()),
            (Subject::Inquiry(_), Answer::Deny { reason }) if somebody => (
                CallStatus::Failed,
                format!("the person does not answer{}", because(reason)),
            ),
            (Subject::Inquiry(_), Answer::Deny { reason }) => (
                CallStatus::Failed,
                format!(
                    "nobody can be asked here{}; decide yourself, or end with what you need to know",
                    because(reason)
                ),
            ),
            (Subject::Approval(_), Answer::Text { .. })
            | (Subject::Inquiry(_), Answer::Allow { .. }) => return,
        };
        self.settle(status, text);
    }

    /// The time for its open question is up.
    pub(super) fn expire(&mut self) {
        let text = match self.question().map(|question| &question.subject) {
            Some(Subject::Approval(_)) => "denied: nobody answered in time",
            Some(Subject::Inquiry(_)) => "nobody answered in time",
            None => return,
        };
        self.settle(CallStatus::Failed, text.to_owned());
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
            CallState::Held { attempt, .. }
            | CallState::Ready { attempt }
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
            CallState::Ready { .. } | CallState::Held { .. } => self.settle(
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
            notice: None,
        });
    }
}
