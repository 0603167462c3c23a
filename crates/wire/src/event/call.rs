//! Tool calls: what is decided about them, and what becomes of them.
//! Invariant: every call gets exactly one outcome.
//! It must not know a tool.

use serde::{Deserialize, Serialize};

use crate::id::CallId;
use crate::message::{Effect, OutputRef};

/// What was decided about a call before it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDecision {
    /// The call.
    pub call: CallId,
    /// What repeating it would do.
    pub effect: Effect,
    /// Whether it may run.
    pub verdict: Verdict,
    /// How long it may run, in milliseconds.
    pub timeout_ms: u64,
}

/// Whether a call may run. `Deny`, `Invalid` and `Repeated` are the call's one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It may.
    Allow {
        /// The rule that decided.
        rule: String,
        /// Why, one sentence.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// It may, once a person has allowed it.
    Ask {
        /// The rule that says to ask.
        rule: String,
        /// Why, one sentence.
        reason: String,
    },
    /// The call is itself a question to a person, whose answer is its outcome.
    Inquire {
        /// The rule that decided.
        rule: String,
        /// Why, one sentence.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// It may not; the model is told.
    Deny {
        /// The rule that decided.
        rule: String,
        /// The sentence for the model.
        reason: String,
    },
    /// The call is malformed (unknown tool, bad JSON, schema miss); the model is told.
    Invalid {
        /// The sentence for the model.
        reason: String,
    },
    /// The very same call came once too often; it does not run and the model is told.
    Repeated {
        /// The sentence for the model.
        reason: String,
    },
}

/// A call's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOutcome {
    /// How it ended.
    pub status: CallStatus,
    /// What the model is told, already bounded.
    pub text: String,
    /// Where the whole output is kept, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputRef>,
    /// What the person should know of it beside the reply, one sentence (that it cannot be undone, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// It did what was asked (a command's own non-zero exit included).
    Ok,
    /// It failed, and the model is told why.
    Failed,
    /// It was cut off by a crash, and is known not to be running any more.
    Interrupted,
    /// It was cut off because the person stopped the turn.
    Stopped,
    /// Nothing can tell whether it happened; a person is asked.
    Unknown,
    /// It failed in a way that ends the turn; the person is told why.
    Fatal,
}

/// The answer to "did it happen?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeAnswer {
    /// Run it again.
    Retry,
    /// It happened.
    Worked,
    /// Leave it; the model is told that it is not known.
    Skip,
}
