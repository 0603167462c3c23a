//! How fast a bot writes: about one message a second in a chat, twenty a minute in a group, thirty a second in all.
//! Invariant: a call is counted whether or not it is refused for it.
//! It must not know what is written.

use std::collections::{BTreeMap, VecDeque};

use corvid_core::wire::Millis;

/// Messages that a chat takes at once, beyond one a second.
const BURST: usize = 5;

/// Times of late calls, by chat and in all.
#[derive(Debug, Default)]
pub(super) struct Pace {
    chats: BTreeMap<i64, VecDeque<Millis>>,
    all: VecDeque<Millis>,
    /// Until when a chat is to be left alone, since the bot was told so.
    waits: BTreeMap<i64, Millis>,
}

impl Pace {
    /// Counts a call that writes. The seconds to wait if it was one too many.
    pub(super) fn count(&mut self, chat: i64, now: Millis) -> Option<u32> {
        let calls = self.chats.entry(chat).or_default();
        let in_chat = if chat < 0 {
            over(calls, now, 60_000, 20)
        } else {
            let span = 1_000 * i64::try_from(BURST).unwrap_or(1);
            over(calls, now, span, BURST)
        };
        let in_all = over(&mut self.all, now, 1_000, 30);
        let wait = in_chat.max(in_all)?;
        Some(u32::try_from((wait + 999) / 1_000).unwrap_or(1).max(1))
    }

    /// The bot was told to leave a chat alone for so many seconds.
    pub(super) fn told_to_wait(&mut self, chat: i64, secs: u32, now: Millis) {
        self.waits.insert(chat, now + i64::from(secs) * 1_000);
    }

    /// How many milliseconds too early a call is, after the bot was told to wait.
    pub(super) fn too_early(&self, chat: i64, now: Millis) -> Option<Millis> {
        let until = self.waits.get(&chat)?;
        Some(until - now).filter(|early| *early > 0)
    }
}

/// Counts a call among those of the last `span` milliseconds; how long it should have waited if there are more
/// than `limit`. A tenth of the span is forgiven, since calls that left in time may arrive closer together.
fn over(calls: &mut VecDeque<Millis>, now: Millis, span: Millis, limit: usize) -> Option<Millis> {
    let counted = span - span / 10;
    while calls.front().is_some_and(|first| now - first >= counted) {
        calls.pop_front();
    }
    calls.push_back(now);
    let surplus = calls.len().checked_sub(limit + 1)?;
    calls.get(surplus).map(|first| first + span - now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_takes_a_burst_and_then_one_a_second() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            assert_eq!(pace.count(1, 0), None);
        }
        assert_eq!(pace.count(1, 0), Some(5));
        assert_eq!(pace.count(2, 0), None);
        let mut steady = Pace::default();
        assert!((0..100).all(|second| steady.count(1, second * 1_000).is_none()));
    }

    #[test]
    fn a_group_takes_twenty_a_minute() {
        let mut pace = Pace::default();
        assert!((0..20).all(|second| pace.count(-1, second * 1_000).is_none()));
        assert_eq!(pace.count(-1, 20_000), Some(40));
    }

    #[test]
    fn thirty_a_second_is_enough_for_all() {
        let mut pace = Pace::default();
        assert!((0..30).all(|chat| pace.count(chat, 0).is_none()));
        assert_eq!(pace.count(31, 0), Some(1));
        let mut jittery = Pace::default();
        let arrivals = (0..30)
            .map(|chat| (chat, chat))
            .chain((30..60).map(|chat| (chat, 970)));
        assert!(
            arrivals
                .into_iter()
                .all(|(chat, at)| jittery.count(chat, at).is_none())
        );
    }
}
