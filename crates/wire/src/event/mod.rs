//! The journal's entries: everything that ever happened in a session, in order.
//! Invariant: an event is immutable and holds whatever a decision used, so that replay never asks the world.
//! It must not know how it is stored; `upcast` alone knows older shapes.

mod call;
mod input;
mod job;
mod model;
mod question;
mod texts;
mod turn;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{CallId, CallKey, DeliveryId, InputId, Millis, OwnerId, QuestionId};
use crate::message::Requester;

pub use call::{CallDecision, CallOutcome, CallStatus, OutcomeAnswer, Verdict};
pub use input::{Admission, Flags};
pub use job::{JobEnd, JobStart};
pub use model::{Fault, Finish, ModelAnswer};
pub use question::{Answer, Answerer, Approval, Card, CardForm, Inquiry, Question, Scope, Subject};
pub use turn::{DeliveryDraft, Ending, Limits, ParkReason, Patience, ReplyComposed, TurnStart};

/// One journal entry of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The position in the session, gapless from 1.
    pub seq: u64,
    /// When it was recorded.
    pub at: Millis,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened. The tag is the event's kind, the content its payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload")]
#[expect(
    clippy::large_enum_variant,
    reason = "an input is common, and what is boxed is allocated for each"
)]
pub enum EventBody {
    /// The first event of every session.
    #[serde(rename = "session.opened")]
    SessionOpened {
        /// The folder in which the session's tools work.
        working_dir: String,
    },
    /// A person's message (or a job's) was accepted; needs no claim.
    #[serde(rename = "input.admitted")]
    InputAdmitted(Admission),
    /// A process took over the lane: whatever was in flight is interrupted.
    #[serde(rename = "lane.claimed")]
    LaneClaimed {
        /// The claim's epoch, from 1.
        epoch: u64,
        /// The process.
        owner: OwnerId,
    },
    /// An idle lane took up an input.
    #[serde(rename = "turn.started")]
    TurnStarted(TurnStart),
    /// The running turn took up inputs at a step boundary.
    #[serde(rename = "input.steered")]
    InputSteered {
        /// The turn.
        turn: u32,
        /// The inputs, in order of admission.
        inputs: Vec<InputId>,
    },
    /// A model call is about to be made.
    #[serde(rename = "model.requested")]
    ModelRequested {
        /// The turn.
        turn: u32,
        /// The step, from 1.
        step: u32,
        /// The attempt at this step, from 1.
        attempt: u32,
        /// `provider/model` as configured.
        model: String,
        /// SHA-256 of the request in our own form, hex.
        prompt_hash: String,
    },
    /// The model answered to the end.
    #[serde(rename = "model.answered")]
    ModelAnswered(ModelAnswer),
    /// The model call failed; nothing of a partial answer is kept.
    #[serde(rename = "model.failed")]
    ModelFailed {
        /// The turn.
        turn: u32,
        /// The step.
        step: u32,
        /// The attempt.
        attempt: u32,
        /// What kind of failure, which decides the way forward.
        fault: Fault,
        /// One sentence for a person.
        message: String,
        /// Earliest time of the next attempt.
        retry_at: Millis,
    },
    /// A call's arguments and policy were checked.
    #[serde(rename = "call.decided")]
    CallDecided(CallDecision),
    /// A person is asked about a call, which waits for the answer.
    #[serde(rename = "question.asked")]
    QuestionAsked(Box<Question>),
    /// A question has its answer; needs no claim.
    #[serde(rename = "question.answered")]
    QuestionAnswered {
        /// The question.
        question: QuestionId,
        /// The answer.
        answer: Answer,
        /// Who answered; none where nobody could be asked.
        by: Option<Answerer>,
    },
    /// A call is about to run.
    #[serde(rename = "tool.started")]
    ToolStarted {
        /// The call.
        call: CallId,
        /// The key of its effect.
        key: CallKey,
        /// The attempt, from 1.
        attempt: u32,
        /// What reconciliation will need (hashes of before and after, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Value>,
    },
    /// A call has its outcome (or it is known that it cannot be known).
    #[serde(rename = "tool.finished")]
    ToolFinished {
        /// The call.
        call: CallId,
        /// The outcome.
        outcome: CallOutcome,
    },
    /// A person (or the lack of one) settled an unknown outcome.
    #[serde(rename = "outcome.answered")]
    OutcomeAnswered {
        /// The call.
        call: CallId,
        /// The answer.
        answer: OutcomeAnswer,
        /// Who said so; `nobody` where there was nobody to ask.
        by: String,
    },
    /// A call goes on as a job, beside its turn; needs no claim. What it does begins only after this.
    #[serde(rename = "job.started")]
    JobStarted(Box<JobStart>),
    /// A job has ended; needs no claim, and comes with the `input.admitted` that tells the session so.
    #[serde(rename = "job.finished")]
    JobFinished(JobEnd),
    /// A person had the changes of a turn taken back; needs no claim.
    #[serde(rename = "turn.undone")]
    TurnUndone {
        /// The turn.
        turn: u32,
        /// Files that are as before the turn again, relative to its working folder.
        restored: Vec<String>,
        /// Files that were left as they are, each with why.
        left: Vec<String>,
        /// Who.
        by: Requester,
    },
    /// Somebody asked the running turn to stop; needs no claim.
    #[serde(rename = "stop.requested")]
    StopRequested {
        /// Who.
        by: Requester,
    },
    /// A turn's reply, together with its deliveries.
    #[serde(rename = "reply.composed")]
    ReplyComposed(ReplyComposed),
    /// The turn waits for a time.
    #[serde(rename = "turn.parked")]
    TurnParked {
        /// The turn.
        turn: u32,
        /// Until when.
        until: Millis,
        /// Why.
        reason: ParkReason,
    },
    /// A time that the fold waited for has come.
    #[serde(rename = "timer.fired")]
    TimerFired {
        /// The time that was waited for.
        due_at: Millis,
    },
    /// A delivery failed for good.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed {
        /// The delivery.
        delivery: DeliveryId,
        /// One sentence for a person.
        reason: String,
    },
}
