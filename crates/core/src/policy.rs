//! The port through which calls are allowed, asked about or denied.
//! Invariant: a decision names the rule that made it.
//! It must not know the rules' syntax or who answers a question.

use std::path::Path;

use crate::wire::{Effect, Requester};

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
    /// What repeating the call would do.
    pub effect: Effect,
    /// Whether the call would leave the sandbox.
    pub escalates: bool,
    /// Where it would run.
    pub working_dir: &'a Path,
    /// Who asked for the turn.
    pub requester: &'a Requester,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyEffect {
    /// It may run.
    Allow,
    /// A person is asked.
    Ask,
    /// It may not run.
    Deny,
}
