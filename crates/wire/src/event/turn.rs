//! Turns: how they begin, what holds them to their limits, how they end.
//! Invariant: limits are recorded with the start, so that a changed config never alters a replay.
//! It must not know the steps between.

use serde::{Deserialize, Serialize};

use crate::id::{DeliveryId, InputId};
use crate::message::Address;

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
    /// How long a question to a person stays open, in milliseconds.
    #[serde(default = "Limits::default_question_ms")]
    pub question_ms: u64,
}

impl Limits {
    /// Ten minutes.
    pub fn default_question_ms() -> u64 {
        600_000
    }
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
    /// What needed an approval and got none, since nobody could be asked or answered in time, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unapproved: Vec<String>,
    /// How long the turn took, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub took_ms: u64,
    /// Nobody waits for it: a job's end began the turn, and nothing that a person said joined it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
    /// Its deliveries, recorded with it.
    pub deliveries: Vec<DeliveryDraft>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
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
