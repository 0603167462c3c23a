//! What a call has to do with the conversation: a question to the person, a file for them,
//! pictures of theirs.
//! Invariant: nothing reaches anybody from here; whoever drives the turn asks, and a port takes what is sent.
//! It must not know where a conversation is held.

mod ask;
mod pictures;
mod send;

pub(crate) use ask::AskUser;
pub use pictures::SentPictures;
pub(crate) use send::SendFile;
