//! How far each delivery got.
//! Invariant: a delivery is begun by one process at a time, and only who began it says how it ended.
//! It must not know how a channel sends.

use corvid_core::Delivery;
use corvid_core::wire::{DeliveryId, OwnerId, SessionId};

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::{DeliveryMark, Swap};

/// A reply's delivery as it is.
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

/// How an attempt at a delivery ended, unless for good: of a reply that is the event `delivery.failed`, of a notice
/// [`Store::fail_notice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// It arrived; the channel's id of what was sent.
    Sent(String),
    /// Nothing was sent; it may be begun again.
    Again,
}

impl Store {
    /// The deliveries of a session, oldest first.
    pub async fn deliveries(&self, session: &SessionId) -> Result<Vec<DeliveryRow>, StoreError> {
        self.readers().deliveries(session).await
    }

    /// The deliveries of a session that are prepared or being sent, oldest first; costs what there are of them.
    pub async fn open_deliveries(
        &self,
        session: &SessionId,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.readers().open_deliveries(session).await
    }

    /// Begins a delivery (of a reply or a notice) that nobody has begun. False if somebody has, or if there is no
    /// such delivery.
    pub async fn begin_delivery(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        self.hold()?;
        self.swap(Swap::begin(delivery, self.owner())).await
    }

    /// Takes over a delivery that `dead` had begun; whether it was sent, only the channel can tell. False if
    /// that process lives or is not the one at it.
    pub async fn take_delivery(
        &self,
        delivery: &DeliveryId,
        dead: &OwnerId,
    ) -> Result<bool, StoreError> {
        if self.is_alive(dead) {
            return Ok(false);
        }
        self.hold()?;
        self.swap(Swap::take(delivery, dead, self.owner())).await
    }

    /// Ends an attempt at a delivery that this process has begun. A reply that failed for good is ended by an append
    /// of `delivery.failed`, which needs no claim; a notice by [`Store::fail_notice`].
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it is not in this process's hands, and those of any write.
    pub async fn end_delivery(
        &self,
        delivery: &DeliveryId,
        end: DeliveryEnd,
    ) -> Result<(), StoreError> {
        let ended = self.swap(Swap::end(delivery, self.owner(), end)).await?;
        if ended {
            Ok(())
        } else {
            Err(StoreError::not_in_hand(delivery))
        }
    }
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
