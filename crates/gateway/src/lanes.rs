//! The lanes that run in this process, for whoever wants to wake or watch one.
//! Invariant: a lane is listed exactly as long as it runs.
//! It must not know what a lane does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::wire::SessionId;
use tokio::sync::{Notify, watch};

/// The running lanes of this process.
#[derive(Clone, Default)]
pub(crate) struct Lanes {
    running: Arc<Mutex<HashMap<SessionId, LaneTies>>>,
    listening: Arc<AtomicBool>,
}

/// How to reach a running lane.
#[derive(Clone)]
pub(crate) struct LaneTies {
    /// Makes it read the journal.
    pub(crate) wake: Arc<Notify>,
    /// Its head after each commit.
    pub(crate) heads: watch::Receiver<u64>,
}

impl Lanes {
    /// Lists a lane until the guard is dropped.
    pub(crate) fn enter(&self, session: &SessionId, ties: LaneTies) -> Listed {
        self.lock().insert(session.clone(), ties);
        Listed {
            lanes: self.clone(),
            session: session.clone(),
        }
    }

    /// Whether the process listens for others already; says yes from the second call on.
    pub(crate) fn listening(&self) -> bool {
        self.listening.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn get(&self, session: &SessionId) -> Option<LaneTies> {
        self.lock().get(session).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, LaneTies>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane's place in the list.
pub(crate) struct Listed {
    lanes: Lanes,
    session: SessionId,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.lanes.lock().remove(&self.session);
    }
}
