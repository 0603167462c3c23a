//! Tool calls put together from the pieces of a stream.
//! Invariant: pieces of two calls never mix.
//! It must not know what the calls are for, nor make up for ids that are missing or given twice.

use corvid_core::AskedCall;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::names::ToolNames;

/// One piece of a call, as tolerant as servers are various.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallDelta {
    /// Which call; some servers leave it out, some write 0 for every call.
    index: Option<u64>,
    /// Given with a call's first piece, by some with every piece, by some never.
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionDelta>,
}

/// The function's part of a piece.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta {
    name: Option<String>,
    /// A piece of text; by some servers the whole object.
    arguments: Option<Value>,
}

impl From<FunctionDelta> for CallDelta {
    /// The older `function_call`, of which an answer has one.
    fn from(function: FunctionDelta) -> Self {
        Self {
            index: Some(0),
            id: None,
            function: Some(function),
        }
    }
}

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Growing>,
}

#[derive(Debug, Default)]
struct Growing {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a piece and returns how many bytes it brought.
    pub(super) fn push(&mut self, delta: CallDelta) -> usize {
        let index = delta.index;
        let id = delta.id.unwrap_or_default();
        let FunctionDelta { name, arguments } = delta.function.unwrap_or_default();
        let name = name.unwrap_or_default();
        let arguments = match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(whole) => whole.to_string(),
        };
        let bytes = id.len() + name.len() + arguments.len();
        let call = self.find(index, &id, &name);
        if call.id.is_empty() {
            call.id = id;
        }
        // Some servers repeat the name with every piece, some send it in pieces.
        if call.name != name {
            call.name.push_str(&name);
        }
        call.arguments.push_str(&arguments);
        bytes
    }

    /// The call that a piece belongs to; a new one if it begins one.
    fn find(&mut self, index: Option<u64>, id: &str, name: &str) -> &mut Growing {
        let same_index = |call: &Growing| index.is_none() || call.index == index;
        let at = self
            .calls
            .iter()
            .rposition(same_index)
            .filter(|at| !self.calls[*at].is_followed_by(id, name));
        let at = at.unwrap_or_else(|| {
            self.calls.push(Growing {
                index,
                ..Growing::default()
            });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }

    /// The calls in the model's order, under our names, each with the id that it was given.
    pub(super) fn finish(self, names: &ToolNames) -> Vec<AskedCall> {
        let asked = self.calls.into_iter().map(|call| AskedCall {
            provider_id: call.id,
            name: names.ours(call.name.trim()).to_owned(),
            arguments: call.arguments,
        });
        asked.collect()
    }
}

impl Growing {
    /// Whether a piece with that id and name begins another call, although its index is this one's.
    fn is_followed_by(&self, id: &str, name: &str) -> bool {
        if !id.is_empty() && !self.id.is_empty() && id != self.id {
            return true;
        }
        let begins = !name.is_empty() && (id.is_empty() || self.id.is_empty());
        begins && !self.arguments.is_empty() && self.is_whole()
    }

    /// Whether the arguments are complete JSON. Asked only where a piece repeats a name.
    fn is_whole(&self) -> bool {
        self.arguments.ends_with('}') && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}
