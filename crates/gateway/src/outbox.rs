//! The way of a reply to the conversation that asked.
//! Invariant: a delivery is sent by whoever won its compare-and-set, and by nobody else.
//! It must not compose anything.

use corvid_core::faults::crash_point;
use corvid_core::wire::{Address, ReplyComposed};
use corvid_core::{DeliverError, Delivery};
use corvid_store::DeliveryEnd;

use crate::Gateway;
use crate::run::GatewayError;

impl Gateway {
    /// Delivers the reply to one conversation that this process hosts. Returns whether it was this
    /// process that sent it.
    pub(crate) async fn deliver(
        &self,
        to: &Address,
        reply: &ReplyComposed,
    ) -> Result<bool, GatewayError> {
        let Some(draft) = reply.deliveries.iter().find(|draft| draft.to == *to) else {
            return Ok(false);
        };
        let channel = self
            .channels
            .iter()
            .find(|channel| channel.name() == to.channel);
        let Some(channel) = channel else {
            return Ok(false);
        };
        if !self.store.begin_delivery(&draft.delivery).await? {
            return Ok(false);
        }
        crash_point("delivery.before_send");
        let delivery = Delivery {
            id: draft.delivery.clone(),
            to: draft.to.clone(),
            inputs: draft.inputs.clone(),
            text: reply.text.clone(),
            ending: reply.ending,
            notices: reply.notices.clone(),
        };
        let sent = channel.deliver(&delivery).await;
        crash_point("delivery.after_send");
        let (end, result) = match sent {
            Ok(external_id) => (DeliveryEnd::Sent(external_id), Ok(true)),
            Err(DeliverError::Retry(reason)) => {
                (DeliveryEnd::Again, Err(GatewayError::Undelivered(reason)))
            }
            Err(DeliverError::Gone(reason)) => (
                DeliveryEnd::Failed(reason.clone()),
                Err(GatewayError::Undelivered(reason)),
            ),
        };
        self.store.end_delivery(&draft.delivery, end).await?;
        crash_point("delivery.after_sent");
        result
    }
}
