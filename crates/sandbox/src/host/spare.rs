//! A supervisor that is ready before its command is known, so that the command does not wait for two programs to start.
//! Invariant: there is one at most, it serves one command at most, and it is gone after its time whatever happens; one
//! that is of no use is a matter of time, never an error.
//! It must not know what a command is.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::config::Isolation;
use super::helper::Helper;

/// Keeps a spare when told that a command is to be expected.
pub(super) struct Spares {
    shelf: Arc<Shelf>,
}

struct Shelf {
    helper: PathBuf,
    /// How long a spare waits; zero for none at all.
    patience: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The kind of the one that is being started.
    awaited: Option<Isolation>,
    ready: Option<Spare>,
    /// When the keeper gives up; `None` without a keeper.
    until: Option<Instant>,
    /// When the newest command ended.
    ended: Option<Instant>,
}

struct Spare {
    isolation: Isolation,
    helper: Helper,
}

impl Spares {
    pub(super) fn new(helper: PathBuf, patience: Duration) -> Self {
        let shelf = Shelf {
            helper,
            patience,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Self {
            shelf: Arc::new(shelf),
        }
    }

    /// Has one got ready for a command of that kind, beside the caller, unless there is one.
    pub(super) fn expect(&self, isolation: Isolation) {
        let own = &self.shelf;
        if own.patience.is_zero() {
            return;
        }
        let mut state = own.lock();
        let has_keeper = state.until.is_some();
        state.until = Instant::now().checked_add(own.patience);
        if state.awaited.is_some() || state.ready.is_some() {
            return;
        }
        state.awaited = Some(isolation);
        if has_keeper {
            own.changed.notify_all();
            return;
        }
        let kept = Arc::clone(own);
        let keeper = thread::Builder::new().name("spare".to_owned());
        if let Err(error) = keeper.spawn(move || kept.keep()) {
            tracing::debug!(%error, "no supervisor is got ready");
            (state.awaited, state.until) = (None, None);
        }
    }

    /// A command ended. Commands come alone or in rows, so the second in a while has one got ready for a third,
    /// which costs a turn of one command nothing. Sooner, it would be in the way of the command that runs.
    pub(super) fn follow(&self, isolation: Isolation) {
        let now = Instant::now();
        let before = self.shelf.lock().ended.replace(now);
        let soon = |before: Instant| now.duration_since(before) < self.shelf.patience;
        if before.is_some_and(soon) {
            self.expect(isolation);
        }
    }

    /// Takes the one for a command of that kind, if there is one. Blocks while it is being started, which is sooner
    /// over than another one's start.
    pub(super) fn take(&self, isolation: Isolation) -> Option<Helper> {
        let own = &self.shelf;
        let mut state = own.lock();
        while state.awaited == Some(isolation) {
            let changed = own.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
        }
        let mut spare = state.ready.take()?;
        drop(state);
        let fits = spare.isolation == isolation && !spare.helper.process.has_ended();
        fits.then_some(spare.helper)
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        let mut state = self.shelf.lock();
        if state.until.is_some() {
            state.until = Some(Instant::now());
        }
        self.shelf.changed.notify_all();
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts what is asked for until nothing was for a while; then ends what is left.
    fn keep(&self) {
        let mut state = self.lock();
        loop {
            if let Some(isolation) = state.awaited {
                drop(state);
                let started = Helper::start(&self.helper, isolation);
                if let Err(error) = &started {
                    tracing::debug!(%error, "no supervisor is got ready");
                }
                state = self.lock();
                state.awaited = None;
                state.ready = started.ok().map(|helper| Spare { isolation, helper });
                self.changed.notify_all();
            }
            let left = state.until.map(|until| until - Instant::now());
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                state.until = None;
                let idle = state.ready.take();
                drop(state);
                if let Some(spare) = idle {
                    spare.helper.end();
                }
                return;
            };
            let changed = self.changed.wait_timeout(state, left);
            state = changed.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
