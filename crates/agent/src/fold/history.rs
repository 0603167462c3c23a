//! The transcript of ended turns under a byte budget.
//! Invariant: only whole turns leave, the oldest first, so a call is never parted from its result; the
//! newest turn always stays. What leaves, leaves in a lump and leaves a quarter of the budget to the running
//! turn, so that the prompt's beginning (and with it the provider's cache) stays the same for many turns.
//! It must not know what a turn was about.

use std::collections::VecDeque;
use std::sync::Arc;

use corvid_core::Message;

/// Ended turns, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    budget: usize,
    bytes: usize,
    turns: VecDeque<EndedTurn>,
}

#[derive(Clone, Debug, PartialEq)]
struct EndedTurn {
    messages: Vec<Arc<Message>>,
    bytes: usize,
}

impl History {
    /// No turns yet, and room for `budget` bytes of text.
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            bytes: 0,
            turns: VecDeque::new(),
        }
    }

    /// Adds a turn, and lets the oldest leave down to half of the budget once three quarters are exceeded.
    pub fn push(&mut self, messages: Vec<Arc<Message>>) {
        let bytes = messages.iter().map(|message| message.bytes()).sum();
        self.bytes += bytes;
        self.turns.push_back(EndedTurn { messages, bytes });
        if self.bytes <= self.budget / 4 * 3 {
            return;
        }
        let keep = self.budget / 2;
        while self.bytes > keep && self.turns.len() > 1 {
            if let Some(left) = self.turns.pop_front() {
                self.bytes -= left.bytes;
            }
        }
    }

    /// The newest turns that fit into `room` bytes, oldest first.
    pub fn within(&self, room: usize) -> impl Iterator<Item = &Arc<Message>> {
        let mut left = room;
        let fitting = self
            .turns
            .iter()
            .rev()
            .take_while(|turn| {
                let fits = turn.bytes <= left;
                left = left.saturating_sub(turn.bytes);
                fits
            })
            .count();
        self.turns
            .iter()
            .skip(self.turns.len() - fitting)
            .flat_map(|turn| &turn.messages)
    }

    /// Bytes of text kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(length: usize) -> Vec<Arc<Message>> {
        vec![Arc::new(Message::User {
            text: "x".repeat(length),
            images: Vec::new(),
        })]
    }

    #[test]
    fn the_oldest_leave_in_a_lump() {
        let mut history = History::new(100);
        for _ in 0..7 {
            history.push(turn(10));
        }
        assert_eq!(history.bytes(), 70);
        history.push(turn(10));
        assert_eq!(history.bytes(), 50);
    }

    #[test]
    fn the_newest_turn_stays_however_long() {
        let mut history = History::new(10);
        history.push(turn(5));
        history.push(turn(500));
        assert_eq!(history.bytes(), 500);
    }

    #[test]
    fn only_whole_turns_fit() {
        let mut history = History::new(100);
        history.push(turn(30));
        history.push(turn(20));
        assert_eq!(history.within(49).count(), 1);
        assert_eq!(history.within(50).count(), 2);
        assert_eq!(history.within(0).count(), 0);
    }
}
