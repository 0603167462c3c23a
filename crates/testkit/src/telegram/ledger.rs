//! The ledger: every call that a bot made, in the order in which the calls came.
//! Invariant: a call is there before it is acted on; no token is in it.
//! It must not know what a call did to the world.

use corvid_core::wire::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One call and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its place in the order of arrival, from 0.
    pub index: usize,
    /// When it came, by the server's clock.
    pub at: Millis,
    /// When it came, in microseconds of real time since the server's start.
    pub at_us: u64,
    /// The method as the documentation spells it, e.g. `sendMessage`; `download` for a file that is fetched.
    pub method: String,
    /// The chat that it is about.
    pub chat: Option<i64>,
    /// The parameters; of files, name, media type and size.
    pub parameters: Value,
    /// Whether it changed something (or asked successfully).
    pub acted: bool,
    /// The body of the answer, be it refusal or result; null while there is none.
    pub answer: Value,
    /// What a well-behaved bot would not have sent; empty for a good call.
    pub faults: Vec<String>,
    /// Whether the chat had more calls than it is allowed in that time.
    pub hurried: bool,
    /// How it ended.
    pub end: CallEnd,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// It has not ended yet.
    Open,
    /// It was answered.
    Answered,
    /// Its answer was lost, as planned.
    Lost,
    /// The bot went away before the answer.
    ClientLeft,
}

impl Call {
    /// The code with which it was refused; none if it was not.
    pub fn refused(&self) -> Option<i64> {
        self.answer["error_code"].as_i64()
    }

    /// What the answer says: the description of a refusal, or nothing.
    pub fn description(&self) -> &str {
        self.answer["description"].as_str().unwrap_or_default()
    }

    /// A parameter as text; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        match &self.parameters[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            value => value.to_string(),
        }
    }
}
