//! The fold: `apply` takes an event into the state, `due` says everything that is open.
//! Invariant: pure and total. No I/O, no clock, no messenger; the same events give the same state and the
//! same actions, in every process and at any time.
//! It must not know who executes an action, or whether somebody already is.

mod action;
mod apply;
mod call;
mod due;
mod history;
mod turn;

use std::collections::{BTreeMap, VecDeque};

use corvid_core::Grant;
use corvid_core::wire::{Admission, Answerer, Event};

pub use action::Action;
pub use call::{Call, CallState};
pub use due::due;
pub use history::History;
pub use turn::{Asking, Closing, Turn};

/// A session as far as its events tell.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The position of the newest event, 0 before the first.
    pub head: u64,
    /// The lane's epoch, 0 before the first claim.
    pub epoch: u64,
    /// Admitted inputs that no turn has taken up, in order of admission.
    pub waiting: VecDeque<Admission>,
    /// The running turn.
    pub turn: Option<Turn>,
    /// The number of the newest turn, 0 before the first.
    pub last_turn: u32,
    /// What was allowed for the session: who allowed it, by the approval's binding.
    pub grants: BTreeMap<String, Answerer>,
    /// The transcript of the turns that have ended, within its byte budget.
    pub history: History,
}

impl State {
    /// An empty session whose ended turns may keep `history_bytes` of transcript.
    pub fn new(history_bytes: usize) -> Self {
        Self {
            head: 0,
            epoch: 0,
            waiting: VecDeque::new(),
            turn: None,
            last_turn: 0,
            grants: BTreeMap::new(),
            history: History::new(history_bytes),
        }
    }

    /// Takes in what was allowed for the session before the events that are folded.
    pub fn allow(&mut self, grants: impl IntoIterator<Item = Grant>) {
        for grant in grants {
            self.grants.entry(grant.binding).or_insert(grant.by);
        }
    }

    /// The state after these events.
    pub fn replay<'a>(history_bytes: usize, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::new(history_bytes);
        for event in events {
            apply(&mut state, event);
        }
        state
    }

    /// Whether nothing is open: no turn runs and no input waits.
    pub fn at_rest(&self) -> bool {
        self.turn.is_none() && self.waiting.is_empty()
    }
}

pub use apply::apply;
