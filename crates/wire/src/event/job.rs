//! Jobs: calls that go on beside their turn.
//! Invariant: a job's end is told to its session exactly once.
//! It must not know what a job does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::CallStatus;
use crate::id::{CallId, JobId};
use crate::message::{Address, Requester};

/// A call that goes on beside its turn, and maybe after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStart {
    /// The job.
    pub job: JobId,
    /// The call that it came from.
    pub call: CallId,
    /// The tool that runs it.
    pub tool: String,
    /// The tool's arguments, as they were decided on.
    pub arguments: Value,
    /// What a person calls it: the command, on one line.
    pub title: String,
    /// Where it runs, absolute.
    pub working_dir: String,
    /// How long it may run, in milliseconds.
    pub timeout_ms: u64,
    /// What finding out about its end will need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Value>,
    /// Where its end is told.
    pub origin: Address,
    /// With whose authority it runs.
    pub requester: Requester,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The job.
    pub job: JobId,
    /// How.
    pub status: CallStatus,
    /// Who cancelled it, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<Requester>,
}
