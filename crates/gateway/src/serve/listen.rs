//! Listening to messengers, and what becomes of one that cannot.
//! Invariant: a messenger that fails is told once for each reason and tried again; the others never notice.
//! It must not know what a messenger hears.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::wire::{ChannelStatus, Millis};
use corvid_core::{Condition, ListenError, Messenger, TaskKind};
use tokio::sync::Notify;

use super::Host;
use super::reception::Reception;

/// How long to wait before a messenger is listened to again, in milliseconds: at first, and after having doubled often.
const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;
/// How long to wait where only a person can help, in milliseconds: they may have, without a changed config.
const FINAL_PAUSE_MS: Millis = 600_000;

/// How the messengers are.
#[derive(Default)]
pub(super) struct Listening {
    conditions: Mutex<BTreeMap<(String, String), Condition>>,
    /// Whoever waits to try again does it at once.
    pub(super) retry: Notify,
}

impl Listening {
    /// Notes how a channel is, and tells it if that is news.
    pub(super) fn report(&self, channel: &str, account: &str, condition: Condition) {
        let key = (channel.to_owned(), account.to_owned());
        let before = self.lock().insert(key, condition.clone());
        if before.as_ref() == Some(&condition) {
            return;
        }
        match condition {
            Condition::Up(name) => tracing::info!(channel, name, "listening"),
            Condition::Failing(reason) => tracing::error!(channel, reason, "not listening"),
        }
    }

    fn is_up(&self, messenger: &dyn Messenger) -> bool {
        let key = (messenger.name().to_owned(), messenger.account().to_owned());
        matches!(self.lock().get(&key), Some(Condition::Up(_)))
    }

    /// How the channels are, those that have not said anything yet included.
    pub(super) fn all(&self, messengers: &[Arc<dyn Messenger>]) -> Vec<ChannelStatus> {
        let conditions = self.lock();
        let status = |messenger: &Arc<dyn Messenger>| {
            let (channel, account) = (messenger.name().to_owned(), messenger.account().to_owned());
            let (up, detail) = match conditions.get(&(channel.clone(), account.clone())) {
                Some(Condition::Up(name)) => (true, name.clone()),
                Some(Condition::Failing(reason)) => (false, reason.clone()),
                None => (false, "connecting".to_owned()),
            };
            ChannelStatus {
                channel,
                account,
                up,
                detail,
            }
        };
        messengers.iter().map(status).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Condition>> {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Listens to a messenger for as long as the daemon takes anything new.
    pub(super) fn listen_to(self: &Arc<Self>, messenger: &Arc<dyn Messenger>) {
        let (host, messenger) = (Arc::clone(self), Arc::clone(messenger));
        let tasks = &self.gateway.tasks;
        tasks.spawn(TaskKind::Service, "messenger", async move {
            let (closing, stopping) = (host.closing.clone(), host.gateway.tasks.stopping());
            tokio::select! {
                () = host.keep_listening(&messenger) => {}
                () = closing.cancelled() => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    async fn keep_listening(self: &Arc<Self>, messenger: &Arc<dyn Messenger>) {
        let clock = &self.gateway.clock;
        let mut pause = FIRST_PAUSE_MS;
        loop {
            let error = messenger
                .listen(Arc::new(Reception(Arc::clone(self))))
                .await;
            if self.listening.is_up(messenger.as_ref()) {
                // It did listen meanwhile, so this is another failure than the last one.
                pause = FIRST_PAUSE_MS;
            }
            let failing = Condition::Failing(error.to_string());
            self.listening
                .report(messenger.name(), messenger.account(), failing);
            let wait = match error {
                ListenError::Retry(_) => pause,
                ListenError::Final(_) => FINAL_PAUSE_MS,
            };
            tokio::select! {
                () = clock.sleep_until(clock.now().saturating_add(wait)) => {}
                () = self.listening.retry.notified() => pause = FIRST_PAUSE_MS,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE_MS);
        }
    }
}
