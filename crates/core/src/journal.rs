//! The journal as the driver sees it: conditional appends and reading on.
//! Invariant: an append happens whole or not at all, and says which; a stale lane cannot write.
//! It must not know how or where events are kept.

use async_trait::async_trait;

use crate::wire::{
    Answerer, Event, EventBody, InputId, JobId, Millis, OwnerId, QuestionId, SessionId,
};

/// A per-session, append-only log.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends events to one session under the fence's condition, durably.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing of a failed append is kept.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The events after `after`, in order, at most `limit` of them.
    ///
    /// # Errors
    /// Only for reasons outside the journal's contents ([`AppendError::Failed`] and kin).
    async fn read(
        &self,
        session: &SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, AppendError>;

    /// What a lane needs to begin: all events since a place of rest from which about `context_bytes`
    /// of transcript (and at least one turn) follow.
    ///
    /// # Errors
    /// [`AppendError::NoSuchSession`] and those of [`Journal::read`].
    async fn load(&self, session: &SessionId, context_bytes: u64) -> Result<Loaded, AppendError>;
}

/// One append: all of its events or none.
#[derive(Clone, Debug)]
pub struct Append {
    /// The session.
    pub session: SessionId,
    /// The condition.
    pub fence: Fence,
    /// When.
    pub at: Millis,
    /// What, in order; never empty.
    pub events: Vec<EventBody>,
}

/// The condition under which an append happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fence {
    /// None: the event numbers itself (`input.admitted`, `stop.requested`, `question.answered`, `turn.undone`, the
    /// opening of a session; `job.started`, `job.finished` and `delivery.failed`, which only the process that has
    /// the job or the delivery in hand can append). A `question.answered` is checked in that moment: the
    /// question must be open, its time not be up, the answerer be one of its own ([`AppendError::NotOpen`]).
    Open,
    /// The session's claim passes to `owner` with the next epoch, if it still is as seen, and the head
    /// is as expected. The append must hold `lane.claimed` with that epoch.
    Take {
        /// The new owner.
        owner: OwnerId,
        /// The claim as it was seen.
        seen: Option<ClaimSeen>,
        /// The head as it was seen; 0 for a session that is not there yet.
        head: u64,
        /// On what ground the claim is taken from its last owner.
        ground: Ground,
    },
    /// The lane's epoch is current and the head is as expected.
    Lane {
        /// The lane's epoch.
        epoch: u64,
        /// The head as the lane folded it.
        head: u64,
    },
}

/// On what ground a claim is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nobody holds it, or who does is dead; an owner that lives keeps its claim.
    Free,
    /// The owner lives, and has said that no lane of its is at work in the session.
    GivenUp,
}

/// A session's claim as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSeen {
    /// Who held it.
    pub owner: OwnerId,
    /// The epoch.
    pub epoch: u64,
}

/// A done append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of its first event.
    pub first: u64,
    /// The position of its last event, now the session's head.
    pub head: u64,
}

/// What a lane begins with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The events, in order, the newest last.
    pub events: Vec<Event>,
    /// The session's head.
    pub head: u64,
    /// Who holds the session, dead or alive.
    pub claim: Option<ClaimSeen>,
    /// What was allowed for the session, ever.
    pub grants: Vec<Grant>,
}

/// Something that a person allowed for the rest of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The approval's binding, SHA-256 in hex.
    pub binding: String,
    /// Who allowed it.
    pub by: Answerer,
}

/// Why nothing was appended or read, named by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The head has moved: fold what is new and decide again.
    #[error("the session has grown to {head}")]
    Conflict {
        /// The head now.
        head: u64,
    },
    /// The lane's epoch is stale, or the claim is no longer as seen: give up the lane.
    #[error("the session now belongs to another process")]
    Fenced,
    /// The very same input was admitted before; this is its receipt.
    #[error("this input was admitted before")]
    AlreadyAdmitted {
        /// The session that has it.
        session: SessionId,
        /// The input.
        input: InputId,
    },
    /// The id was used before for another input.
    #[error(
        "the id `{external_id}` was used before for another message; use a new id or send the same text"
    )]
    IdReused {
        /// The id.
        external_id: String,
    },
    /// A question cannot be answered so: it has its answer, its time is up, or it is not this person's.
    #[error("question `{question}` {reason}")]
    NotOpen {
        /// The question.
        question: QuestionId,
        /// What is the matter, e.g. `was answered already`.
        reason: String,
    },
    /// A job cannot be noted so: it is there already, or it has ended.
    #[error("job `{job}` {reason}")]
    JobNotOpen {
        /// The job.
        job: JobId,
        /// What is the matter, e.g. `has ended already`.
        reason: String,
    },
    /// There is no such session.
    #[error("no session `{0}`; `agent sessions list` shows what there is")]
    NoSuchSession(SessionId),
    /// The disk is full; free some space and try again.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The state folder cannot be written.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// Anything else, in the store's words.
    #[error("the store failed: {0}")]
    Failed(String),
}
