//! How the daemon is, for `agent status`.
//! Invariant: reads alone; what cannot be read counts as none.
//! It must not know how it is shown.

use corvid_core::wire::DaemonStatus;

use super::Host;

impl Host {
    /// How the daemon is.
    pub(crate) async fn status(&self) -> DaemonStatus {
        let store = &self.gateway.store;
        let now = self.gateway.clock.now();
        let mut deliveries = 0;
        for messenger in &self.serving.messengers {
            let open = store.open_outbox(messenger.name(), messenger.account());
            deliveries += open.await.map_or(0, |rows| rows.len());
        }
        let jobs = store.open_jobs(None).await.map_or(0, |jobs| jobs.len());
        let pairings = store.pairings(now).await.map_or(0, |rows| rows.len());
        let settings = &self.gateway.ports.settings;
        let model = Some(settings.default_model.clone()).filter(|model| !model.is_empty());
        DaemonStatus {
            version: self.serving.version.clone(),
            pid: std::process::id(),
            since: self.since,
            model,
            channels: self.listening.all(&self.serving.messengers),
            turns: count(self.attending.count()),
            jobs: count(jobs),
            deliveries: count(deliveries),
            pairings: count(pairings),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
