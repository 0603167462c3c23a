//! The journal's entries: everything that ever happened in a session, in order.
//! Invariant: an event is immutable and holds whatever a decision used, so that replay never asks the world.
//! It must not know how it is stored; `upcast` alone knows older shapes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{CallId, CallKey, DeliveryId, InputId, Millis, OwnerId};
use crate::message::{Address, Effect, Mode, OutputRef, Part, Requester, ToolCall, Usage};

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

/// An input as it was accepted. Unique on `(channel, account, external_id)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Our id of the input.
    pub input: InputId,
    /// Where it came from and where the reply goes.
    pub origin: Address,
    /// The id under which the channel will never send another message.
    pub external_id: String,
    /// Who asked.
    pub requester: Requester,
    /// What was said.
    pub parts: Vec<Part>,
    /// What it does while a turn runs.
    pub mode: Mode,
    /// The folder for the turn it starts, absolute.
    pub working_dir: String,
    /// What the person allowed or limited with it.
    #[serde(default)]
    pub flags: Flags,
}

/// Flags that travel with an input and hold for the turn it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// The model to use, `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A smaller step limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
}

/// How a turn begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStart {
    /// The turn's number in its session, from 1.
    pub turn: u32,
    /// The inputs it takes up.
    pub inputs: Vec<InputId>,
    /// The model it uses, `provider/model`.
    pub model: String,
    /// The limits it is held to.
    pub limits: Limits,
}

/// Limits of a turn, recorded so that a changed config never alters a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Model calls with their tool calls (default 25, DESIGN §5).
    pub max_steps: u32,
    /// Pure calls that run at once (default 8).
    pub parallel_calls: u32,
    /// Attempts at one step, after faults and after crashes alike (3, DESIGN §4).
    pub attempts: u32,
    /// What happens when the attempts at a step are spent on an outage.
    pub patience: Patience,
}

/// What a turn does when its model stays unreachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// Reply with the failure (`run`).
    GiveUp,
    /// Park and try again later, backing off (the daemon).
    Park,
}

/// Why a model stopped writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    Stop,
    /// It asks for tool calls.
    ToolCalls,
    /// It ran into the output limit.
    Length,
    /// The provider's filter cut it.
    ContentFilter,
    /// It cannot serve the request and says what is missing (the `manual` model).
    Declined,
}

/// An assistant message with all its tool calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAnswer {
    /// The turn.
    pub turn: u32,
    /// The step.
    pub step: u32,
    /// The attempt.
    pub attempt: u32,
    /// The text; may be empty.
    pub text: String,
    /// The calls, in the model's order.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it used.
    pub usage: Usage,
}

/// What kind of model failure, named by the way forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Cut in the middle, or silent: the step is tried again.
    Transient,
    /// Unreachable or overloaded, and the transport's own retries are spent: with them the attempts at the
    /// step are spent.
    Outage,
    /// The context is too long: it is cut once and the step tried again.
    ContextExceeded,
    /// Trying again changes nothing (bad key, spent quota, unknown model, refused request).
    Final,
}

/// What was decided about a call before it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDecision {
    /// The call.
    pub call: CallId,
    /// What repeating it would do.
    pub effect: Effect,
    /// Whether it may run.
    pub verdict: Verdict,
    /// How long it may run, in milliseconds.
    pub timeout_ms: u64,
}

/// Whether a call may run. Anything but `Allow` is the call's one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It may.
    Allow {
        /// The rule that decided.
        rule: String,
    },
    /// It may not; the model is told.
    Deny {
        /// The rule that decided.
        rule: String,
        /// The sentence for the model.
        reason: String,
    },
    /// The call is malformed (unknown tool, bad JSON, schema miss); the model is told.
    Invalid {
        /// The sentence for the model.
        reason: String,
    },
    /// The very same call came once too often; it does not run and the model is told.
    Repeated {
        /// The sentence for the model.
        reason: String,
    },
}

/// A call's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOutcome {
    /// How it ended.
    pub status: CallStatus,
    /// What the model is told, already bounded.
    pub text: String,
    /// Where the whole output is kept, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputRef>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// It did what was asked (a command's own non-zero exit included).
    Ok,
    /// It failed, and the model is told why.
    Failed,
    /// It was cut off by a crash, and is known not to be running any more.
    Interrupted,
    /// It was cut off because the person stopped the turn.
    Stopped,
    /// Nothing can tell whether it happened; a person is asked.
    Unknown,
    /// It failed in a way that ends the turn; the person is told why.
    Fatal,
}

/// The answer to "did it happen?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeAnswer {
    /// Run it again.
    Retry,
    /// It happened.
    Worked,
    /// Leave it; the model is told that it is not known.
    Skip,
}

/// A turn's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyComposed {
    /// The turn.
    pub turn: u32,
    /// The inputs it answers.
    pub inputs: Vec<InputId>,
    /// The text in markdown.
    pub text: String,
    /// How the turn ended.
    pub ending: Ending,
    /// What the person should know beside the text (a cut answer, an unknown outcome, …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Its deliveries, recorded with it.
    pub deliveries: Vec<DeliveryDraft>,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model answered.
    Answered,
    /// The model cannot serve the request and said what is missing.
    Declined,
    /// A limit was reached (steps, repeated or malformed calls, empty answers).
    Limited,
    /// The person stopped it.
    Stopped,
    /// The model failed for good, or a tool failed fatally.
    Failed,
    /// The same step took the process down too often.
    Crashed,
}

/// One part of a reply for one conversation, as composed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDraft {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Where it goes.
    pub to: Address,
    /// The inputs that this conversation had asked.
    pub inputs: Vec<InputId>,
}

/// Why a turn waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// The model cannot be reached.
    ModelUnreachable,
}
