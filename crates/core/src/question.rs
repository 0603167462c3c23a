//! The port through which a turn asks a person.
//! Invariant: an answer names who gave it; nobody there is an answer too.
//! It must not know how a question is shown.

use async_trait::async_trait;

use crate::wire::{Address, Answer, Answerer, CallId, OutcomeAnswer, Question, SessionId};

/// Asks people. Every channel does; the gateway does for all of its channels.
#[async_trait]
pub trait Questions: Send + Sync {
    /// Asks what became of a call whose outcome nobody knows. Dropped as soon as that is settled otherwise.
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome;

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

/// What came of asking for an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeardOutcome {
    /// A person answered.
    Answered {
        /// The answer.
        answer: OutcomeAnswer,
        /// Who gave it.
        by: String,
    },
    /// It is shown with its [`crate::Button::Outcome`] buttons; a press is the answer.
    Shown,
    /// Nobody can be asked here.
    Nobody,
}

/// A call whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeQuestion {
    /// The session.
    pub session: SessionId,
    /// The conversations that the turn answers.
    pub shown_in: Vec<Address>,
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// Its arguments as the model wrote them.
    pub arguments: String,
    /// Why it is not known.
    pub reason: String,
}

impl OutcomeQuestion {
    /// A name for the question, the same in every process.
    pub fn key(&self) -> String {
        Self::key_of(&self.session, self.call)
    }

    /// The name of the question about a call.
    pub fn key_of(session: &SessionId, call: CallId) -> String {
        format!("outcome {session} {call}")
    }
}
