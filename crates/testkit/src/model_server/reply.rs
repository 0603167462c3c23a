//! What a scripted model says: texts, calls, a finish, and what goes wrong on the way.
//! Invariant: plain data, the same in code and in a JSON file.
//! It must not know when it is said, nor how it travels.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;

/// One answer. In its texts and arguments `{{user}}` stands for the last user message and `{{result}}` for
/// the last tool result of the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// The text, one delta each.
    pub text: Vec<String>,
    /// The tool calls, in order.
    pub calls: Vec<Call>,
    /// A refusal, sent in place of the text.
    pub refusal: Option<String>,
    /// The finish reason; by default `tool_calls` if there are calls, else `stop`.
    pub finish: Option<String>,
    /// What it claims to have used.
    pub usage: Tokens,
    /// The answer waits until this gate is opened by [`ModelServer::open`](super::ModelServer::open).
    pub gate: Option<String>,
    /// Milliseconds of real time before the answer begins.
    pub delay_ms: u64,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// One tool call of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool's name as Corvid writes it (`file.read`); sent under the name that the request offers it by.
    pub name: String,
    /// The arguments as text, JSON or not.
    pub arguments: String,
    /// The call's id; by default one that is unique on this server.
    #[serde(default)]
    pub id: Option<String>,
}

/// Tokens that an answer claims to have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Read, cached ones included.
    pub prompt: u64,
    /// Read from the cache.
    pub cached: u64,
    /// Written.
    pub completion: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            prompt: 12,
            cached: 0,
            completion: 7,
        }
    }
}

impl Reply {
    /// A final text in one delta.
    pub fn text(text: impl Into<String>) -> Self {
        Self::deltas([text])
    }

    /// A final text in several deltas.
    pub fn deltas(deltas: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            text: deltas.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// One tool call; `arguments` is usually an object.
    pub fn call(name: impl Into<String>, arguments: &Value) -> Self {
        Self::default().and_call(name, arguments)
    }

    /// Nothing but this fault.
    pub fn fault(fault: Fault) -> Self {
        Self::default().but(fault)
    }

    /// And this tool call.
    #[must_use]
    pub fn and_call(self, name: impl Into<String>, arguments: &Value) -> Self {
        self.and_raw_call(name, arguments.to_string())
    }

    /// And this tool call, its arguments sent as they stand.
    #[must_use]
    pub fn and_raw_call(mut self, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        self.calls.push(Call {
            name: name.into(),
            arguments: arguments.into(),
            id: None,
        });
        self
    }

    /// With this id for the last call.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        if let Some(call) = self.calls.last_mut() {
            call.id = Some(id.into());
        }
        self
    }

    /// With this finish reason.
    #[must_use]
    pub fn finish(mut self, reason: impl Into<String>) -> Self {
        self.finish = Some(reason.into());
        self
    }

    /// Having used so much.
    #[must_use]
    pub fn usage(mut self, usage: Tokens) -> Self {
        self.usage = usage;
        self
    }

    /// Once this gate is open.
    #[must_use]
    pub fn gate(mut self, name: impl Into<String>) -> Self {
        self.gate = Some(name.into());
        self
    }

    /// But with this fault.
    #[must_use]
    pub fn but(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}
