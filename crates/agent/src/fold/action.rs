//! What can be due.
//! Invariant: an action's key is the same for as long as the same thing is open, and never reused.
//! It must not know how an action is executed.

use corvid_core::wire::{CallId, InputId, Millis, QuestionId};

/// One thing that is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Take up inputs: into a new turn where none runs, else into the running one.
    Promote {
        /// The inputs, in order of admission.
        inputs: Vec<InputId>,
    },
    /// Make (or go on with) a model call.
    CallModel {
        /// The turn.
        turn: u32,
        /// The step.
        step: u32,
        /// The attempt.
        attempt: u32,
        /// Whether `model.requested` is in the journal, so that the call itself is what is left.
        requested: bool,
    },
    /// Check a call's arguments and policy.
    DecideCall {
        /// The call.
        call: CallId,
    },
    /// Put the question about a call to the journal.
    Ask {
        /// The call.
        call: CallId,
        /// How often was asked about it before.
        asked: u32,
    },
    /// Show a question and wait for its answer, or for its time to be up.
    AwaitAnswer {
        /// The question.
        question: QuestionId,
        /// Until when.
        until: Millis,
    },
    /// Run (or go on with) a tool call.
    RunTool {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
        /// Whether `tool.started` is in the journal, so that the run itself is what is left.
        started: bool,
    },
    /// End a tool call that runs, because its turn is closing.
    EndTool {
        /// The call.
        call: CallId,
        /// The attempt.
        attempt: u32,
    },
    /// Find out what became of a call that an earlier process started.
    Reconcile {
        /// The call.
        call: CallId,
        /// The attempt that was started.
        attempt: u32,
    },
    /// Ask a person what became of a call.
    AskOutcome {
        /// The call.
        call: CallId,
        /// The attempt that nobody knows the end of.
        attempt: u32,
    },
    /// Write the turn's reply and its deliveries.
    Compose {
        /// The turn.
        turn: u32,
    },
    /// Record that this time has passed, once it has.
    WaitUntil {
        /// The turn that waits.
        turn: u32,
        /// The time.
        time: Millis,
    },
    /// Park the turn until the model can be reached again.
    Park {
        /// The turn.
        turn: u32,
        /// How often it was parked before.
        parked: u32,
    },
}

impl Action {
    /// Whether there is nothing to do for it but to wait for a person or a time.
    pub fn waits(&self) -> bool {
        matches!(
            self,
            Self::AwaitAnswer { .. } | Self::AskOutcome { .. } | Self::WaitUntil { .. }
        )
    }

    /// The key under which the driver remembers that it is at work on this.
    pub fn key(&self) -> String {
        match self {
            Self::Promote { inputs } => {
                let first = inputs.first().map_or("", |input| input.as_str());
                format!("promote/{first}/{}", inputs.len())
            }
            Self::CallModel {
                turn,
                step,
                attempt,
                ..
            } => format!("model/{turn}.{step}/{attempt}"),
            Self::DecideCall { call } => format!("decide/{call}"),
            Self::Ask { call, asked } => format!("ask/{call}/{asked}"),
            Self::AwaitAnswer { question, .. } => format!("question/{question}"),
            Self::RunTool { call, attempt, .. } | Self::EndTool { call, attempt } => {
                format!("tool/{call}/{attempt}")
            }
            Self::Reconcile { call, attempt } => format!("reconcile/{call}/{attempt}"),
            Self::AskOutcome { call, attempt } => format!("outcome/{call}/{attempt}"),
            Self::Compose { turn } => format!("compose/{turn}"),
            Self::WaitUntil { turn, time } => format!("wait/{turn}/{time}"),
            Self::Park { turn, parked } => format!("park/{turn}/{parked}"),
        }
    }
}
