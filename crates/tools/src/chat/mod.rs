//! What a call has to do with the conversation: a question to the person.
//! Invariant: nothing is said to anybody here; whoever drives the turn asks.
//! It must not know where a conversation is held.

mod ask;

pub(crate) use ask::AskUser;
