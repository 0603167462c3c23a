//! What the server's connections share: the world, its clock, and how often it has changed.
//! Invariant: a call is in the ledger before it is acted on, and its end, once known, never changes.
//! It must not know sockets.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use corvid_core::Clock;
use corvid_core::wire::Millis;
use serde_json::Value;
use tokio::sync::watch;

use super::ledger::{Call, CallEnd};
use super::refusal::Refusal;
use super::setup::Setup;
use super::world::{Poller, World};

/// The server's state.
pub(super) struct State {
    clock: Arc<dyn Clock>,
    started: Instant,
    world: Mutex<World>,
    changes: watch::Sender<u64>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// A server that nobody has called yet.
    pub(super) fn new(setup: Setup, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            started: Instant::now(),
            world: Mutex::new(World::new(setup)),
            changes: watch::Sender::new(0),
        }
    }

    /// Changes the world, and tells whoever waits for a change.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut World, Millis) -> T) -> T {
        let now = self.clock.now();
        let outcome = act(&mut self.lock(), now);
        self.changes.send_modify(|count| *count += 1);
        outcome
    }

    /// Looks at the world.
    pub(super) fn look<T>(&self, at: impl FnOnce(&World) -> T) -> T {
        at(&self.lock())
    }

    /// What a poller is told next.
    ///
    /// # Errors
    /// If another poll has begun, or the token is valid no more.
    pub(super) fn tell(&self, poller: Poller, limit: usize) -> Result<Vec<Value>, Refusal> {
        let mut world = self.lock();
        if world.revoked {
            return Err(Refusal::new(401, "Unauthorized"));
        }
        if !world.updates.is_newest(poller) {
            return Err(Refusal::conflict());
        }
        Ok(world.updates.tell(limit))
    }

    /// Tells of changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Microseconds of real time since the start.
    pub(super) fn uptime_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Enters a call.
    pub(super) fn enter(
        self: &Arc<Self>,
        method: &str,
        chat: Option<i64>,
        parameters: Value,
        faults: Vec<String>,
    ) -> Exchange {
        let at_us = self.uptime_us();
        let index = self.change(|world, at| {
            let index = world.calls.len();
            world.calls.push(Call {
                index,
                at,
                at_us,
                method: method.to_owned(),
                chat,
                parameters,
                acted: false,
                answer: Value::Null,
                faults,
                hurried: false,
                end: CallEnd::Open,
            });
            index
        });
        Exchange {
            state: Arc::clone(self),
            index,
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call that is under way; if nothing else is said, its end is that the bot went away.
#[derive(Debug)]
pub(super) struct Exchange {
    state: Arc<State>,
    index: usize,
}

impl Exchange {
    /// Changes the call's entry.
    pub(super) fn note(&self, change: impl FnOnce(&mut Call)) {
        self.state.change(|world, _| {
            if let Some(call) = world.calls.get_mut(self.index) {
                change(call);
            }
        });
    }

    /// Records the end; the first one stands.
    pub(super) fn end(&self, end: CallEnd) {
        self.note(|call| {
            if call.end == CallEnd::Open {
                call.end = end;
            }
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(CallEnd::ClientLeft);
    }
}
