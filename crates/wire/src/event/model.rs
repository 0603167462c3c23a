//! Model calls: what they bring, and how they fail.
//! Invariant: an answer is whole; a failure is named by the way forward.
//! It must not know a provider.

use serde::{Deserialize, Serialize};

use crate::message::{ToolCall, Usage};

/// Why a model stopped writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    Stop,
    /// It asks for tool calls.
    ToolCalls,
    /// It ran into the output limit.
    Length,
    /// The provider's filter cut it.
    ContentFilter,
    /// It cannot serve the request and says what is missing (the `manual` model).
    Declined,
}

/// An assistant message with all its tool calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAnswer {
    /// The turn.
    pub turn: u32,
    /// The step.
    pub step: u32,
    /// The attempt.
    pub attempt: u32,
    /// The text; may be empty.
    pub text: String,
    /// The calls, in the model's order.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it used.
    pub usage: Usage,
}

/// What kind of model failure, named by the way forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Cut in the middle, or silent: the step is tried again.
    Transient,
    /// Unreachable or overloaded, and the transport's own retries are spent: with them the attempts at the
    /// step are spent.
    Outage,
    /// The context is too long: it is cut once and the step tried again.
    ContextExceeded,
    /// Trying again changes nothing (bad key, spent quota, unknown model, refused request).
    Final,
}
