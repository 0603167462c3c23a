//! How fast the bot writes: about once a second in a private chat, 20 times a minute in a group, 30 times a second in
//! all, and not at all where Telegram has asked to wait.
//! Invariant: whatever has to arrive goes before what is only a preview, and idle chats take no memory.
//! It must not know what is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::Clock;
use corvid_core::wire::Millis;

/// Between two messages or edits in a private chat, in the long run.
const PRIVATE_MS: Millis = 1_000;
/// The same in a group.
const GROUP_MS: Millis = 3_000;
/// The same over all chats.
const ALL_MS: Millis = 34;

/// How many may follow each other at once in a chat; and in all.
const BURST: Millis = 4;
const ALL_BURST: Millis = 20;

/// Chats that were asked to wait at the same time, from which on the whole bot was.
const HELD_CHATS: usize = 3;

/// From this number of chats on the idle ones are looked for.
const CROWD: usize = 64;

/// Gives out the moments at which the bot may write.
pub(super) struct Pacer {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: Flow,
    chats: HashMap<i64, Chat>,
    /// How many chats there may be before the idle ones are dropped.
    crowd: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Chat {
    flow: Flow,
    /// Until when Telegram wants to hear nothing for it.
    held_until: Millis,
}

/// A stream that is evened out: the moment at which its burst is whole again.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    whole_at: Millis,
}

impl Pacer {
    /// A pacer for one bot.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// Waits until something that has to arrive may be written to a chat.
    pub(super) async fn turn(&self, chat: i64) {
        let at = self.state().reserve(chat, self.clock.now());
        self.clock.sleep_until(at).await;
        // Telegram may have asked to wait meanwhile.
        loop {
            let held_until = self.state().held_until(chat, self.clock.now());
            if held_until <= self.clock.now() {
                return;
            }
            self.clock.sleep_until(held_until).await;
        }
    }

    /// When a preview may be written to a chat, as it looks now.
    pub(super) fn preview_at(&self, chat: i64) -> Millis {
        self.state().preview_at(chat, self.clock.now())
    }

    /// Takes the moment for a preview, if that is now.
    pub(super) fn take_preview(&self, chat: i64) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        let is_due = state.preview_at(chat, now) <= now;
        if is_due {
            state.reserve(chat, now);
        }
        is_due
    }

    /// Telegram asked to wait so long before the next message to a chat, in milliseconds.
    pub(super) fn hold(&self, chat: i64, for_ms: u64) {
        let now = self.clock.now();
        let until = now.saturating_add(Millis::try_from(for_ms).unwrap_or(Millis::MAX));
        let mut state = self.state();
        let chat = state.chats.entry(chat).or_default();
        chat.held_until = chat.held_until.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reserves the next moment in a chat and returns it.
    fn reserve(&mut self, chat: i64, now: Millis) -> Millis {
        self.forget_idle(now);
        let held_until = self.held_until(chat, now);
        let pace = pace(chat);
        let flow = &mut self.chats.entry(chat).or_default().flow;
        let at = flow.at(pace, BURST, now).max(held_until);
        flow.take(pace, at);
        // Over all it counts as of now: one chat that must wait is not to keep the others waiting.
        let all_at = self.all.at(ALL_MS, ALL_BURST, now);
        self.all.take(ALL_MS, all_at);
        at.max(all_at)
    }

    /// A preview takes from no burst in its chat, and at most half of the one over all.
    fn preview_at(&self, chat: i64, now: Millis) -> Millis {
        let flow = self
            .chats
            .get(&chat)
            .map_or(Flow::default(), |chat| chat.flow);
        let all = self.all.at(ALL_MS, ALL_BURST / 2, now);
        flow.whole_at.max(all).max(self.held_until(chat, now))
    }

    /// Until when nothing may be written to a chat, because it was told so, or several others were.
    fn held_until(&self, chat: i64, now: Millis) -> Millis {
        let own = self.chats.get(&chat).map_or(0, |chat| chat.held_until);
        let held = self.chats.values().map(|chat| chat.held_until);
        let mut held: Vec<Millis> = held.filter(|until| *until > now).collect();
        held.sort_unstable();
        let all = match held.len() {
            HELD_CHATS.. => held[held.len() - HELD_CHATS],
            _ => 0,
        };
        own.max(all)
    }

    /// A chat whose burst is whole again is as good as one that was never written to.
    fn forget_idle(&mut self, now: Millis) {
        if self.chats.len() < self.crowd.max(CROWD) {
            return;
        }
        self.chats
            .retain(|_, chat| chat.flow.whole_at.max(chat.held_until) > now);
        self.crowd = self.chats.len() * 2;
    }
}

