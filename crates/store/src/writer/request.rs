//! What is asked of the writer, and how the asker hears of the outcome.
//! Invariant: every request is answered exactly once; an asker that is gone is no error.
//! It must not know transactions.

use corvid_core::wire::{DeliveryId, OwnerId};
use corvid_core::{AppendError, Appended};
use sqlx::sqlite::SqliteRow;
use tokio::sync::oneshot;

use super::batch::Value;
use super::decide::Prepared;
use crate::error::StoreError;

/// Something to write, and who waits for the outcome.
pub(crate) enum Request {
    /// Events.
    Append(Box<Prepared>, Waiter<Appended, AppendError>),
    /// A delivery's next state; the outcome says whether it had the expected one.
    Swap(Box<Swap>, Waiter<bool, StoreError>),
    /// What follows from no event; the outcome is all rows that its statements returned.
    Edit(Edit, Waiter<Vec<SqliteRow>, StoreError>),
}

/// The end of a request's answer.
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

/// Statements that happen together or not at all.
#[derive(Debug)]
pub(crate) struct Edit {
    /// One or more, separated by semicolons; their values are numbered (`$1`), each the same in all of them.
    pub(crate) sql: &'static str,
    /// The values, from the first.
    pub(crate) values: Vec<Value>,
}

/// A delivery's state as its row has it.
#[derive(Debug, Default)]
pub(crate) struct DeliveryMark {
    /// The state's name.
    pub(crate) state: &'static str,
    /// The process that has it; none stands for any in what a delivery must be.
    pub(crate) owner: Option<OwnerId>,
    /// The channel's id of what was sent.
    pub(crate) external_id: Option<String>,
}

impl Request {
    /// Answers that nothing was written.
    fn refuse(self, error: &StoreError) {
        match self {
            Self::Append(_, waiter) => answer(waiter, Some(Err(error.clone().into()))),
            Self::Swap(_, waiter) => answer(waiter, Some(Err(error.clone()))),
            Self::Edit(_, waiter) => answer(waiter, Some(Err(error.clone()))),
        }
    }
}

/// Answers all that nothing was written.
pub(super) fn refuse_all(requests: impl IntoIterator<Item = Request>, error: &StoreError) {
    for request in requests {
        request.refuse(error);
    }
}

/// Tells the waiter. An outcome that is missing leaves it to learn that nobody answered.
pub(super) fn answer<T, E>(waiter: Waiter<T, E>, outcome: Option<Result<T, E>>) {
    if let Some(outcome) = outcome
        && waiter.send(outcome).is_err()
    {
        tracing::trace!("a caller left before its write was done");
    }
}
