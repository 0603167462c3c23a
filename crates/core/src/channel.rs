//! The seam to messengers: how a reply part reaches a conversation.
//! Invariant: a channel renders and sends; whether a delivery is due is decided elsewhere.
//! It must not know sessions, turns or the journal.

use async_trait::async_trait;

use crate::question::Questions;
use crate::wire::{Address, DeliveryId, Ending, InputId};

/// A messenger adapter. It asks its people as well.
#[async_trait]
pub trait Channel: Questions {
    /// The channel's name as in [`Address::channel`].
    fn name(&self) -> &'static str;

    /// Sends one reply part and returns the channel's id of what was sent.
    ///
    /// # Errors
    /// See [`DeliverError`]; the outbox decides from the variant.
    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError>;
}

/// A reply part on its way to one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Where it goes.
    pub to: Address,
    /// The inputs it answers there.
    pub inputs: Vec<InputId>,
    /// The reply in markdown.
    pub text: String,
    /// How the turn ended.
    pub ending: Ending,
    /// What the person should know beside the text.
    pub notices: Vec<String>,
    /// What needed an approval and got none, since nobody could be asked or answered in time, one line each.
    pub unapproved: Vec<String>,
    /// A process that had begun it has died, so that it may have been sent before.
    pub maybe_sent: bool,
}

/// Why a delivery did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// Nothing was sent; try again.
    #[error("{0}")]
    Retry(String),
    /// The conversation is gone for good.
    #[error("{0}")]
    Gone(String),
}
