//! What the store holds of whatever a group of appends names, as the group itself changes it.
//! Invariant: after each append that may happen, this is what reading anew would find.
//! It must not know SQL, nor what makes an append possible.

use std::collections::{HashMap, HashSet};

use corvid_core::ClaimSeen;
use corvid_core::wire::{
    Admission, DeliveryId, InputId, JobId, OwnerId, Question, QuestionId, SessionId,
};

/// What the store holds of the sessions, inputs, deliveries, questions and jobs that a group names.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sessions: HashMap<SessionId, SessionSeen>,
    pub(super) inputs: HashMap<InputKey, InputSeen>,
    /// The deliveries that are being sent, each with the process that is at it.
    pub(super) sending: HashMap<DeliveryId, OwnerId>,
    /// The questions that are answered and those that were open before, each with its session and the kind of
    /// event that ended it.
    pub(super) questions: HashMap<QuestionId, QuestionSeen>,
    /// The jobs that are begun or ended.
    pub(super) jobs: HashMap<JobId, JobSeen>,
}

/// A session as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionSeen {
    pub(super) head: u64,
    pub(super) claim: Option<ClaimSeen>,
    pub(super) turns: u64,
    /// Of text that the model would be shown, since the first event.
    pub(super) transcript_bytes: u64,
    /// The inputs that no reply has answered.
    pub(super) open: HashSet<InputId>,
    /// The questions that are open.
    pub(super) questions: Vec<Question>,
}

/// What makes an input the same: channel, account, external id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct InputKey {
    pub(super) channel: String,
    pub(super) account: String,
    pub(super) external_id: String,
}

/// An input that was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputSeen {
    pub(super) session: SessionId,
    pub(super) input: InputId,
    pub(super) body_hash: String,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QuestionSeen {
    pub(super) session: SessionId,
    /// The kind of the event that ended it; none while it is open.
    pub(super) ended: Option<String>,
}

/// A job that was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobSeen {
    pub(super) session: SessionId,
    pub(super) ended: bool,
}

impl InputKey {
    /// The key of an admission.
    pub(super) fn of(admission: &Admission) -> Self {
        Self {
            channel: admission.origin.channel.clone(),
            account: admission.origin.account.clone(),
            external_id: admission.external_id.clone(),
        }
    }
}

impl JobSeen {
    /// A job of the session that has not ended.
    pub(super) fn open(session: &SessionId) -> Self {
        Self {
            session: session.clone(),
            ended: false,
        }
    }

    /// A job of the session that has ended.
    pub(super) fn ended(session: &SessionId) -> Self {
        Self {
            session: session.clone(),
            ended: true,
        }
    }
}
