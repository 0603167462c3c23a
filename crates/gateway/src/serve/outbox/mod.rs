//! The outbox of a daemon: everything that is composed for a conversation, in its order, until it has arrived.
//! Invariant: one delivery at a time in a conversation, and none while its turn is still being shown; what fails is
//! tried again under a growing pause, until it is too old.
//! It must not know how a messenger sends.

mod order;

use std::collections::HashSet;
use std::sync::Arc;

use corvid_core::faults::crash_point;
use corvid_core::wire::Millis;
use corvid_core::{Content, DeliverError, Messenger, TaskKind};
use corvid_store::{DeliveryEnd, DeliveryState, OutboxRow};

use super::Host;
use crate::error::GatewayError;
use order::FIRST_PAUSE_MS;

pub(super) use order::Outbox;

/// From which age on a delivery says that it is late, in milliseconds.
const LATE_MS: Millis = 300_000;

impl Host {
    /// Delivers whatever is composed, until the program stops.
    pub(super) fn deliver_on(self: &Arc<Self>) {
        let host = Arc::clone(self);
        let stopping = self.gateway.tasks.stopping();
        let clock = Arc::clone(&self.gateway.clock);
        self.outbox.nudge();
        let task = async move {
            loop {
                let again_at = host.sweep().await.unwrap_or_else(|error| {
                    tracing::error!(%error, "the outbox cannot be read; it is tried again");
                    Some(clock.now().saturating_add(FIRST_PAUSE_MS))
                });
                let due = async {
                    match again_at {
                        Some(at) => clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = host.outbox.nudged.notified() => {}
                    () = due => {}
                    () = stopping.cancelled() => return,
                }
            }
        };
        self.gateway.tasks.spawn(TaskKind::Vital, "outbox", task);
    }

    /// Begins the oldest delivery of every conversation that may have one now. Yields when to look again by itself.
    async fn sweep(self: &Arc<Self>) -> Result<Option<Millis>, GatewayError> {
        let store = &self.gateway.store;
        let now = self.gateway.clock.now();
        let mut waiting = HashSet::new();
        let mut open = 0_usize;
        for messenger in &self.serving.messengers {
            let rows = store.open_outbox(messenger.name(), messenger.account());
            for row in rows.await? {
                // What waits for a pause is not waited for at the end.
                open += usize::from(!self.outbox.is_paused(&row.delivery.to, now));
                let is_first = waiting.insert(row.delivery.to.clone());
                if is_first && self.outbox.take(&row, now) {
                    self.begin_delivery(messenger, row);
                }
            }
        }
        self.outbox.open.send_replace(open);
        Ok(self.outbox.next_due(&waiting, now))
    }

    fn begin_delivery(self: &Arc<Self>, messenger: &Arc<dyn Messenger>, row: OutboxRow) {
        let (host, messenger) = (Arc::clone(self), Arc::clone(messenger));
        let tasks = &self.gateway.tasks;
        tasks.spawn(TaskKind::Service, "delivery", async move {
            let to = row.delivery.to.clone();
            if let Err(error) = host.send(messenger.as_ref(), row).await {
                tracing::error!(%error, "a delivery is tried again");
                let now = host.gateway.clock.now();
                host.outbox.pause(&to, None, now);
            }
            host.outbox.free(&to);
        });
    }

    async fn send(&self, messenger: &dyn Messenger, row: OutboxRow) -> Result<(), GatewayError> {
        let now = self.gateway.clock.now();
        let age = now.saturating_sub(row.at);
        let hopeless = self.hopeless(&row, age).await?;
        // What is given up must be in hand too, or else it may be another process's.
        if !self.take_delivery(&row).await? {
            if self.is_elsewhere(&row) {
                // Nothing here is told when that process has ended it.
                self.outbox.pause(&row.delivery.to, None, now);
            }
            return Ok(());
        }
        let ended = match hopeless {
            Some(reason) => self.fail(&row, reason).await,
            None => self.hand_over(messenger, &row, age).await,
        };
        if ended.is_err() {
            self.outbox.lock().unended.insert(row.delivery.id);
        }
        ended
    }

    /// Why a delivery is not even tried; none if it is.
    async fn hopeless(
        &self,
        row: &OutboxRow,
        age: Millis,
    ) -> Result<Option<&'static str>, GatewayError> {
        let max_age = Millis::try_from(self.serving.max_age_ms).unwrap_or(Millis::MAX);
        Ok(if self.gateway.store.is_dead(&row.delivery.to).await? {
            Some("the conversation cannot be reached any more")
        } else if age > max_age {
            Some("it could not be delivered for too long")
        } else {
            None
        })
    }