impl Flow {
    fn at(self, pace: Millis, burst: Millis, now: Millis) -> Millis {
        (self.whole_at - pace * (burst - 1)).max(now)
    }

    fn take(&mut self, pace: Millis, at: Millis) {
        self.whole_at = self.whole_at.max(at) + pace;
    }
}

/// Private chats have positive ids, all others negative ones.
fn pace(chat: i64) -> Millis {
    if chat > 0 { PRIVATE_MS } else { GROUP_MS }
}

#[cfg(test)]
mod tests {
    use corvid_testkit::ManualClock;

    use super::*;

    const PERSON: i64 = 4711;
    const GROUP: i64 = -1_000_001;

    fn pacer() -> (Arc<ManualClock>, Pacer) {
        let clock = Arc::new(ManualClock::new(1_000_000));
        let pacer = Pacer::new(Arc::clone(&clock) as Arc<dyn Clock>);
        (clock, pacer)
    }

    /// When so many messages to a chat may be written, as milliseconds from now.
    fn moments(pacer: &Pacer, chat: i64, count: usize) -> Vec<Millis> {
        let now = pacer.clock.now();
        let moment = |_| pacer.state().reserve(chat, now) - now;
        (0..count).map(moment).collect()
    }

    #[test]
    fn a_chat_has_a_burst_and_then_its_pace() {
        let (clock, pacer) = pacer();
        assert_eq!(moments(&pacer, PERSON, 6), [0, 0, 0, 0, 1_000, 2_000]);
        assert_eq!(moments(&pacer, GROUP, 6), [0, 0, 0, 0, 3_000, 6_000]);
        clock.advance(60_000);
        assert_eq!(moments(&pacer, PERSON, 5), [0, 0, 0, 0, 1_000]);
    }

    #[test]
    fn no_more_than_thirty_a_second_in_all() {
        let (_, pacer) = pacer();
        let moments: Vec<Millis> = (1..=200)
            .flat_map(|chat| moments(&pacer, chat, 1))
            .collect();
        for second in 0..6 {
            let within = |at: &&Millis| (second * 1_000..(second + 1) * 1_000).contains(*at);
            // The first second has the burst on top.
            assert!(moments.iter().filter(within).count() <= 30 + 20, "{second}");
        }
        assert!(moments[199] >= 6_000);
    }

    #[test]
    fn a_preview_leaves_the_burst_to_what_must_arrive() {
        let (clock, pacer) = pacer();
        assert!(pacer.take_preview(PERSON));
        assert!(!pacer.take_preview(PERSON));
        assert_eq!(moments(&pacer, PERSON, 2), [0, 0]);
        // Every message puts the next preview off.
        assert_eq!(pacer.preview_at(PERSON) - clock.now(), 3_000);
        clock.advance(3_000);
        assert!(pacer.take_preview(PERSON));
    }

    #[tokio::test]
    async fn a_chat_that_was_told_to_wait_waits_and_others_do_not() {
        let (clock, pacer) = pacer();
        pacer.hold(PERSON, 7_000);
        assert!(!pacer.take_preview(PERSON));
        pacer.turn(GROUP).await;
        let waits = async {
            assert_eq!(clock.next_wait().await, 1_007_000);
            // It is told again while it waits.
            pacer.hold(PERSON, 9_000);
            clock.advance(7_000);
            assert_eq!(clock.next_wait().await, 1_009_000);
            clock.advance(2_000);
        };
        tokio::join!(pacer.turn(PERSON), waits);
    }

    #[test]
    fn three_chats_that_must_wait_hold_all() {
        let (clock, pacer) = pacer();
        for (chat, for_ms) in [(1, 5_000), (2, 6_000), (3, 9_000)] {
            assert_eq!(pacer.preview_at(PERSON), clock.now());
            pacer.hold(chat, for_ms);
        }
        assert_eq!(pacer.preview_at(PERSON) - clock.now(), 5_000);
        clock.advance(5_000);
        assert!(pacer.take_preview(PERSON));
    }

    #[test]
    fn ten_thousand_idle_chats_take_no_room() {
        let (clock, pacer) = pacer();
        for chat in 1..=10_000 {
            pacer.state().reserve(chat, clock.now());
            clock.advance(100);
        }
        assert!(pacer.state().chats.len() <= CROWD * 2);
    }
}
