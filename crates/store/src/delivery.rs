//! How far each delivery got.
//! Invariant: a delivery is begun by one process at a time, and only who began it says how it ended.
//! It must not know how a channel sends.

use corvid_core::Delivery;
use corvid_core::wire::{DeliveryId, OwnerId, SessionId};

use crate::writer::{DeliveryMark, Swap};

/// A delivery as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// What is sent, and where to.
    pub delivery: Delivery,
    /// How far it got.
    pub state: DeliveryState,
    /// While it is open, the process in whose hands it is: the one that admitted the input, then the one that
    /// sends it. If that one is dead, whoever finds it sees to its end.
    pub owner: Option<OwnerId>,
    /// The session whose reply it is part of.
    pub session: SessionId,
}

/// How far a delivery got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Nobody has begun it.
    Prepared,
    /// A process is at it; if that one is dead, nobody knows whether it was sent.
    Sending,
    /// It arrived.
    Sent {
        /// The channel's id of what was sent.
        external_id: String,
    },
    /// It failed for good.
    Failed {
        /// One sentence for a person.
        reason: String,
    },
}

/// How an attempt at a delivery ended, unless for good: that is the event `delivery.failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// It arrived; the channel's id of what was sent.
    Sent(String),
    /// Nothing was sent; it may be begun again.
    Again,
}

impl DeliveryMark {
    fn prepared(owner: Option<&OwnerId>) -> Self {
        Self {
            state: "prepared",
            owner: owner.cloned(),
            external_id: None,
        }
    }

    fn sending(owner: &OwnerId) -> Self {
        Self {
            state: "sending",
            owner: Some(owner.clone()),
            external_id: None,
        }
    }

    fn sent(external_id: String) -> Self {
        Self {
            state: "sent",
            owner: None,
            external_id: Some(external_id),
        }
    }
}

impl Swap {
    /// `me` begins what nobody has begun.
    pub(crate) fn begin(delivery: &DeliveryId, me: &OwnerId) -> Self {
        Self {
            delivery: delivery.clone(),
            from: DeliveryMark::prepared(None),
            to: DeliveryMark::sending(me),
        }
    }

    /// `me` takes over what a dead process had begun.
    pub(crate) fn take(delivery: &DeliveryId, dead: &OwnerId, me: &OwnerId) -> Self {
        Self {
            delivery: delivery.clone(),
            from: DeliveryMark::sending(dead),
            to: DeliveryMark::sending(me),
        }
    }

    /// `me` ends what it has begun.
    pub(crate) fn end(delivery: &DeliveryId, me: &OwnerId, end: DeliveryEnd) -> Self {
        Self {
            delivery: delivery.clone(),
            from: DeliveryMark::sending(me),
            to: match end {
                DeliveryEnd::Sent(external_id) => DeliveryMark::sent(external_id),
                DeliveryEnd::Again => DeliveryMark::prepared(Some(me)),
            },
        }
    }
}
