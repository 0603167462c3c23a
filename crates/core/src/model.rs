//! The seam to model providers: one request, one whole answer, deltas on the side.
//! Invariant: an answer is complete or an error; a partial one never leaves the provider's codec.
//! It must not know the turn, the journal or any provider's wire format.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::tool::ToolSpec;
use crate::wire::{Fault, Finish, ToolCall, Usage};

/// A language model (or what stands in its place).
#[async_trait]
pub trait Model: Send + Sync {
    /// `provider/model`, as written in config and journal.
    fn id(&self) -> &str;

    /// How many tokens of request the model takes.
    fn context_tokens(&self) -> u64;

    /// Makes one request. Deltas go to `live` as they come; dropping the future ends the request.
    ///
    /// # Errors
    /// [`ModelError`] once the transport's own retries are spent.
    async fn answer(
        &self,
        request: &ModelRequest,
        live: &dyn ModelSink,
    ) -> Result<Answer, ModelError>;
}

/// The models that are configured, by name.
pub trait Models: Send + Sync {
    /// Opens a model by `provider/model`.
    ///
    /// # Errors
    /// A final [`ModelError`] that names what is missing and how to add it.
    fn open(&self, name: &str) -> Result<Arc<dyn Model>, ModelError>;
}

/// Hears of an answer while it is being written.
pub trait ModelSink: Send + Sync {
    /// Some more text of this attempt.
    fn delta(&self, text: &str);

    /// What was written so far is void: the request is made again.
    fn restart(&self);

    /// The request waits before it is tried again.
    fn waiting(&self, for_ms: u64, reason: &str);
}

/// A request in our own form, the same for every provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelRequest {
    /// The system prompt.
    pub system: String,
    /// The transcript; every call of an assistant message is followed by its one result.
    pub messages: Vec<Arc<Message>>,
    /// The tools offered, in a stable order.
    pub tools: Arc<[ToolSpec]>,
}

/// One message of the transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// What a person (or the runtime, on their behalf) said.
    User {
        /// The text.
        text: String,
        /// Pictures that go with it, for a model that can look at them; the text names them too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// What the model said.
    Assistant {
        /// The text; may be empty if there are calls.
        text: String,
        /// The calls it asked for.
        calls: Vec<ToolCall>,
    },
    /// A call's result.
    Tool {
        /// The id that the provider knows the call by.
        provider_id: String,
        /// The tool's name.
        name: String,
        /// The result.
        text: String,
    },
}

/// A picture in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Image {
    /// The working folder that it was put into, absolute. Whatever runs there may change what lies in it.
    pub folder: String,
    /// The file's path in that folder. It may be gone, or another one, by the time it is read.
    pub path: String,
    /// Its media type, as its sender says.
    pub media_type: String,
}

impl Message {
    /// What a person said, without pictures.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User {
            text: text.into(),
            images: Vec::new(),
        }
    }

    /// Bytes of text in the message, the measure by which context is budgeted.
    pub fn bytes(&self) -> usize {
        match self {
            Self::User { text, .. } | Self::Tool { text, .. } => text.len(),
            Self::Assistant { text, calls } => calls
                .iter()
                .map(|call| call.name.len() + call.arguments.len())
                .sum::<usize>()
                .saturating_add(text.len()),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text; may be empty.
    pub text: String,
    /// The calls, in the model's order.
    pub calls: Vec<AskedCall>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it used.
    pub usage: Usage,
}

/// A call as the provider reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedCall {
    /// The provider's id; empty where it gave none, and perhaps another call's as well.
    pub provider_id: String,
    /// The tool's name, mapped back to ours; as given where it maps to none.
    pub name: String,
    /// The arguments as text, JSON or not.
    pub arguments: String,
}

/// A model call that failed for good, as far as the transport can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of failure.
    pub fault: Fault,
    /// One sentence for a person, with the fix where there is one.
    pub message: String,
    /// How long the provider asked to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
}
