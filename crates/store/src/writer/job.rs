//! What is asked of the writer, and how the asker hears of the outcome.
//! Invariant: every job is answered exactly once; an asker that is gone is no error.
//! It must not know transactions.

use corvid_core::wire::{DeliveryId, OwnerId};
use corvid_core::{AppendError, Appended};
use tokio::sync::oneshot;

use super::decide::Prepared;
use crate::error::StoreError;

/// Something to write, and who waits for the outcome.
pub(crate) enum Job {
    /// Events.
    Append(Box<Prepared>, Waiter<Appended, AppendError>),
    /// A delivery's next state; the outcome says whether it had the expected one.
    Swap(Box<Swap>, Waiter<bool, StoreError>),
}

/// The end of a job's answer.
pub(crate) type Waiter<T, E> = oneshot::Sender<Result<T, E>>;

/// A compare-and-set of a delivery's state.
#[derive(Debug)]
pub(crate) struct Swap {
    /// The delivery.
    pub(crate) delivery: DeliveryId,
    /// What it must be.
    pub(crate) from: DeliveryMark,
    /// What it becomes.
    pub(crate) to: DeliveryMark,
}

/// A delivery's state as its row has it.
#[derive(Debug, Default)]
pub(crate) struct DeliveryMark {
    /// The state's name.
    pub(crate) state: &'static str,
    /// The process that is sending it.
    pub(crate) owner: Option<OwnerId>,
    /// The channel's id of what was sent.
    pub(crate) external_id: Option<String>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

/// A job with its outcome, which holds if the transaction commits.
pub(super) enum Settled {
    /// Events.
    Append(Waiter<Appended, AppendError>, Result<Appended, AppendError>),
    /// A delivery's next state.
    Swap(Waiter<bool, StoreError>, Result<bool, StoreError>),
}

impl Job {
    /// Answers that nothing was written.
    fn refuse(self, error: &StoreError) {
        match self {
            Self::Append(_, waiter) => answer(waiter, Err(error.clone().into())),
            Self::Swap(_, waiter) => answer(waiter, Err(error.clone())),
        }
    }
}

/// Answers all that nothing was written.
pub(super) fn refuse_all(jobs: impl IntoIterator<Item = Job>, error: &StoreError) {
    for job in jobs {
        job.refuse(error);
    }
}

impl Settled {
    /// Whether it wrote something.
    pub(super) fn wrote(&self) -> bool {
        matches!(self, Self::Append(_, Ok(_)) | Self::Swap(_, Ok(true)))
    }

    /// Whether it wrote events.
    pub(super) fn appended(&self) -> bool {
        matches!(self, Self::Append(_, Ok(_)))
    }

    /// Answers with the outcome.
    pub(super) fn answer(self) {
        match self {
            Self::Append(waiter, outcome) => answer(waiter, outcome),
            Self::Swap(waiter, outcome) => answer(waiter, outcome),
        }
    }

    /// Answers that nothing was written after all.
    pub(super) fn refuse(self, error: &StoreError) {
        match self {
            Self::Append(waiter, _) => answer(waiter, Err(error.clone().into())),
            Self::Swap(waiter, _) => answer(waiter, Err(error.clone())),
        }
    }
}

fn answer<T, E>(waiter: Waiter<T, E>, outcome: Result<T, E>) {
    if waiter.send(outcome).is_err() {
        tracing::trace!("a caller left before its write was done");
    }
}
