//! The lanes that run in this process, for whoever wants to wake or watch one.
//! Invariant: a session has one lane at most, listed exactly as long as it runs.
//! It must not know what a lane does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use corvid_core::wire::SessionId;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::serve::Host;

/// The running lanes of this process.
#[derive(Clone, Default)]
pub(crate) struct Lanes {
    running: Arc<Mutex<HashMap<SessionId, LaneTies>>>,
    listening: Arc<AtomicBool>,
    host: Arc<OnceLock<Weak<Host>>>,
}

/// How to reach a running lane.
#[derive(Clone)]
pub(crate) struct LaneTies {
    /// Makes it read the journal.
    pub(crate) wake: Arc<Notify>,
    /// Lets its running calls go on as jobs.
    pub(crate) background: Arc<Notify>,
    /// Its head after each commit.
    pub(crate) heads: watch::Receiver<u64>,
}

/// The lane's own ends of its ties, and its place in the list, which it has until this is dropped.
pub(crate) struct Entered {
    /// Tells it to read the journal.
    pub(crate) wake: Arc<Notify>,
    /// Tells it to let running calls go on as jobs.
    pub(crate) background: Arc<Notify>,
    /// Takes its head after each commit.
    pub(crate) heads: watch::Sender<u64>,
    /// Its place.
    pub(crate) listed: Listed,
}

impl Lanes {
    /// Lists a lane that begins at `head`; if the session has one, how to reach that.
    pub(crate) fn enter(&self, session: &SessionId, head: u64) -> Result<Entered, LaneTies> {
        match self.lock().entry(session.clone()) {
            Entry::Occupied(running) => Err(running.get().clone()),
            Entry::Vacant(vacant) => {
                let (heads, watched) = watch::channel(head);
                let wake = Arc::new(Notify::new());
                let background = Arc::new(Notify::new());
                vacant.insert(LaneTies {
                    wake: Arc::clone(&wake),
                    background: Arc::clone(&background),
                    heads: watched,
                });
                Ok(Entered {
                    wake,
                    background,
                    heads,
                    listed: Listed {
                        lanes: self.clone(),
                        session: session.clone(),
                    },
                })
            }
        }
    }

    /// Whether the process listens for others already; says yes from the second call on.
    pub(crate) fn listening(&self) -> bool {
        self.listening.swap(true, Ordering::Relaxed)
    }

    /// Notes who serves in this process.
    pub(crate) fn serve(&self, host: &Arc<Host>) {
        // A second one would be a second daemon in one process.
        drop(self.host.set(Arc::downgrade(host)));
    }

    /// Who serves in this process, if somebody does.
    pub(crate) fn host(&self) -> Option<Arc<Host>> {
        self.host.get().and_then(Weak::upgrade)
    }

    /// Cancelled once what only waits is left to the next start.
    pub(crate) fn leave(&self) -> CancellationToken {
        let host = self.host();
        host.map_or_else(CancellationToken::new, |host| host.closing().clone())
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
