//! The port through which a turn asks a person.
//! Invariant: an answer names who gave it; nobody there is an answer too.
//! It must not know how a question is shown.

use async_trait::async_trait;

use crate::wire::{CallId, OutcomeAnswer};

/// Asks people.
#[async_trait]
pub trait Questions: Send + Sync {
    /// Asks what became of a call whose outcome nobody knows. Returns the answer and who gave it; where
    /// nobody can be asked that is `(Skip, "nobody")`.
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> (OutcomeAnswer, String);
}

/// A call whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeQuestion {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// Its arguments as the model wrote them.
    pub arguments: String,
    /// Why it is not known.
    pub reason: String,
}
