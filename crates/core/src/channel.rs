//! The seam to messengers: how what is said reaches a conversation, and what a person sees while a turn goes on.
//! Invariant: a channel renders and sends; whether something is due is decided elsewhere.
//! It must not know a lane or the journal.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::inbox::Inbox;
use crate::question::Questions;
use crate::wire::{
    Address, DeliveryDraft, DeliveryId, Ending, InputId, LiveEvent, Millis, OutcomeAnswer,
    Question, ReplyComposed, SessionId,
};

/// Where deliveries go. It asks its people as well.
#[async_trait]
pub trait Channel: Questions {
    /// The channel's name as in [`Address::channel`].
    fn name(&self) -> &'static str;

    /// Whether this conversation is one of its own: of its name and, where it has accounts, of its account.
    fn hosts(&self, to: &Address) -> bool {
        to.channel == self.name()
    }

    /// Sends one delivery and returns the channel's id of what was sent. The same delivery may be handed over again
    /// after a crash or a fault; a channel whose service takes no key keeps [`Marks`] so that it is never seen twice.
    ///
    /// # Errors
    /// See [`DeliverError`]; the outbox decides from the variant.
    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError>;
}

/// A channel that a daemon hosts: it listens, and shows turns while they go on.
#[async_trait]
pub trait Messenger: Channel {
    /// Our account there, as in [`Address::account`]: a bot's numeric id.
    fn account(&self) -> &str;

    /// Receives updates and hands them to `inbox` until it cannot go on; dropped at the daemon's end. An update is
    /// acknowledged to the service only after `inbox` has taken it.
    async fn listen(&self, inbox: Arc<dyn Inbox>) -> ListenError;

    /// Shows a turn in one conversation while it goes on: typing, a message that grows, a line for the running tool.
    /// Returns soon after `live` has ended; the reply comes as a delivery of the same turn and replaces what is shown.
    /// Best effort: nothing that fails here is told.
    async fn follow(&self, turn: &FollowedTurn, live: mpsc::Receiver<LiveEvent>);

    /// Something that changes what is shown already. Best effort.
    async fn note(&self, note: &Note);
}

/// Why a messenger no longer listens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Trying again later may help (the service is not reached; another process polls).
    #[error("{0}")]
    Retry(String),
    /// Only a person can help (a wrong token); the sentence says how. Tried again after the config has changed.
    #[error("{0}")]
    Final(String),
}

/// A turn as it is shown while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTurn {
    /// The session.
    pub session: SessionId,
    /// The turn.
    pub turn: u32,
    /// The conversation.
    pub to: Address,
    /// When the turn began.
    pub started_at: Millis,
    /// The channel's external id of the input that is answered; none for what a job began.
    pub answers: Option<String>,
}

/// Something that changes what is shown already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A message that was sent during a turn has joined it.
    TakenUp {
        /// The conversation.
        to: Address,
        /// The channel's external id of the message.
        external_id: String,
    },
    /// A question has its answer, or nobody can answer it any more: its buttons go.
    Settled {
        /// The question.
        question: Box<Question>,
        /// How, a few words: `allowed once by 4711`.
        how: String,
    },
    /// It is settled what became of a call: the buttons of [`crate::OutcomeQuestion`] go.
    OutcomeSettled {
        /// The question's key, as in [`crate::OutcomeQuestion::key`].
        key: String,
        /// The answer.
        answer: OutcomeAnswer,
    },
}

/// Something on its way to one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Where it goes.
    pub to: Address,
    /// The text in markdown; a file's caption.
    pub text: String,
    /// What it is.
    pub content: Content,
    /// A process that had begun it has died, so that it may have been sent before.
    pub maybe_sent: bool,
    /// It comes much later than it should, since Corvid or the messenger was not there meanwhile; shown with it.
    pub late: bool,
}

/// What a delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A turn's reply.
    Reply(Reply),
    /// Something that Corvid itself says: the answer to a command, a greeting, a pairing code.
    Notice,
    /// A file.
    File {
        /// Where it is kept until it is sent, absolute; Corvid's own copy.
        path: std::path::PathBuf,
        /// The name that the person sees.
        name: String,
    },
}

/// What there is to say of a reply beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The session.
    pub session: SessionId,
    /// The turn.
    pub turn: u32,
    /// The inputs it answers in this conversation.
    pub inputs: Vec<InputId>,
    /// How the turn ended.
    pub ending: Ending,
    /// What the person should know beside the text.
    pub notices: Vec<String>,
    /// What needed an approval and got none, since nobody could be asked or answered in time, one line each.
    pub unapproved: Vec<String>,
    /// How long the turn took, in milliseconds.
    pub took_ms: u64,
    /// Nobody waits for it: a job's end began the turn.
    pub unasked: bool,
}

impl Delivery {
    /// One conversation's part of a reply.
    pub fn of(session: &SessionId, reply: &ReplyComposed, draft: &DeliveryDraft) -> Self {
        Self {
            id: draft.delivery.clone(),
            to: draft.to.clone(),
            text: reply.text.clone(),
            content: Content::Reply(Reply {
                session: session.clone(),
                turn: reply.turn,
                inputs: draft.inputs.clone(),
                ending: reply.ending,
                notices: reply.notices.clone(),
                unapproved: reply.unapproved.clone(),
                took_ms: reply.took_ms,
                unasked: reply.unasked,
            }),
            maybe_sent: false,
            late: false,
        }
    }

    /// What there is to say of it as a reply; none for what is no reply.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.content {
            Content::Reply(reply) => Some(reply),
            Content::Notice | Content::File { .. } => None,
        }
    }
}

/// Why a delivery did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// Nothing can be seen of it; try again.
    #[error("{reason}")]
    Retry {
        /// Why.
        reason: String,
        /// How long the service asked to wait, in milliseconds.
        after_ms: Option<u64>,
    },
    /// The conversation goes on elsewhere, for good: send it there.
    #[error("the conversation has moved")]
    Moved(Address),
    /// This delivery cannot be sent at all.
    #[error("{0}")]
    Gone(String),
    /// Nothing reaches the conversation any more: blocked, deleted, thrown out.
    #[error("{0}")]
    Dead(String),
}

/// Where a channel keeps the ids of what it has posted, so that a post is edited and not posted again.
/// Durable: what was kept is there after a crash. Rows go by themselves after a month.
#[async_trait]
pub trait Marks: Send + Sync {
    /// The parts of a post that were kept, in their order.
    ///
    /// # Errors
    /// One sentence: the store failed.
    async fn marks(&self, post: &str) -> Result<Vec<Mark>, String>;

    /// Keeps the id of one part of a post. A part that is there is replaced.
    ///
    /// # Errors
    /// As [`Marks::marks`].
    async fn mark(&self, post: &str, mark: &Mark) -> Result<(), String>;
}

/// One part of a post as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The part, from 0.
    pub part: u32,
    /// The channel's id of it.
    pub external_id: String,
}

/// The name under which a turn's posts in one conversation are marked: what is shown while it goes on, and its reply.
pub fn turn_post(session: &SessionId, turn: u32, to: &Address) -> String {
    format!(
        "turn {session} {turn} {} {} {}",
        to.channel, to.account, to.conversation
    )
}
