//! Why the gateway could not do what it was asked for.
//! Invariant: each sentence is for a person, and names the way on where there is one.
//! It must not know how an error is shown.

use corvid_agent::LaneError;
use corvid_core::AppendError;
use corvid_core::wire::{QuestionId, SessionId};
use corvid_store::StoreError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// This person may not speak here.
    #[error("user {0} may not speak here; only the user whose state this is can")]
    Denied(String),
    /// The name cannot be a session's.
    #[error(
        "`{0}` cannot name a session; use 1 to 64 letters, digits, `-`, `_` and `.`, not beginning with a dot"
    )]
    BadName(String),
    /// The person stopped waiting for another process; the input is kept.
    #[error(
        "stopped waiting; the message stays in session `{session}` and is answered there, `agent run --id {external_id}` with the same text shows the answer"
    )]
    StoppedWaiting {
        /// The session.
        session: SessionId,
        /// The input's key.
        external_id: String,
    },
    /// The reply is recorded, but could not be shown.
    #[error("the reply is recorded but could not be delivered: {0}")]
    Undelivered(String),
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lane failed.
    #[error("{0}")]
    Lane(LaneError),
    /// There is no such question.
    #[error("no question `{0}`; `agent approvals list` shows those that are open")]
    NoSuchQuestion(QuestionId),
    /// A job cannot be ended.
    #[error("{0}")]
    Job(String),
    /// A session has no folder to work in; one sentence.
    #[error("{0}")]
    Folder(String),
    /// A turn runs or waits in the session.
    #[error("a turn runs in session `{0}` or waits there; let it end (or stop it) first")]
    AtWork(SessionId),
}

impl GatewayError {
    /// Whether the same may succeed later, without anybody changing what was asked for.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Store(_)
            | Self::Journal(
                AppendError::Full(_) | AppendError::ReadOnly(_) | AppendError::Failed(_),
            ) => true,
            Self::Denied(_)
            | Self::BadName(_)
            | Self::StoppedWaiting { .. }
            | Self::Undelivered(_)
            | Self::Journal(_)
            | Self::Lane(_)
            | Self::NoSuchQuestion(_)
            | Self::Job(_)
            | Self::Folder(_)
            | Self::AtWork(_) => false,
        }
    }
}
