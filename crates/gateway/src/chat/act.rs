//! What a command or a button leads to beside its answer.
//! Invariant: whatever is to happen is here or was done before.
//! It must not know who sees to it.

use corvid_core::wire::{Mode, SessionId};

/// What is left to do for a command or a press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing.
    Done,
    /// Something was written into this session: its lane is to look.
    Wake(SessionId),
    /// This is to be admitted, in the conversation's session and under the id of the message or press.
    Admit {
        /// In place of the line.
        text: String,
        /// What it does while a turn runs.
        mode: Mode,
    },
}

/// What a press came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pressed {
    /// For the one who pressed, shown briefly: plain text.
    pub(crate) toast: String,
    /// What is left to do.
    pub(crate) act: Act,
}

impl Pressed {
    /// A press that changes nothing.
    pub(super) fn told(toast: impl Into<String>) -> Self {
        Self {
            toast: toast.into(),
            act: Act::Done,
        }
    }

    /// A press after which a session's lane is to look.
    pub(super) fn wakes(toast: impl Into<String>, session: SessionId) -> Self {
        Self {
            toast: toast.into(),
            act: Act::Wake(session),
        }
    }
}
