//! The rules that Corvid comes with: one table a preset.
//! Invariant: whatever a call asks for, some rule of every preset matches it.
//! It must not know how a rule is matched.

use corvid_core::PolicyEffect;
use serde::{Deserialize, Serialize};

/// A set of rules to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Looking runs; whatever changes something or leaves the sandbox asks.
    Careful,
    /// Whatever stays inside the sandbox runs; leaving it asks.
    #[default]
    Default,
    /// Whatever stays inside the sandbox runs, and so does reaching hosts; writing elsewhere, and commands that
    /// nothing confines, ask.
    Trusting,
}

/// A rule of a preset.
pub(super) struct PresetRule {
    /// The tools, as in a rule of the configuration.
    pub(super) tool: &'static str,
    /// The resources, as in a rule of the configuration.
    pub(super) resource: &'static str,
    /// Which calls.
    pub(super) calls: Calls,
    pub(super) effect: PolicyEffect,
    pub(super) reason: &'static str,
}

/// Which calls a rule is about, by what they would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// All.
    All,
    /// Those that change nothing.
    Pure,
}

impl Preset {
    /// Every preset, the most careful first.
    pub const ALL: [Self; 3] = [Self::Careful, Self::Default, Self::Trusting];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Careful => "careful",
            Self::Default => "default",
            Self::Trusting => "trusting",
        }
    }

    /// Its rules, in order.
    pub(super) fn rules(self) -> impl Iterator<Item = &'static PresetRule> {
        let own = match self {
            Self::Careful => CAREFUL,
            Self::Default => DEFAULT,
            Self::Trusting => TRUSTING,
        };
        own.iter().chain(EVERY)
    }
}

const fn rule(
    tool: &'static str,
    resource: &'static str,
    effect: PolicyEffect,
    reason: &'static str,
) -> PresetRule {
    PresetRule {
        tool,
        resource,
        calls: Calls::All,
        effect,
        reason,
    }
}

const HOSTS: &str = "it would reach hosts outside the sandbox";
const WRITES: &str = "it would write outside the working folder";
const UNCONFINED: &str = "the sandbox cannot hold it to its rules here";

const CAREFUL: &[PresetRule] = &[
    rule("*", "*", PolicyEffect::Ask, "it may change something"),
    PresetRule {
        calls: Calls::Pure,
        ..rule("*", "*", PolicyEffect::Allow, "it changes nothing")
    },
    rule("*", "host:*", PolicyEffect::Ask, HOSTS),
    rule("*", "write:*", PolicyEffect::Ask, WRITES),
];

const DEFAULT: &[PresetRule] = &[
    rule("*", "*", PolicyEffect::Allow, "it stays inside the sandbox"),
    rule("*", "host:*", PolicyEffect::Ask, HOSTS),
    rule("*", "write:*", PolicyEffect::Ask, WRITES),
];

const TRUSTING: &[PresetRule] = &[
    rule("*", "*", PolicyEffect::Allow, "it stays inside the sandbox"),
    rule(
        "*",
        "host:*",
        PolicyEffect::Allow,
        "hosts may be reached through the checking proxy",
    ),
    rule("*", "write:*", PolicyEffect::Ask, WRITES),
];

/// What ends every preset.
const EVERY: &[PresetRule] = &[
    rule("*", "unconfined", PolicyEffect::Ask, UNCONFINED),
    rule(
        "ask_user",
        "*",
        PolicyEffect::Allow,
        "it is a question itself",
    ),
    rule(
        "job.*",
        "*",
        PolicyEffect::Allow,
        "it looks after what was allowed before",
    ),
    rule(
        "output.read",
        "*",
        PolicyEffect::Allow,
        "it shows what was printed before",
    ),
];
