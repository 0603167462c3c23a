//! Clocks whose time a test decides: one for unit tests, one that real processes share over a socket.
//! Invariant: time moves only when it is told to, and never backwards.
//! It must not know what anybody waits for.

mod served;
mod server;

use std::collections::BTreeMap;

use async_trait::async_trait;
use corvid_core::Clock;
use corvid_core::wire::Millis;
use tokio::sync::watch;

pub use served::ServedClock;
pub use server::ClockServer;

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    now: Millis,
    waits: BTreeMap<u64, Millis>,
    next_wait: u64,
}

impl ManualClock {
    /// A clock that stands at `now`, in milliseconds since the Unix epoch.
    pub fn new(now: Millis) -> Self {
        let state = State {
            now,
            ..State::default()
        };
        Self {
            state: watch::Sender::new(state),
        }
    }

    /// Moves the clock on by `by_ms` milliseconds and returns the new time.
    pub fn advance(&self, by_ms: u64) -> Millis {
        let by = Millis::try_from(by_ms).unwrap_or(Millis::MAX);
        self.set(self.now().saturating_add(by))
    }

    /// Moves the clock to `time`, unless that lies in the past, and returns the time it now shows.
    pub fn set(&self, time: Millis) -> Millis {
        self.state
            .send_modify(|state| state.now = state.now.max(time));
        self.now()
    }

    /// The times that are waited for, the earliest first.
    pub fn waits(&self) -> Vec<Millis> {
        self.state.borrow().sorted_waits()
    }

    /// Resolves once somebody waits for a time that has not come, with the earliest such time.
    pub async fn next_wait(&self) -> Millis {
        self.next_wait_before(Millis::MAX).await
    }

    /// As [`ManualClock::next_wait`], for a time before `limit`: a wait for a retry, say, and not the time-out
    /// of the request before it.
    pub async fn next_wait_before(&self, limit: Millis) -> Millis {
        let mut seen = self.state.subscribe();
        loop {
            let earliest = seen.borrow_and_update().earliest();
            if let Some(time) = earliest.filter(|time| *time < limit) {
                return time;
            }
            if seen.changed().await.is_err() {
                // The sender lives in `self`, so that this cannot be.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Resolves once exactly these times are waited for, the earliest first.
    pub async fn waits_are(&self, times: &[Millis]) {
        let mut seen = self.state.subscribe();
        let alike = seen.wait_for(|state| state.sorted_waits() == times);
        if alike.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn begin_wait(&self, time: Millis) -> Wait<'_> {
        let mut id = 0;
        self.state.send_modify(|state| {
            id = state.next_wait;
            state.next_wait += 1;
            state.waits.insert(id, time);
        });
        Wait { clock: self, id }
    }
}

impl State {
    fn sorted_waits(&self) -> Vec<Millis> {
        let mut waits: Vec<_> = self.waits.values().copied().collect();
        waits.sort_unstable();
        waits
    }

    fn earliest(&self) -> Option<Millis> {
        let pending = self.waits.values().filter(|time| **time > self.now);
        pending.min().copied()
    }
}

/// A wait that is under way; ends with whoever waits.
struct Wait<'a> {
    clock: &'a ManualClock,
    id: u64,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.clock.state.send_modify(|state| {
            state.waits.remove(&self.id);
        });
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Millis {
        self.state.borrow().now
    }

    async fn sleep_until(&self, time: Millis) {
        if self.now() >= time {
            return;
        }
        let wait = self.begin_wait(time);
        let mut seen = self.state.subscribe();
        if seen.wait_for(|state| state.now >= time).await.is_err() {
            std::future::pending::<()>().await;
        }
        drop(wait);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come() {
        let clock = Arc::new(ManualClock::new(1_000));
        let mut sleepers = JoinSet::new();
        let asleep = Arc::clone(&clock);
        sleepers.spawn(async move {
            asleep.sleep_until(1_500).await;
            asleep.now()
        });
        assert_eq!(clock.next_wait().await, 1_500);
        assert_eq!(clock.advance(499), 1_499);
        assert_eq!(clock.waits(), [1_500]);
        clock.advance(1);
        assert_eq!(
            sleepers.join_next().await.map(Result::ok),
            Some(Some(1_500))
        );
        assert_eq!(clock.waits(), [] as [Millis; 0]);
    }

    #[tokio::test]
    async fn a_dropped_sleeper_waits_no_more() {
        let clock = ManualClock::new(0);
        tokio::select! {
            () = clock.sleep_until(9) => {}
            time = clock.next_wait() => assert_eq!(time, 9),
        }
        assert_eq!(clock.waits(), [] as [Millis; 0]);
    }

    #[test]
    fn time_never_runs_backwards() {
        let clock = ManualClock::new(10);
        assert_eq!(clock.set(5), 10);
    }
}
