//! What chance decides in a generated journal, as plain data that shrinks towards the harmless.
//! Invariant: a die of zero rolls the first and most harmless outcome everywhere.
//! It must not know what an outcome leads to.

use corvid_core::wire::{Limits, Patience};
use proptest::prelude::*;

/// One thing that happens next.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// Something that is due is done.
    Do { which: usize, dice: Dice },
    /// All that is due is decided, as one commit of a driver does; where there are several decisions it
    /// begins with the `first` of them.
    Decide { first: usize },
    /// Somebody says something.
    Admit { dice: Dice },
    /// Somebody asks the turn to stop.
    Stop,
    /// The process dies and another takes the lane over.
    Crash,
}

/// The rules under which a world is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The limits of each turn.
    pub(super) limits: Limits,
    /// Bytes of transcript that ended turns may keep.
    pub(super) history_bytes: usize,
}

/// A number that is spent on one decision after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        let rolled = self.0 % sides;
        self.0 /= sides;
        rolled
    }

    /// One of these, in proportion to its weight.
    pub(super) fn pick<T: Copy>(&mut self, weighted: &[(u64, T)]) -> T {
        let total = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left = self.roll(total);
        for (weight, outcome) in weighted {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *outcome,
            }
        }
        weighted[0].1
    }
}

fn dice() -> impl Strategy<Value = Dice> {
    any::<u64>().prop_map(Dice)
}

fn next_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        60 => (0_usize..8, dice()).prop_map(|(which, dice)| Move::Do { which, dice }),
        30 => (0_usize..4).prop_map(|first| Move::Decide { first }),
        6 => dice().prop_map(|dice| Move::Admit { dice }),
        1 => Just(Move::Stop),
        8 => Just(Move::Crash),
    ]
}

/// Up to 120 moves.
pub(super) fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(next_move(), 0..120)
}

/// Dice for a world in which everything that is due is done.
pub(super) fn many_dice() -> impl Strategy<Value = Vec<Dice>> {
    prop::collection::vec(dice(), 1..60)
}

/// Rules of every size that matters.
pub(super) fn rules(history: impl Strategy<Value = usize>) -> impl Strategy<Value = Rules> {
    let patience = prop_oneof![Just(Patience::GiveUp), Just(Patience::Park)];
    (1_u32..8, 1_u32..5, 1_u32..4, patience, history).prop_map(
        |(max_steps, parallel_calls, attempts, patience, history_bytes)| Rules {
            limits: Limits {
                max_steps,
                parallel_calls,
                attempts,
                patience,
                question_ms: 5,
            },
            history_bytes,
        },
    )
}
