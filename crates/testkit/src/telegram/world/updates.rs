//! What the bot has yet to be told, and what of it was confirmed.
//! Invariant: an update is told again and again, under the same id, until a higher offset is asked for.
//! It must not know what is in an update.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

/// The first id; ids begin anywhere.
const FIRST: i64 = 700_100_001;

/// By how much ids are lower when they have begun anew.
const RESTART: i64 = 100_000;

/// How far an offset may lie ahead of the ids before it counts as one of other times.
const FAR: i64 = 10;

/// Kinds that are told only to those who ask for them by name.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// A poller, told from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Poller(u64);

/// The queue of updates.
#[derive(Debug)]
pub(in super::super) struct Updates {
    queue: VecDeque<Update>,
    next: i64,
    allowed: Option<BTreeSet<String>>,
    poller: u64,
    /// Nothing new is told meanwhile.
    pub(in super::super) held: bool,
    /// Every update comes twice, the second time under an id of its own.
    pub(in super::super) twice: bool,
    /// New updates come in another order; the state of the draw.
    pub(in super::super) shuffle: Option<u64>,
}

#[derive(Debug)]
struct Update {
    id: i64,
    kind: &'static str,
    body: Value,
    told: bool,
}

impl Updates {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            next: FIRST,
            allowed: None,
            poller: 0,
            held: false,
            twice: false,
            shuffle: None,
        }
    }

    /// Adds an update, unless nobody asked for its kind.
    pub(in super::super) fn push(&mut self, kind: &'static str, body: Value) {
        let wanted = match &self.allowed {
            Some(allowed) => allowed.contains(kind),
            None => !ON_REQUEST.contains(&kind),
        };
        if !wanted {
            return;
        }
        if self.twice {
            self.add(kind, body.clone());
        }
        self.add(kind, body);
    }

    /// Sets the kinds that are wanted from now on; an empty list stands for the usual ones.
    pub(in super::super) fn allow(&mut self, kinds: BTreeSet<String>) {
        self.allowed = (!kinds.is_empty()).then_some(kinds);
    }

    /// Begins a poll, which ends the one before it.
    pub(in super::super) fn begin_poll(&mut self) -> Poller {
        self.poller += 1;
        Poller(self.poller)
    }

    /// Whether no later poll has begun.
    pub(in super::super) fn is_newest(&self, poller: Poller) -> bool {
        self.poller == poller.0
    }

    /// Forgets what an offset confirms. One below zero leaves that many of the last; one from before the ids began
    /// anew confirms nothing.
    pub(in super::super) fn confirm(&mut self, offset: i64) {
        if offset > self.next + FAR {
            return;
        }
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            let surplus = self.queue.len().saturating_sub(keep);
            self.queue.drain(..surplus);
        } else {
            let confirmed = self.queue.partition_point(|update| update.id < offset);
            self.queue.drain(..confirmed);
        }
    }

    /// What is told next, at most `limit` of it.
    pub(in super::super) fn tell(&mut self, limit: usize) -> Vec<Value> {
        let held = self.held;
        let due = self
            .queue
            .iter_mut()
            .filter(|update| update.told || !held)
            .take(limit);
        due.map(|update| {
            update.told = true;
            json!({ "update_id": update.id, update.kind: update.body })
        })
        .collect()
    }

    /// Goes on under lower ids, as after a week without an update. What is left of the old ones is forgotten.
    pub(in super::super) fn restart_ids(&mut self) {
        self.queue.clear();
        self.next -= RESTART;
    }

    /// How many have not been confirmed.
    pub(in super::super) fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Forgets everything.
    pub(in super::super) fn clear(&mut self) {
        self.queue.clear();
    }

    fn add(&mut self, kind: &'static str, body: Value) {
        self.queue.push_back(Update {
            id: self.next,
            kind,
            body,
            told: false,
        });
        self.next += 1;
        let Some(state) = &mut self.shuffle else {
            return;
        };
        // Fisher and Yates, from the inside: what was told keeps its place.
        let last = self.queue.len() - 1;
        let first = self.queue.partition_point(|update| update.told);
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = usize::try_from(*state >> 33).unwrap_or(0);
        let other = first + draw % (last - first + 1);
        if other != last {
            self.queue.swap(other, last);
            let (low, high) = (self.queue[other].id, self.queue[last].id);
            (self.queue[other].id, self.queue[last].id) = (high, low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(told: &[Value]) -> Vec<i64> {
        let body = |update: &Value| update["message"].as_i64();
        told.iter().filter_map(body).collect()
    }

    #[test]
    fn an_update_comes_again_until_a_higher_offset_is_asked_for() {
        let mut updates = Updates::new();
        for number in 0..3 {
            updates.push("message", json!(number));
        }
        let first = updates.tell(2);
        assert_eq!(bodies(&first), [0, 1]);
        updates.confirm(0);
        assert_eq!(updates.tell(2), first);
        updates.confirm(first[0]["update_id"].as_i64().map_or(0, |id| id + 1));
        assert_eq!(bodies(&updates.tell(100)), [1, 2]);
        updates.confirm(-1);
        assert_eq!(bodies(&updates.tell(100)), [2]);
    }

    #[test]
    fn twice_and_shuffled_loses_nothing() {
        let mut updates = Updates::new();
        (updates.twice, updates.shuffle) = (true, Some(7));
        for number in 0..50 {
            updates.push("message", json!(number));
        }
        let told = updates.tell(100);
        let ids: Vec<_> = told
            .iter()
            .map(|update| update["update_id"].as_i64())
            .collect();
        assert!(ids.is_sorted());
        let mut seen = bodies(&told);
        assert!(!seen.is_sorted());
        seen.sort_unstable();
        let expect: Vec<i64> = (0..50).flat_map(|number| [number, number]).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn an_old_offset_confirms_none_of_the_ids_that_began_anew() {
        let mut updates = Updates::new();
        updates.push("message", json!(1));
        let next = |told: &[Value]| told[0]["update_id"].as_i64().map_or(0, |id| id + 1);
        let old = next(&updates.tell(1));
        updates.confirm(old);
        updates.restart_ids();
        updates.push("message", json!(2));
        updates.confirm(old);
        let told = updates.tell(1);
        assert_eq!(bodies(&told), [2]);
        assert!(next(&told) < old);
        updates.confirm(next(&told));
        assert_eq!(updates.pending(), 0);
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let mut updates = Updates::new();
        updates.push("message_reaction", json!(0));
        updates.allow(BTreeSet::from(["message".to_owned()]));
        updates.push("callback_query", json!(1));
        updates.push("message", json!(2));
        assert_eq!(bodies(&updates.tell(100)), [2]);
    }
}
