//! Identifiers as newtypes, so that one cannot be passed for another.
//! Invariant: an id is opaque text (or a position) and never carries meaning that code parses back out.
//! It must not know how ids are drawn; `core` does that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps text that is already known to be an id of this kind.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A durable transcript, e.g. `s-7k2m9q4x` or a name that a person chose.
    SessionId
}
text_id! {
    /// One admitted input.
    InputId
}
text_id! {
    /// One part of a reply on its way to one conversation.
    DeliveryId
}
text_id! {
    /// One process that may hold claims; its life is an OS file lock.
    OwnerId
}
text_id! {
    /// One question to a person, e.g. `q-4k7m2x9a`.
    QuestionId
}
text_id! {
    /// One job, e.g. `j-3f9k2m7q`; the same for the same call in every process.
    JobId
}
text_id! {
    /// The key of a tool call's effect: the same call has the same key in every process and attempt.
    CallKey
}

/// A call's place in its session: turn, step and index within the step, all counted from 1 but the
/// index, which counts from 0. Shown and parsed as `turn.step.index`, e.g. `3.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// The turn, from 1.
    pub turn: u32,
    /// The step within the turn, from 1.
    pub step: u32,
    /// The call's index within the step, from 0.
    pub index: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.turn, self.step, self.index)
    }
}

impl std::str::FromStr for CallId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(str::parse::<u32>);
        match (
            numbers.next(),
            numbers.next(),
            numbers.next(),
            numbers.next(),
        ) {
            (Some(Ok(turn)), Some(Ok(step)), Some(Ok(index)), None) => {
                Ok(Self { turn, step, index })
            }
            _ => Err(format!(
                "`{text}` is not a call id; expected turn.step.index, e.g. 3.1.0"
            )),
        }
    }
}

impl Serialize for CallId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
