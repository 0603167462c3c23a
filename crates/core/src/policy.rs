//! The port through which calls are allowed, asked about or denied.
//! Invariant: a decision names the rule that made it.
//! It must not know the rules' syntax or who answers a question.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::wire::{Effect, Requester, SessionId};

/// Decides what may run.
pub trait Policy: Send + Sync {
    /// Decides one call. Pure: the same request gets the same decision.
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision;
}

/// One question to the policy.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRequest<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// What it would act on: a command, a path, a host.
    pub resource: &'a str,
    /// Other names of the same; the strictest decision over all of them holds.
    pub also: &'a [String],
    /// What repeating the call would do.
    pub effect: Effect,
    /// What it would get beyond the sandbox; none if it stays inside.
    pub wider: Option<&'a Wider>,
    /// Where it would run.
    pub working_dir: &'a Path,
    /// The session.
    pub session: &'a SessionId,
    /// The channel of the input that began the turn.
    pub channel: &'a str,
    /// Who asked for the turn.
    pub requester: &'a Requester,
}

/// What a call would get beyond the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wider {
    /// Why, in the model's words; empty where the sandbox itself is what is missing.
    pub reason: String,
    /// Hosts that it may reach through the checking proxy: `crates.io`, `*.github.com`, `example.org:8443`; without
    /// a port that is 80 and 443.
    pub hosts: Vec<String>,
    /// Files and folders outside the working folder that it may write, absolute.
    pub writes: Vec<String>,
    /// Why the sandbox cannot hold it to what it usually enforces, one sentence each: nothing is enforced on this
    /// machine, or the working folder contains something private. A person is asked then, unless the operator's own
    /// rules allow just that.
    pub lacking: Vec<String>,
}

/// What the policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDecision {
    /// Allow, ask or deny.
    pub effect: PolicyEffect,
    /// The rule that decided, as written.
    pub rule: String,
    /// Why, one sentence; it is what the model is told on a denial.
    pub reason: String,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyEffect {
    /// It may run.
    Allow,
    /// A person is asked.
    Ask,
    /// It may not run.
    Deny,
}
