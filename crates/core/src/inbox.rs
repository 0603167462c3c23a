//! The port through which messengers hand in what people do.
//! Invariant: what was taken is in the journal (or refused for good) when the call returns, so that the messenger may
//! acknowledge it; whatever was not taken must be handed in again.
//! It must not know how a messenger spells anything.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::button::Button;
use crate::wire::{Address, Millis, Part, QuoteForm};

/// Takes what people do.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Takes a message: admits it, acts on a command, greets or ignores a stranger.
    ///
    /// # Errors
    /// [`NotTaken`]: hand it in again, and acknowledge nothing that came after it.
    async fn receive(&self, said: Said) -> Result<(), NotTaken>;

    /// Takes a press of a button. The text is for the one who pressed, shown briefly.
    ///
    /// # Errors
    /// As [`Inbox::receive`].
    async fn press(&self, press: Press) -> Result<String, NotTaken>;

    /// The messenger has moved a conversation for good (a group was upgraded).
    ///
    /// # Errors
    /// As [`Inbox::receive`].
    async fn moved(&self, from: &Address, to: &Address) -> Result<(), NotTaken>;

    /// Says how the channel is, for `agent status` and the log.
    fn report(&self, channel: &str, account: &str, condition: Condition);
}

/// Something was not taken (the store failed, the daemon stops); one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotTaken(pub String);

/// How a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It listens, under this name (`@corvid_bot`).
    Up(String),
    /// It is being tried again; why.
    Failing(String),
}

/// A message as a messenger decoded it.
#[derive(Clone)]
pub struct Said {
    /// The conversation.
    pub origin: Address,
    /// What kind of conversation that is.
    pub place: Place,
    /// The id under which the channel will never send another message; of an edited one it names the edit too.
    pub external_id: String,
    /// The external id of the message that this one is an edit of.
    pub edits: Option<String>,
    /// The immutable numeric id of who says it.
    pub person: String,
    /// What that person calls themselves; shown to an owner who decides on a pairing, and nothing else.
    pub name: String,
    /// What is said, with what it refers to.
    pub parts: Vec<Part>,
    /// What was sent along.
    pub attachments: Vec<Attachment>,
    /// What messages that belong together have in common (an album; the pieces of a long paste): they are taken up
    /// together, after a moment in which more of them may come.
    pub together: Option<String>,
    /// When it was sent.
    pub at: Millis,
}

/// A kind of conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One person and the bot.
    Private,
    /// Several people.
    Group {
        /// Whether the message is for the bot: it is mentioned, replied to, or given a command.
        addressed: bool,
    },
}

/// Something that was sent along with a message. It is fetched only for who may speak.
#[derive(Clone)]
pub struct Attachment {
    /// The name it should have; untrusted.
    pub name: String,
    /// Its media type as the messenger tells it; untrusted.
    pub media_type: String,
    /// What it is.
    pub kind: AttachmentKind,
    /// Bytes, as far as the messenger tells.
    pub bytes: Option<u64>,
    /// Whose it is and why it is here, if it is not the sender's own: what is spoken in it is a quote then.
    pub quoted: Option<(QuoteForm, String)>,
    /// Fetches it.
    pub source: Arc<dyn Fetch>,
}

/// What was sent along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A picture, which some models can look at.
    Image,
    /// Something spoken, which may be transcribed.
    Voice,
    /// Any other file.
    File,
}

/// Fetches what was sent along.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Writes it to a new file.
    ///
    /// # Errors
    /// See [`FetchError`].
    async fn fetch(&self, into: &Path) -> Result<(), FetchError>;
}

/// Why something was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It never will be (too large, gone); one sentence for the person.
    #[error("{0}")]
    Final(String),
    /// Trying again may help; it is tried a few times, and then the person is told this.
    #[error("{0}")]
    Retry(String),
}

/// A press of a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// The conversation in which the button is.
    pub origin: Address,
    /// The id under which the channel will never send another press.
    pub external_id: String,
    /// The immutable numeric id of who pressed.
    pub person: String,
    /// The button; none if its data says nothing (any more).
    pub button: Option<Button>,
}