    async fn hand_over(
        &self,
        messenger: &dyn Messenger,
        row: &OutboxRow,
        age: Millis,
    ) -> Result<(), GatewayError> {
        crash_point("delivery.before_send");
        let mut delivery = row.delivery.clone();
        delivery.maybe_sent = row.state == DeliveryState::Sending;
        delivery.late = age > LATE_MS;
        let sent = messenger.deliver(&delivery).await;
        crash_point("delivery.after_send");
        let ended = match sent {
            Ok(external_id) => self.sent(row, external_id).await,
            Err(error) => self.not_sent(row, error).await,
        };
        crash_point("delivery.after_sent");
        ended
    }

    async fn sent(&self, row: &OutboxRow, external_id: String) -> Result<(), GatewayError> {
        let end = DeliveryEnd::Sent(external_id);
        let store = &self.gateway.store;
        store.end_delivery(&row.delivery.id, end).await?;
        self.outbox.resume(&row.delivery.to);
        self.discard_copy(&row.delivery.content).await;
        Ok(())
    }

    async fn not_sent(&self, row: &OutboxRow, error: DeliverError) -> Result<(), GatewayError> {
        let store = &self.gateway.store;
        let now = self.gateway.clock.now();
        let to = &row.delivery.to;
        match error {
            DeliverError::Retry { reason, after_ms } => {
                tracing::warn!(delivery = %row.delivery.id, reason, "not delivered yet");
                store
                    .end_delivery(&row.delivery.id, DeliveryEnd::Again)
                    .await?;
                self.outbox.pause(to, after_ms, now);
                Ok(())
            }
            DeliverError::Moved(there) => {
                store
                    .end_delivery(&row.delivery.id, DeliveryEnd::Again)
                    .await?;
                store.move_conversation(to, &there).await?;
                Ok(())
            }
            DeliverError::Gone(reason) => self.fail(row, &reason).await,
            DeliverError::Dead(reason) => {
                tracing::warn!(
                    conversation = to.conversation,
                    reason,
                    "a conversation is dead"
                );
                store.kill_conversation(to, &reason, now).await?;
                self.fail(row, &reason).await
            }
        }
    }

    /// Takes a delivery in hand: one that nobody has begun, or that a dead process had.
    async fn take_delivery(&self, row: &OutboxRow) -> Result<bool, GatewayError> {
        let store = &self.gateway.store;
        let id = &row.delivery.id;
        Ok(match (&row.state, &row.owner) {
            (DeliveryState::Sending, Some(owner)) if owner == store.owner() => {
                self.outbox.lock().unended.remove(id)
            }
            (DeliveryState::Sending, Some(owner)) => {
                !store.is_alive(owner) && store.take_delivery(id, owner).await?
            }
            _ => store.begin_delivery(id).await?,
        })
    }

    /// Whether another process is sending it.
    fn is_elsewhere(&self, row: &OutboxRow) -> bool {
        let me = self.gateway.store.owner();
        row.state == DeliveryState::Sending && row.owner.as_ref().is_some_and(|owner| owner != me)
    }

    /// Gives a delivery up for good.
    async fn fail(&self, row: &OutboxRow, reason: &str) -> Result<(), GatewayError> {
        let id = row.delivery.id.clone();
        match &row.session {
            Some(session) => self.gateway.give_up(session, id, reason).await?,
            None => self.gateway.store.fail_notice(&id, reason).await?,
        }
        self.discard_copy(&row.delivery.content).await;
        Ok(())
    }

    /// Removes the copy of a file that was sent or given up.
    async fn discard_copy(&self, content: &Content) {
        if let Content::File { path, .. } = content
            && let Err(error) = tokio::fs::remove_file(path).await
        {
            tracing::debug!(%error, "a file's copy stays");
        }
    }
}
