//! Whose turn it is in the outbox: what is being delivered, pauses after a failure, is held back while its turn is shown.
//! Invariant: one delivery at a time in a conversation, and none before its pause is over.
//! It must not know what is delivered, nor the store.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corvid_core::wire::{Address, DeliveryId, Millis, SessionId};
use corvid_store::OutboxRow;
use tokio::sync::{Notify, watch};

/// How long to wait after a failure, in milliseconds: at first, and after having doubled often.
pub(super) const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;

/// What of the outbox is in this process alone.
pub(in crate::serve) struct Outbox {
    state: Mutex<State>,
    pub(super) nudged: Notify,
    pub(super) open: watch::Sender<usize>,
}

#[derive(Default)]
pub(super) struct State {
    /// Conversations in which something is being delivered.
    busy: HashSet<Address>,
    /// Conversations that wait after a failure.
    pub(super) pauses: HashMap<Address, Pause>,
    /// Turns that are still being shown.
    shown: HashSet<(SessionId, u32)>,
    /// Deliveries that this process has begun and whose end the store did not take. Whatever else it reads as begun by
    /// this process is at work, or was read before it ended.
    pub(super) unended: HashSet<DeliveryId>,
}

#[derive(Clone, Copy)]
pub(super) struct Pause {
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
    pub(in crate::serve) fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Keeps a turn's reply back as long as the turn is shown.
    pub(in crate::serve) fn hold(&self, session: &SessionId, turn: u32) {
        self.lock().shown.insert((session.clone(), turn));
    }

    /// Lets a turn's reply go.
    pub(in crate::serve) fn release(&self, session: &SessionId, turn: u32) {
        self.lock().shown.remove(&(session.clone(), turn));
        self.nudge();
    }

    /// Returns once nothing that could be delivered now waits.
    pub(in crate::serve) async fn until_quiet(&self) {
        self.nudge();
        let mut open = self.open.subscribe();
        open.mark_unchanged();
        // The sender is ours: it cannot be gone.
        drop(open.changed().await);
        drop(open.wait_for(|open| *open == 0).await);
    }

    /// Takes a conversation for one delivery; false if it is not its turn.
    pub(super) fn take(&self, row: &OutboxRow, now: Millis) -> bool {
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

    pub(super) fn free(&self, to: &Address) {
        self.lock().busy.remove(to);
        self.nudge();
    }

    /// Lets a conversation wait: as long as its messenger asked for, else longer every time.
    pub(super) fn pause(&self, to: &Address, asked_ms: Option<u64>, now: Millis) {
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

    pub(super) fn resume(&self, to: &Address) {
        self.lock().pauses.remove(to);
    }

    /// When the next pause ends; forgets those that nothing waits for. What is over is being tried at this moment, and
    /// its end is told by a nudge.
    pub(super) fn next_due(&self, waiting: &HashSet<Address>, now: Millis) -> Option<Millis> {
        let mut state = self.lock();
        state.pauses.retain(|to, _| waiting.contains(to));
        let ends = state.pauses.values().map(|pause| pause.until);
        ends.filter(|until| now < *until).min()
    }

    /// Whether nothing of a conversation can go out before its pause is over.
    pub(super) fn is_paused(&self, to: &Address, now: Millis) -> bool {
        let state = self.lock();
        state.pauses.get(to).is_some_and(|pause| now < pause.until)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(conversation: &str) -> Address {
        Address {
            channel: "messenger".to_owned(),
            account: "77".to_owned(),
            conversation: conversation.to_owned(),
        }
    }

    #[test]
    fn a_pause_that_is_over_lets_nobody_look_again_at_once() {
        let outbox = Outbox::default();
        let waiting = HashSet::from([at("a"), at("b")]);
        outbox.pause(&at("a"), None, 0);
        outbox.pause(&at("b"), Some(5_000), 0);
        outbox.pause(&at("gone"), Some(1), 0);
        assert_eq!(outbox.next_due(&waiting, 999), Some(1_000));
        assert_eq!(outbox.next_due(&waiting, 1_000), Some(5_000));
        assert!(!outbox.is_paused(&at("a"), 1_000) && outbox.is_paused(&at("b"), 1_000));
        assert_eq!(outbox.next_due(&waiting, 5_000), None);
        // It fails again, and waits twice as long.
        outbox.pause(&at("a"), None, 5_000);
        assert_eq!(outbox.next_due(&waiting, 5_000), Some(7_000));
    }
}
