//! A worker for every session in which something waits.
//! Invariant: a session has one worker at most, and none is left without one while an input of these messengers is open.
//! It must not know what an input says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_agent::LaneError;
use corvid_core::TaskKind;
use corvid_core::wire::{Millis, Role, SessionId};
use corvid_store::OpenInput;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Host;
use super::show::Show;
use crate::errand::Errand;
use crate::error::GatewayError;
use crate::inbound::Target;

/// How long to wait after a failure before a session is tried again, in milliseconds: at first, and at most.
const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;
/// How long to wait for more of what belongs together, after each part and in all, in milliseconds. Messengers send
/// the parts of an album within some hundred milliseconds.
const GATHER_MS: Millis = 700;
const GATHER_AT_MOST_MS: Millis = 5_000;

/// The sessions that are attended to.
pub(super) struct Attending {
    sessions: Mutex<HashMap<SessionId, Attended>>,
    count: watch::Sender<usize>,
}

/// A session that is attended to.
#[derive(Default)]
struct Attended {
    /// Something came since its worker last looked.
    again: bool,
    /// More may come until then, and at the latest until the second time.
    gathers: Option<(Millis, Millis)>,
}

impl Default for Attending {
    fn default() -> Self {
        Self {
            sessions: Mutex::default(),
            count: watch::channel(0).0,
        }
    }
}

impl Attending {
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) async fn until_empty(&self) {
        let mut count = self.count.subscribe();
        // The sender is ours: it cannot be gone.
        drop(count.wait_for(|count| *count == 0).await);
    }

    /// Notes that there is something to do, and from when on more may come that belongs to it; says whether the
    /// session needs a worker.
    fn enter(&self, session: &SessionId, gathers: Option<Millis>) -> bool {
        let mut sessions = self.lock();
        let is_new = !sessions.contains_key(session);
        let attended = sessions.entry(session.clone()).or_default();
        attended.again = !is_new;
        if let Some(now) = gathers {
            let last = attended
                .gathers
                .filter(|(_, last)| now < *last)
                .map_or(now.saturating_add(GATHER_AT_MOST_MS), |(_, last)| last);
            attended.gathers = Some((now.saturating_add(GATHER_MS).min(last), last));
        }
        self.count.send_replace(sessions.len());
        is_new
    }

    /// Ends a session's worker, unless something has come; says whether it ends.
    fn leave(&self, session: &SessionId) -> bool {
        let mut sessions = self.lock();
        if let Some(attended) = sessions.get_mut(session)
            && std::mem::take(&mut attended.again)
        {
            return false;
        }
        sessions.remove(session);
        self.count.send_replace(sessions.len());
        true
    }

    fn gathers_until(&self, session: &SessionId) -> Millis {
        let sessions = self.lock();
        let gathers = sessions.get(session).and_then(|attended| attended.gathers);
        gathers.map_or(0, |(until, _)| until)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Attended>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Sees to it that what waits in a session is worked on.
    pub(crate) fn attend(self: &Arc<Self>, session: &SessionId) {
        self.enter(session, None);
    }

    /// As [`Host::attend`], for an input to which more may belong.
    pub(super) fn attend_gathering(self: &Arc<Self>, session: &SessionId) {
        self.enter(session, Some(self.gateway.clock.now()));
    }

    fn enter(self: &Arc<Self>, session: &SessionId, gathers: Option<Millis>) {
        let is_new = self.attending.enter(session, gathers);
        if let Some(lane) = self.gateway.lanes.get(session) {
            lane.wake.notify_one();
        }
        if is_new {
            let (host, session) = (Arc::clone(self), session.clone());
            let tasks = &self.gateway.tasks;
            tasks.spawn(TaskKind::Service, "session", async move {
                host.work_in(&session).await;
            });
        }
    }

    /// Works in a session until nothing waits there.
    async fn work_in(self: &Arc<Self>, session: &SessionId) {
        let stopping = self.gateway.tasks.stopping();
        let clock = &self.gateway.clock;
        let mut pause = FIRST_PAUSE_MS;
        loop {
            let worked = tokio::select! {
                worked = self.answer_all(session) => worked,
                () = stopping.cancelled() => return,
            };
            let Err(error) = worked else {
                if self.attending.leave(session) {
                    return;
                }
                pause = FIRST_PAUSE_MS;
                continue;
            };
            tracing::error!(%session, %error, "a session cannot be worked in; it is tried again");
            tokio::select! {
                () = clock.sleep_until(clock.now().saturating_add(pause)) => {}
                () = stopping.cancelled() => return,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE_MS);
        }
    }

    /// Answers one input after the other; a turn may answer several.
    async fn answer_all(self: &Arc<Self>, session: &SessionId) -> Result<(), GatewayError> {
        let gateway = &self.gateway;
        gateway.jobs.recover(session).await?;
        loop {
            self.gather(session).await;
            let open = gateway.store.session_open_inputs(session).await?;
            let ours = |input: &OpenInput| self.messenger(&input.origin).is_some();
            let Some(next) = open.into_iter().find(ours) else {
                return Ok(());
            };
            if self.closing.is_cancelled() {
                return Ok(());
            }
            self.answer(next).await?;
        }
    }

    async fn answer(self: &Arc<Self>, input: OpenInput) -> Result<(), GatewayError> {
        let stop = CancellationToken::new();
        if !self.still_may(&input).await? {
            tracing::info!(session = %input.session, "who asked may no longer speak; it is stopped");
            stop.cancel();
        }
        let (show, live) = Show::begin(self, &input.session);
        let mut errand = Errand {
            target: Target::Existing(input.session.clone()),
            origin: input.origin,
            external_id: input.external_id,
            requester: input.requester,
            session: input.session,
            input: input.input,
            admission: None,
            given_up: None,
            told: None,
            live,
            stop,
        };
        let answered = self.gateway.until_answered(&mut errand).await;
        // With its last sender the show ends, and only then may the reply take its place.
        drop(errand);
        if let Err(GatewayError::Lane(LaneError::Left)) = answered {
            // What it shows stays: its questions are as open as before.
            show.leave();
            return Ok(());
        }
        show.end().await;
        self.outbox.nudge();
        answered.map(drop)
    }

    /// Whether who asked may still speak, and as much as when they did: what was revoked holds for what waits, too.
    async fn still_may(&self, input: &OpenInput) -> Result<bool, GatewayError> {
        let asked = &input.requester;
        let known = self.gateway.known(&input.origin, &asked.id).await?;
        Ok(known.is_some_and(|now| now.role == Role::Owner || now.role == asked.role))
    }

    /// Waits as long as more may come of what belongs together.
    async fn gather(&self, session: &SessionId) {
        let clock = &self.gateway.clock;
        loop {
            let until = self.attending.gathers_until(session);
            if until <= clock.now() {
                return;
            }
            clock.sleep_until(until).await;
        }
    }
}
