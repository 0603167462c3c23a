//! The port through which a tool sends something into a conversation beside the reply.
//! Invariant: what was taken is durable when the call returns, and is sent once however often it is handed in under
//! the same key; later changes of the file do not reach what is sent.
//! It must not know how a messenger sends anything.

use std::fs::File;

use async_trait::async_trait;

use crate::wire::{Address, CallKey};

/// Takes what tools send.
#[async_trait]
pub trait Posts: Send + Sync {
    /// Sends a file.
    ///
    /// # Errors
    /// One sentence for the model: it is too large, or could not be kept until it is sent. Nothing is sent then.
    async fn send_file(&self, file: FileToSend) -> Result<Sent, String>;
}

/// A file on its way to a conversation.
#[derive(Debug)]
pub struct FileToSend {
    /// What makes it the same file when it is handed in again: the key of the call that sends it.
    pub key: CallKey,
    /// The conversation.
    pub to: Address,
    /// The file, opened for reading, at its beginning. It may grow while it is read.
    pub file: File,
    /// The name that the person sees, without folders.
    pub name: String,
    /// What stands beside it, in markdown; may be empty.
    pub caption: String,
}

impl FileToSend {
    /// The most that any messenger is asked to take, in bytes: the 50 MB of Telegram's bots.
    pub const MAX_BYTES: u64 = 50_000_000;
}

/// What became of something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is kept, and goes out as soon as its messenger takes it.
    OnItsWay,
    /// Nothing has to be sent: whoever is in this conversation has the files before them.
    SeenThere,
}

/// Whoever sends nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPosts;

#[async_trait]
impl Posts for NoPosts {
    async fn send_file(&self, _file: FileToSend) -> Result<Sent, String> {
        Err("nothing can be sent from here".to_owned())
    }
}
