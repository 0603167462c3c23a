//! The pieces of an OpenAI-compatible stream as one whole answer.
//! Invariant: pure; an answer comes out only if the stream came to its end with a finish reason.
//! It must not know sockets, nor the framing of the stream.

use corvid_core::Answer;
use corvid_core::wire::{Finish, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::calls::{CallDelta, Calls, FunctionDelta};
use super::names::ToolNames;
use crate::fault::{Complaint, complaint_in};
use crate::presets::EndMark;

/// Bytes of one answer at most, text and calls together; a provider that writes on is cut off.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// The data of the event that ends a stream.
const DONE: &str = "[DONE]";

/// Why a stream gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The provider says that it failed.
    #[error("{}", .0.message)]
    Reported(Complaint),
    /// A piece is not what the protocol promises.
    #[error("a piece of the answer is no chat completion: {0}")]
    Malformed(String),
    /// The answer outgrew [`MAX_ANSWER_BYTES`].
    #[error("the answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    /// The stream ended before the answer did.
    #[error("the answer broke off")]
    Cut,
}

/// Puts an answer together.
#[derive(Debug)]
pub struct StreamDecoder<'n> {
    names: &'n ToolNames,
    text: String,
    calls: Calls,
    bytes: usize,
    finish: Option<String>,
    usage: Usage,
    done: bool,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<UsageCounts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Delta>,
    /// In place of `delta` from servers that do not stream.
    message: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<Content>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
    function_call: Option<FunctionDelta>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// Some servers write parts; those that hold no text (thoughts, say) are passed over.
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    text: Option<String>,
}

#[derive(Deserialize)]
struct UsageCounts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

impl<'n> StreamDecoder<'n> {
    /// A decoder for the answer to a request whose tools had these names.
    pub fn new(names: &'n ToolNames) -> Self {
        Self {
            names,
            text: String::new(),
            calls: Calls::default(),
            bytes: 0,
            finish: None,
            usage: Usage::default(),
            done: false,
        }
    }

    /// Whether the stream said that it is done; what comes after means nothing.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes the data of one event and returns the text that it adds, often none.
    ///
    /// # Errors
    /// [`StreamFault`], after which the decoder is of no more use.
    pub fn push(&mut self, data: &str) -> Result<String, StreamFault> {
        let mut added = String::new();
        if self.done || data.trim().is_empty() {
            return Ok(added);
        }
        if data.trim() == DONE {
            self.done = true;
            return Ok(added);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| malformed(data, &error))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(StreamFault::Reported(complaint_in(&error)));
        }
        if let Some(counts) = chunk.usage {
            self.usage = counts.into();
        }
        for choice in chunk.choices.into_iter().flatten() {
            if choice.index.unwrap_or(0) == 0 {
                self.take(choice, &mut added);
            }
        }
        self.text.push_str(&added);
        self.bytes += added.len();
        if self.bytes > MAX_ANSWER_BYTES {
            return Err(StreamFault::TooLong);
        }
        Ok(added)
    }

    /// The whole answer, once the stream has ended cleanly.
    ///
    /// # Errors
    /// [`StreamFault::Cut`] if the answer did not end before the stream did, and
    /// [`StreamFault::Reported`] if the provider gave a failure as the finish reason.
    pub fn finish(self, end: EndMark) -> Result<Answer, StreamFault> {
        let ended = match end {
            EndMark::Done => self.done,
            EndMark::FinishReason => true,
        };
        let reason = self.finish.filter(|_| ended).ok_or(StreamFault::Cut)?;
        let finish = match reason.as_str() {
            "length" | "max_tokens" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            "error" => return Err(StreamFault::Reported(Complaint::default())),
            // Some servers finish with `stop` although there are calls, some with `tool_calls` although
            // there are none, and some have words of their own for a plain end (`eos`, `end_turn`).
            _ if self.calls.is_empty() => Finish::Stop,
            _ => Finish::ToolCalls,
        };
        Ok(Answer {
            text: self.text,
            calls: self.calls.finish(self.names),
            finish,
            usage: self.usage,
        })
    }

    fn take(&mut self, choice: Choice, added: &mut String) {
        if let Some(delta) = choice.delta.or(choice.message) {
            match delta.content {
                None => {}
                Some(Content::Text(text)) => added.push_str(&text),
                Some(Content::Parts(parts)) => {
                    added.extend(parts.into_iter().filter_map(|part| part.text));
                }
            }
            added.push_str(delta.refusal.as_deref().unwrap_or_default());
            let older = delta.function_call.map(CallDelta::from);
            for call in delta.tool_calls.into_iter().flatten().chain(older) {
                self.bytes += self.calls.push(call);
            }
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish = Some(reason);
        }
    }
}

impl From<UsageCounts> for Usage {
    fn from(counts: UsageCounts) -> Self {
        let details = counts.prompt_tokens_details;
        Self {
            input_tokens: counts.prompt_tokens.unwrap_or(0),
            cached_tokens: details.and_then(|d| d.cached_tokens).unwrap_or(0),
            output_tokens: counts.completion_tokens.unwrap_or(0),
        }
    }
}

/// Names the place but not the text: it may be a part of the person's data.
fn malformed(data: &str, error: &serde_json::Error) -> StreamFault {
    StreamFault::Malformed(format!("{error} (an event of {} bytes)", data.len()))
}
