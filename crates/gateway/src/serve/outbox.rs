//! The outbox of a daemon: everything that is composed for a conversation, in its order, until it has arrived.
//! Invariant: one delivery at a time in a conversation, and none while its turn is still being shown; what fails is
//! tried again under a growing pause, until it is too old.
//! It must not know how a messenger sends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::faults::crash_point;
use corvid_core::wire::{Address, DeliveryId, Millis, SessionId};
use corvid_core::{Content, DeliverError, Messenger, TaskKind};
use corvid_store::{DeliveryEnd, DeliveryState, OutboxRow};
use tokio::sync::{Notify, watch};

use super::Host;
use crate::error::GatewayError;

/// How long to wait after a failure, in milliseconds: at first, and after having doubled often.
const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;
/// From which age on a delivery says that it is late, in milliseconds.
const LATE_MS: Millis = 300_000;

/// What of the outbox is in this process alone.
pub(super) struct Outbox {
    state: Mutex<State>,
    nudged: Notify,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    /// Conversations in which something is being delivered.
    busy: HashSet<Address>,
    /// Conversations that wait after a failure.
    pauses: HashMap<Address, Pause>,
    /// Turns that are still being shown.
    shown: HashSet<(SessionId, u32)>,
    /// Deliveries that this process has begun and whose end the store did not take. Whatever else it reads as begun by
    /// this process is at work, or was read before it ended.
    unended: HashSet<DeliveryId>,
}

#[derive(Clone, Copy)]
struct Pause {
    until: Millis,
    /// The pause after the next failure.
    next: Millis,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            nudged: Notify::new(),
            open: watch::channel(0).0,
        }
    }
}

impl Outbox {
    /// Something may be there to be delivered.
    pub(super) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Keeps a turn's reply back as long as the turn is shown.
    pub(super) fn hold(&self, session: &SessionId, turn: u32) {
        self.lock().shown.insert((session.clone(), turn));
    }

    /// Lets a turn's reply go.
    pub(super) fn release(&self, session: &SessionId, turn: u32) {
        self.lock().shown.remove(&(session.clone(), turn));
        self.nudge();
    }

    /// Returns once nothing that could be delivered now waits.
    pub(super) async fn until_quiet(&self) {
        self.nudge();
        let mut open = self.open.subscribe();
        open.mark_unchanged();
        // The sender is ours: it cannot be gone.
        drop(open.changed().await);
        drop(open.wait_for(|open| *open == 0).await);
    }

    /// Takes a conversation for one delivery; false if it is not its turn.
    fn take(&self, row: &OutboxRow, now: Millis) -> bool {
        let mut state = self.lock();
        let paused = state
            .pauses
            .get(&row.delivery.to)
            .is_some_and(|pause| now < pause.until);
        let is_shown = row
            .delivery
            .reply()
            .is_some_and(|reply| state.shown.contains(&(reply.session.clone(), reply.turn)));
        !paused && !is_shown && state.busy.insert(row.delivery.to.clone())
    }

    fn free(&self, to: &Address) {
        self.lock().busy.remove(to);
        self.nudge();
    }

    /// Lets a conversation wait: as long as its messenger asked for, else longer every time.
    fn pause(&self, to: &Address, asked_ms: Option<u64>, now: Millis) {
        let mut state = self.lock();
        let next = state
            .pauses
            .get(to)
            .map_or(FIRST_PAUSE_MS, |pause| pause.next);
        let asked = asked_ms.map(|asked| Millis::try_from(asked).unwrap_or(LONGEST_PAUSE_MS));
        let pause = Pause {
            until: now.saturating_add(asked.unwrap_or(next)),
            next: next.saturating_mul(2).min(LONGEST_PAUSE_MS),
        };
        state.pauses.insert(to.clone(), pause);
    }

    fn resume(&self, to: &Address) {
        self.lock().pauses.remove(to);
    }

    /// When the next pause ends; forgets those that nothing waits for.
    fn next_due(&self, waiting: &HashSet<Address>) -> Option<Millis> {
        let mut state = self.lock();
        state.pauses.retain(|to, _| waiting.contains(to));
        state.pauses.values().map(|pause| pause.until).min()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
                open += 1;
                let is_first = waiting.insert(row.delivery.to.clone());
                if is_first && self.outbox.take(&row, now) {
                    self.begin_delivery(messenger, row);
                }
            }
        }
        let due = self.outbox.next_due(&waiting);
        // What waits for a pause is not waited for at the end.
        let paused = self.outbox.lock().pauses.len();
        self.outbox.open.send_replace(open.saturating_sub(paused));
        Ok(due)
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
