//! The gateway of a daemon: it listens to messengers, keeps a worker for every session with something to do, and
//! delivers what is composed.
//! Invariant: all it knows that matters is in the store; started again it goes on from there, without a recovery path.
//! It must not know a messenger.

mod attend;
mod listen;
mod luggage;
mod outbox;
mod reception;
mod show;
mod status;

use std::collections::BTreeSet;
use std::sync::Arc;

use corvid_core::wire::{DaemonStatus, Millis, SessionId};
use corvid_core::{Messenger, TaskKind};
use tokio_util::sync::CancellationToken;

use crate::Gateway;
use crate::error::GatewayError;
use crate::surroundings::Surroundings;
use attend::Attending;
use listen::Listening;
use outbox::Outbox;

/// What a daemon serves.
pub struct Serving {
    /// Its messengers; the same as the gateway's channels.
    pub messengers: Vec<Arc<dyn Messenger>>,
    /// The machine around it.
    pub surroundings: Arc<dyn Surroundings>,
    /// How old a delivery may become before it is given up, in milliseconds.
    pub max_age_ms: u64,
    /// The time zone of people who have named none, an IANA name.
    pub zone: Option<String>,
    /// The version that `agent status` tells.
    pub version: String,
}

/// A daemon's gateway at work.
#[derive(Clone)]
pub struct Served(Arc<Host>);

/// What the parts of a serving gateway share.
pub(crate) struct Host {
    gateway: Arc<Gateway>,
    serving: Serving,
    attending: Attending,
    outbox: Outbox,
    listening: Listening,
    /// Nothing new is begun any more.
    closing: CancellationToken,
    since: Millis,
}

impl Gateway {
    /// Takes up what an earlier process left, listens, and delivers, until it is drained. Returns once it does.
    ///
    /// # Errors
    /// The store's.
    pub async fn serve(self: &Arc<Self>, serving: Serving) -> Result<Served, GatewayError> {
        self.listen()?;
        let host = Arc::new(Host {
            gateway: Arc::clone(self),
            serving,
            attending: Attending::default(),
            outbox: Outbox::default(),
            listening: Listening::default(),
            closing: CancellationToken::new(),
            since: self.clock.now(),
        });
        self.lanes.serve(&host);
        for session in host.left_open().await? {
            host.attend(&session);
        }
        host.tidy_copies();
        host.deliver_on();
        host.hear_of_jobs();
        for messenger in &host.serving.messengers {
            host.listen_to(messenger);
        }
        Ok(Served(host))
    }
}

impl Served {
    /// Ends gracefully: nothing new is taken, and what runs has that long to end, in milliseconds. What has not ended
    /// by then, or only waits for a person or a time, goes on with the next start.
    pub async fn drain(&self, grace_ms: u64) {
        let host = &self.0;
        host.closing.cancel();
        let clock = &host.gateway.clock;
        let grace = Millis::try_from(grace_ms).unwrap_or(Millis::MAX);
        let until = clock.now().saturating_add(grace);
        tokio::select! {
            () = host.at_rest() => {}
            () = clock.sleep_until(until) => {
                let sessions = host.attending.sessions();
                tracing::warn!(?sessions, "turns that go on with the next start");
            }
        }
    }

    /// Tries the channels again that have given up until the config is changed.
    pub fn reload(&self) {
        self.0.listening.retry.notify_waiters();
    }

    /// Looks at the outbox: another process may have put something there (a greeting, a reply to be delivered here).
    pub fn look(&self) {
        self.0.outbox.nudge();
    }

    /// How the daemon is.
    pub async fn status(&self) -> DaemonStatus {
        self.0.status().await
    }
}

impl Host {
    /// The sessions in which something waits that came through these messengers.
    async fn left_open(&self) -> Result<BTreeSet<SessionId>, GatewayError> {
        let store = &self.gateway.store;
        let mut sessions = BTreeSet::new();
        for messenger in &self.serving.messengers {
            let open = store.open_inputs(messenger.name(), messenger.account());
            sessions.extend(open.await?.into_iter().map(|input| input.session));
        }
        for job in store.open_jobs(None).await? {
            if self.messenger(&job.start.origin).is_some() {
                sessions.insert(job.session);
            }
        }
        Ok(sessions)
    }

    /// Sees to the sessions that jobs of this process have told their end.
    fn hear_of_jobs(self: &Arc<Self>) {
        let host = Arc::clone(self);
        let stopping = self.gateway.tasks.stopping();
        let task = async move {
            loop {
                let ended = tokio::select! {
                    ended = host.gateway.jobs.some_ended() => ended,
                    () = stopping.cancelled() => return,
                };
                // Its input is open in the journal, where the worker finds it.
                host.attend(&ended.session);
            }
        };
        self.gateway.tasks.spawn(TaskKind::Vital, "job ends", task);
    }

    /// Removes copies of files that nothing sends any more.
    fn tidy_copies(self: &Arc<Self>) {
        let host = Arc::clone(self);
        let task = async move {
            let messengers = &host.serving.messengers;
            if let Err(error) = host.gateway.posts.tidy(messengers).await {
                tracing::debug!(%error, "copies of files stay");
            }
        };
        self.gateway.tasks.spawn(TaskKind::Service, "copies", task);
    }

    /// Cancelled once nothing new is begun any more.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Looks for what another process has left to be delivered.
    pub(crate) fn look_around(&self) {
        self.outbox.nudge();
    }

    /// Returns once no session is attended to and nothing that could be delivered waits.
    async fn at_rest(&self) {
        self.attending.until_empty().await;
        self.outbox.until_quiet().await;
    }

    fn messenger(&self, to: &corvid_core::wire::Address) -> Option<&Arc<dyn Messenger>> {
        let messengers = &self.serving.messengers;
        messengers.iter().find(|messenger| messenger.hosts(to))
    }
}
