//! Time as a value that is handed over, so that tests decide what time it is.
//! Invariant: the only place in the workspace that reads the system's clock.
//! It must not know what anybody waits for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::wire::Millis;

/// A source of time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the Unix epoch.
    fn now(&self) -> Millis;

    /// Returns once `now()` is at least `time`; at once if it already is.
    async fn sleep_until(&self, time: Millis);
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the system's clock"
    )]
    fn now(&self) -> Millis {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| {
                Millis::try_from(passed.as_millis()).unwrap_or(Millis::MAX)
            })
    }

    async fn sleep_until(&self, time: Millis) {
        loop {
            let left = time.saturating_sub(self.now());
            let Ok(left @ 1..) = u64::try_from(left) else {
                return;
            };
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }
}
