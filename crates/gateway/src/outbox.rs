//! The way of a reply to the conversation that asked.
//! Invariant: a delivery is sent by whoever won its compare-and-set, and by nobody else; one whose process has
//! died is taken over by who asks again, or else given up in the journal.
//! It must not compose anything.

use std::sync::Arc;

use corvid_core::faults::crash_point;
use corvid_core::wire::{Address, DeliveryId, EventBody, ReplyComposed, SessionId};
use corvid_core::{Append, Channel, DeliverError, Delivery, Fence, Journal as _};
use corvid_store::{DeliveryEnd, DeliveryRow, DeliveryState};

use crate::Gateway;
use crate::error::GatewayError;

/// How a delivery came into this process's hands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Nobody had begun it.
    First,
    /// A process that had begun it has died.
    TakenOver,
}

impl Gateway {
    /// Delivers the reply to one conversation that this process hosts. Returns whether it was this
    /// process that sent it.
    pub(crate) async fn deliver(
        &self,
        session: &SessionId,
        to: &Address,
        reply: &ReplyComposed,
    ) -> Result<bool, GatewayError> {
        let Some(draft) = reply.deliveries.iter().find(|draft| draft.to == *to) else {
            return Ok(false);
        };
        let Some(channel) = self.channel(to) else {
            return Ok(false);
        };
        let Some(hold) = self.take_in_hand(session, &draft.delivery).await? else {
            return Ok(false);
        };
        crash_point("delivery.before_send");
        let delivery = Delivery {
            maybe_sent: hold == Hold::TakenOver,
            ..Delivery::of(session, reply, draft)
        };
        let sent = channel.deliver(&delivery).await;
        crash_point("delivery.after_send");
        let result = match sent {
            Ok(external_id) => {
                let end = DeliveryEnd::Sent(external_id);
                self.store.end_delivery(&delivery.id, end).await?;
                Ok(true)
            }
            Err(DeliverError::Retry { reason, .. }) => {
                let end = DeliveryEnd::Again;
                self.store.end_delivery(&delivery.id, end).await?;
                Err(GatewayError::Undelivered(reason))
            }
            Err(error) => {
                let reason = error.to_string();
                self.give_up(session, delivery.id, &reason).await?;
                Err(GatewayError::Undelivered(reason))
            }
        };
        crash_point("delivery.after_sent");
        result
    }

    /// Gives up the deliveries of a session whose process has died, on the channels that this process hosts:
    /// nobody else will ever see to them. Their replies stay in the journal for whoever asks again. What nobody can
    /// ask for again, since a job's end led to it, is taken up here instead.
    pub(crate) async fn give_up_orphans(&self, session: &SessionId) -> Result<(), GatewayError> {
        for row in self.store.open_deliveries(session).await? {
            let alive = |row: &DeliveryRow| {
                let owner = row.owner.as_ref();
                owner.is_none_or(|owner| self.store.is_alive(owner))
            };
            if self.channel(&row.delivery.to).is_none() || alive(&row) {
                continue;
            }
            let inputs = row
                .delivery
                .reply()
                .map_or_else(Vec::new, |reply| reply.inputs.clone());
            let delivery = row.delivery.id;
            if self.jobs.take_up_unsent(session, &inputs).await?
                || self.take_in_hand(session, &delivery).await?.is_none()
            {
                continue;
            }
            let reason = if row.state == DeliveryState::Sending {
                "the process that was sending it ended; whether it arrived is not known"
            } else {
                "the process that asked ended before the reply"
            };
            self.give_up(session, delivery, reason).await?;
        }
        Ok(())
    }

    /// Begins a delivery, or takes it over from a dead process; none if somebody has it or it has ended.
    async fn take_in_hand(
        &self,
        session: &SessionId,
        delivery: &DeliveryId,
    ) -> Result<Option<Hold>, GatewayError> {
        if self.store.begin_delivery(delivery).await? {
            return Ok(Some(Hold::First));
        }
        let open = self.store.open_deliveries(session).await?;
        let begun = open.into_iter().find(|row| row.delivery.id == *delivery);
        let Some(owner) = begun.and_then(|row| row.owner) else {
            return Ok(None);
        };
        let taken = self.store.take_delivery(delivery, &owner).await?;
        Ok(taken.then_some(Hold::TakenOver))
    }

    /// Ends a delivery in this process's hands for good, and says so in the journal.
    pub(crate) async fn give_up(
        &self,
        session: &SessionId,
        delivery: DeliveryId,
        reason: &str,
    ) -> Result<(), GatewayError> {
        let failed = EventBody::DeliveryFailed {
            delivery,
            reason: reason.to_owned(),
        };
        let append = Append {
            session: session.clone(),
            fence: Fence::Open,
            at: self.clock.now(),
            events: vec![failed],
        };
        self.store.append(append).await?;
        Ok(())
    }

    fn channel(&self, to: &Address) -> Option<&Arc<dyn Channel>> {
        self.channels.iter().find(|channel| channel.hosts(to))
    }
}
