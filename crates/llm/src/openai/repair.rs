//! A transcript as every provider accepts it, whatever happened to ours.
//! Invariant: every call has an id of its own, arguments that are a JSON object, and exactly one result
//! right after its message; a result without a call is left out; a person has the first and the last word.
//! It must not know how any of it is written as JSON.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use corvid_core::wire::ToolCall;
use corvid_core::{Image, Message};
use serde::de::IgnoredAny;
use serde_json::Value;

/// What the model is told of a call whose result is not in the transcript.
const LOST: &str = "the result of this call was lost; it may or may not have happened";

/// What stands for text that is empty, which some providers refuse.
const EMPTY: &str = "(empty)";

/// What stands at the beginning where the transcript begins with the model.
const BEGINNING: &str = "(the conversation began earlier)";

/// What stands at the end where the model has the last word: it was cut off and may go on.
const GO_ON: &str = "Go on where you stopped.";

/// The longest call id that `OpenAI` takes.
const LONGEST_ID: usize = 40;

/// One message that may be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sound<'a> {
    /// What a person said, and the pictures that go with it.
    User(&'a str, &'a [Image]),
    /// What the model said, with each call's result. Text and calls are never both empty.
    Assistant {
        /// The text; may be empty if there are calls.
        text: Cow<'a, str>,
        /// The calls, in order.
        calls: Vec<SoundCall<'a>>,
    },
}

/// One call together with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SoundCall<'a> {
    /// Unique within the transcript.
    pub(crate) id: Cow<'a, str>,
    /// Our name of the tool.
    pub(crate) name: &'a str,
    /// A JSON object.
    pub(crate) arguments: Cow<'a, str>,
    /// The result.
    pub(crate) result: &'a str,
}

/// Makes a transcript sound. What a message becomes depends on what stands before it and on the results of
/// its own calls, so that a growing transcript keeps its beginning.
pub(crate) fn repair(messages: &[Arc<Message>]) -> Vec<Sound<'_>> {
    let mut repaired = Repaired::default();
    for message in messages {
        match &**message {
            Message::User { text, images } => {
                repaired.sound.push(Sound::User(or_empty(text), images));
            }
            Message::Assistant { text, calls } => repaired.assistant(text, calls),
            Message::Tool {
                provider_id, text, ..
            } => repaired.result(provider_id, text),
        }
    }
    repaired.finish()
}

/// The transcript so far.
#[derive(Default)]
struct Repaired<'a> {
    sound: Vec<Sound<'a>>,
    ids: Ids<'a>,
    /// Where the calls without a result are, by the id that their results name.
    open: HashMap<&'a str, VecDeque<(usize, usize)>>,
}

impl<'a> Repaired<'a> {
    fn assistant(&mut self, text: &'a str, calls: &'a [ToolCall]) {
        let text = if text.trim().is_empty() { "" } else { text };
        if text.is_empty() && calls.is_empty() {
            return;
        }
        if self.sound.is_empty() {
            self.sound.push(Sound::User(BEGINNING, &[]));
        }
        let ids = &mut self.ids;
        let added = calls.iter().map(|call| sound_call(call, ids)).collect();
        match self.sound.last_mut() {
            // Two messages of the model in a row, neither waiting for a result, are one.
            Some(Sound::Assistant {
                text: before,
                calls: none,
            }) if none.is_empty() => {
                if !text.is_empty() {
                    *before = Cow::Owned(format!("{before}\n\n{text}"));
                }
                *none = added;
            }
            _ => self.sound.push(Sound::Assistant {
                text: Cow::Borrowed(text),
                calls: added,
            }),
        }
        let at = self.sound.len() - 1;
        // A result belongs to the newest call of its id.
        for call in calls {
            self.open.remove(call.provider_id.as_str());
        }
        for (index, call) in calls.iter().enumerate() {
            let places = self.open.entry(&call.provider_id).or_default();
            places.push_back((at, index));
        }
    }

    fn result(&mut self, provider_id: &str, text: &'a str) {
        let places = self.open.get_mut(provider_id);
        if let Some((at, index)) = places.and_then(VecDeque::pop_front)
            && let Some(Sound::Assistant { calls, .. }) = self.sound.get_mut(at)
            && let Some(call) = calls.get_mut(index)
        {
            call.result = or_empty(text);
        }
    }

    fn finish(mut self) -> Vec<Sound<'a>> {
        match self.sound.last() {
            None => self.sound.push(Sound::User(EMPTY, &[])),
            Some(Sound::Assistant { calls, .. }) if calls.is_empty() => {
                self.sound.push(Sound::User(GO_ON, &[]));
            }
            Some(_) => {}
        }
        self.sound
    }
}

fn or_empty(text: &str) -> &str {
    if text.trim().is_empty() { EMPTY } else { text }
}

fn sound_call<'a>(call: &'a ToolCall, ids: &mut Ids<'a>) -> SoundCall<'a> {
    SoundCall {
        id: ids.claim(call),
        name: &call.name,
        arguments: sound_arguments(&call.arguments),
        result: LOST,
    }
}

/// The arguments if they are a JSON object; else an object that shows the model what it wrote.
fn sound_arguments(arguments: &str) -> Cow<'_, str> {
    let trimmed = arguments.trim_start();
    if trimmed.is_empty() {
        return Cow::Borrowed("{}");
    }
    if trimmed.starts_with('{') && serde_json::from_str::<IgnoredAny>(arguments).is_ok() {
        return Cow::Borrowed(arguments);
    }
    let shown = Value::from(arguments);
    Cow::Owned(format!(r#"{{"not_a_json_object":{shown}}}"#))
}

/// The ids that are taken.
#[derive(Default)]
struct Ids<'a> {
    taken: HashSet<Cow<'a, str>>,
}

impl<'a> Ids<'a> {
    /// The provider's id of the call if it will do, else one of ours.
    fn claim(&mut self, call: &'a ToolCall) -> Cow<'a, str> {
        let theirs = call.provider_id.as_str();
        let fits = (1..=LONGEST_ID).contains(&theirs.len())
            && theirs.bytes().all(|b| b.is_ascii_graphic());
        if fits && self.taken.insert(Cow::Borrowed(theirs)) {
            return Cow::Borrowed(theirs);
        }
        let place = call.id;
        let mut ours = format!("call_{}_{}_{}", place.turn, place.step, place.index);
        while self.taken.contains(ours.as_str()) {
            ours.push('x');
        }
        self.taken.insert(Cow::Owned(ours.clone()));
        Cow::Owned(ours)
    }
}
