//! The port through which a turn asks a person.
//! Invariant: an answer names who gave it; nobody there is an answer too.
//! It must not know how a question is shown.

use async_trait::async_trait;

use crate::wire::{Answer, Answerer, CallId, OutcomeAnswer, Question};

/// Asks people. Every channel does; the gateway does for all of its channels.
#[async_trait]
pub trait Questions: Send + Sync {
    /// Asks what became of a call whose outcome nobody knows. Returns the answer and who gave it; where
    /// nobody can be asked that is `(Skip, "nobody")`.
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> (OutcomeAnswer, String);

    /// Shows a question and waits for its answer as long as it can be given here. The question is in the
    /// journal already. When it is answered elsewhere, or its time is up, this future is dropped; what is shown
    /// is then taken back. An answer that is returned is not in force, nor shown as such, before
    /// `question.answered` is committed.
    async fn ask(&self, question: &Question) -> Heard;
}

/// What came of showing a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A person answered.
    Answered {
        /// The answer.
        answer: Answer,
        /// Who.
        by: Answerer,
    },
    /// It is shown, and its answer will come through the journal.
    Shown,
    /// Nobody can be asked here.
    Nobody,
    /// It is too long to be shown whole, so it was not shown; the sentence names the limit.
    TooLong(String),
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
