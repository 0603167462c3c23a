//! How fast the bot writes: about once a second in a private chat, 20 times a minute in a group, 25 times a second in
//! all, and not at all where Telegram has asked to wait.
//! Invariant: whatever has to arrive goes before what is only a preview, and idle chats take no memory.
//! It must not know what is written.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_core::Clock;
use corvid_core::wire::Millis;

/// What a private chat takes.
const PRIVATE: Limit = Limit {
    calls: 5,
    span_ms: 5_000,
    spacing_ms: 0,
    previews: 4,
    apart_ms: 1_000,
};

/// What a group takes.
const GROUP: Limit = Limit {
    calls: 20,
    // A second more than Telegram's minute, since the first of them may arrive later than the last.
    span_ms: 61_000,
    spacing_ms: 0,
    previews: 15,
    apart_ms: 3_000,
};

/// What all chats take together: Telegram takes 30 a second. Calls arrive as the network lets them, so that bursts of 30
/// a second apart would now and then be 31 in a second over there; single ones with room left are not.
const ALL: Limit = Limit {
    calls: 25,
    span_ms: 1_000,
    spacing_ms: 40,
    previews: 20,
    apart_ms: 0,
};

/// Chats that were asked to wait at the same time, from which on the whole bot was.
const HELD_CHATS: usize = 3;

/// From this number of chats on the idle ones are looked for.
const CROWD: usize = 64;

/// Gives out the moments at which the bot may write.
pub(super) struct Pacer {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// How much may be written within a span of time.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Messages and edits within the span.
    calls: usize,
    /// The span, in milliseconds.
    span_ms: Millis,
    /// Between any two calls, in milliseconds.
    spacing_ms: Millis,
    /// How many calls there may be within the span after a preview, so that room is left for what must arrive.
    previews: usize,
    /// Between a call and a preview after it, in milliseconds.
    apart_ms: Millis,
}

#[derive(Debug, Default)]
struct State {
    all: Flow,
    chats: HashMap<i64, Chat>,
    /// Until when any chat is held.
    last_hold: Millis,
    /// How many chats there may be before the idle ones are dropped.
    crowd: usize,
}

#[derive(Clone, Debug, Default)]
struct Chat {
    flow: Flow,
    /// Until when Telegram wants to hear nothing for it.
    held_until: Millis,
}

/// The moments given out within the last span, the newest last; some may be still to come.
#[derive(Clone, Debug, Default)]
struct Flow(VecDeque<Millis>);

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
        let reserved = self.state().reserve(chat, self.clock.now());
        self.clock.sleep_until(reserved).await;
        // Telegram may have asked to wait meanwhile.
        loop {
            let held_until = self.state().held_until(chat, self.clock.now());
            if held_until <= self.clock.now() {
                break;
            }
            self.clock.sleep_until(held_until).await;
        }
        // Last, so that a chat that waits for itself keeps no other one waiting.
        let now = self.clock.now();
        let at = {
            let mut state = self.state();
            let at = state.all.take(ALL, now);
            // The chat's next call counts from when this one is really written.
            if let Some(chat) = state.chats.get_mut(&chat) {
                chat.flow.put_off(reserved, at);
            }
            at
        };
        self.clock.sleep_until(at).await;
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
            state.all.take(ALL, now);
        }
        is_due
    }

    /// Telegram asked to wait so long before the next message to a chat, in milliseconds.
    pub(super) fn hold(&self, chat: i64, for_ms: u64) {
        let now = self.clock.now();
        let until = now.saturating_add(Millis::try_from(for_ms).unwrap_or(Millis::MAX));
        let mut state = self.state();
        state.last_hold = state.last_hold.max(until);
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
        let from = self.held_until(chat, now).max(now);
        let flow = &mut self.chats.entry(chat).or_default().flow;
        flow.take(limit(chat), from)
    }

    fn preview_at(&self, chat: i64, now: Millis) -> Millis {
        let own = self
            .chats
            .get(&chat)
            .map_or(now, |seen| seen.flow.preview_at(limit(chat), now));
        let all = self.all.preview_at(ALL, now);
        own.max(all).max(self.held_until(chat, now))
    }

    /// Until when nothing may be written to a chat, because it was told so, or several others were.
    fn held_until(&self, chat: i64, now: Millis) -> Millis {
        if self.last_hold <= now {
            return 0;
        }
        let own = self.chats.get(&chat).map_or(0, |chat| chat.held_until);
        let held = self.chats.values().map(|chat| chat.held_until);
        let mut held: Vec<Millis> = held.filter(|until| *until > now).collect();
        held.sort_unstable();
        // Until fewer than those are held.
        let all = held.len().checked_sub(HELD_CHATS).map(|at| held[at]);
        own.max(all.unwrap_or(0))
    }

    /// A chat whose span has passed is as good as one that was never written to.
    fn forget_idle(&mut self, now: Millis) {
        if self.chats.len() < self.crowd.max(CROWD) {
            return;
        }
        self.chats
            .retain(|id, chat| chat.held_until > now || chat.flow.is_busy(limit(*id), now));
        self.crowd = self.chats.len() * 2;
    }
}

impl Flow {
    /// Takes the next moment from a time on.
    fn take(&mut self, limit: Limit, from: Millis) -> Millis {
        let at = self.free_at(limit.calls, limit, from);
        self.0.push_back(at);
        while self.0.len() > limit.calls {
            self.0.pop_front();
        }
        at
    }

    fn preview_at(&self, limit: Limit, now: Millis) -> Millis {
        let last = self.0.back().copied().unwrap_or(Millis::MIN);
        self.free_at(limit.previews, limit, now)
            .max(last.saturating_add(limit.apart_ms))
    }

    /// The first moment, apart from the last one, at which fewer than so many calls lie within the span before it.
    fn free_at(&self, calls: usize, limit: Limit, from: Millis) -> Millis {
        let last = self.0.back().copied().unwrap_or(Millis::MIN);
        let oldest = self.0.len().checked_sub(calls).map(|at| self.0[at]);
        let free_at = oldest.map_or(from, |oldest| oldest.saturating_add(limit.span_ms));
        free_at.max(last.saturating_add(limit.spacing_ms)).max(from)
    }

    /// What was taken for one moment happens at a later one.
    fn put_off(&mut self, from: Millis, to: Millis) {
        if let Some(place) = self.0.iter().position(|at| *at == from) {
            self.0.remove(place);
            let place = self.0.partition_point(|at| *at <= to);
            self.0.insert(place, to);
        }
    }

    fn is_busy(&self, limit: Limit, now: Millis) -> bool {
        let last = self.0.back();
        last.is_some_and(|last| last.saturating_add(limit.span_ms) > now)
    }
}

/// Private chats have positive ids, all others negative ones.
fn limit(chat: i64) -> Limit {
    if chat > 0 { PRIVATE } else { GROUP }
}

#[cfg(test)]
mod tests;
