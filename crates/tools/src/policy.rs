//! The policy: ordered rules, the last that matches decides.
//! Invariant: a decision follows from the request and the rules alone, and names the rule that made it.
//! It must not know who answers a question, nor how a sandbox confines.

use corvid_core::{Policy, PolicyDecision, PolicyEffect, PolicyRequest};

/// The rules that Corvid comes with, in order.
pub const BUILTIN: &[Rule] = &[
    Rule {
        name: "built-in: inside the sandbox",
        tool: "*",
        resource: "*",
        reach: Reach::Inside,
        effect: PolicyEffect::Allow,
        reason: "calls inside the sandbox run without asking",
    },
    Rule {
        name: "built-in: leaving the sandbox",
        tool: "*",
        resource: "*",
        reach: Reach::Outside,
        effect: PolicyEffect::Deny,
        reason: "leaving the sandbox needs a person's approval, and asking for one comes with \
                 approvals, which this version does not have; do it inside the sandbox without \
                 `escalate`, or tell the person what to run themselves",
    },
];

/// A rule as it is written in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How a decision names the rule.
    pub name: &'static str,
    /// The tools it is about; `*` stands for any run of characters, `?` for one.
    pub tool: &'static str,
    /// The commands or paths it is about, with the same wildcards.
    pub resource: &'static str,
    /// On which side of the sandbox's border it holds.
    pub reach: Reach,
    /// What it does.
    pub effect: PolicyEffect,
    /// Why, one sentence for the model.
    pub reason: &'static str,
}

/// A side of the sandbox's border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The call stays inside.
    Inside,
    /// The call would leave it.
    Outside,
}

/// A policy of ordered rules.
#[derive(Clone, Debug)]
pub struct RulePolicy {
    rules: Vec<Rule>,
}

impl RulePolicy {
    /// A policy of these rules, in this order. What no rule matches is denied.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
        }
    }
}

impl Default for RulePolicy {
    /// The rules that Corvid comes with.
    fn default() -> Self {
        Self::new(BUILTIN.iter().copied())
    }
}

impl Policy for RulePolicy {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        let deciding = self.rules.iter().rev().find(|rule| rule.matches(request));
        let (effect, rule, reason) = deciding.map_or(
            (
                PolicyEffect::Deny,
                "built-in: nothing matched",
                "no rule allows it",
            ),
            |rule| (rule.effect, rule.name, rule.reason),
        );
        PolicyDecision {
            effect,
            rule: rule.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

impl Rule {
    fn matches(&self, request: &PolicyRequest<'_>) -> bool {
        let reach = if request.wider.is_some() {
            Reach::Outside
        } else {
            Reach::Inside
        };
        self.reach == reach
            && wildcard(self.tool, request.tool)
            && wildcard(self.resource, request.resource)
    }
}

/// Whether `pattern` covers the whole of `text`. Linear in space and, since only the latest `*` is ever
/// retried, at most quadratic in time, so that no pattern can stall a decision.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut retry = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, seen));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[seen] => {
                // One character, however many bytes it takes.
                seen += 1;
                while byte == b'?' && text.get(seen).is_some_and(|next| next & 0xc0 == 0x80) {
                    seen += 1;
                }
                at += 1;
            }
            _ => {
                let Some((after, from)) = retry else {
                    return false;
                };
                retry = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use corvid_core::Wider;
    use corvid_core::wire::{Effect, Requester, Role, SessionId};

    use super::*;

    fn decide(policy: &RulePolicy, tool: &str, resource: &str, reach: Reach) -> PolicyDecision {
        let requester = Requester {
            id: "1000".to_owned(),
            role: Role::Owner,
        };
        let wider = Wider::default();
        policy.decide(&PolicyRequest {
            tool,
            resource,
            effect: Effect::Reconcilable,
            wider: (reach == Reach::Outside).then_some(&wider),
            working_dir: Path::new("/work"),
            session: &SessionId::new("s-test"),
            channel: "terminal",
            requester: &requester,
        })
    }

    #[test]
    fn calls_inside_the_sandbox_run_and_those_that_leave_it_are_refused() {
        let policy = RulePolicy::default();
        let inside = decide(&policy, "system.run", "git push", Reach::Inside);
        assert_eq!(inside.effect, PolicyEffect::Allow);
        assert_eq!(inside.rule, "built-in: inside the sandbox");
        let outside = decide(&policy, "system.run", "git push", Reach::Outside);
        assert_eq!(outside.effect, PolicyEffect::Deny);
        assert_eq!(outside.rule, "built-in: leaving the sandbox");
        assert!(outside.reason.contains("comes with approvals"));
    }

    #[test]
    fn the_last_rule_that_matches_decides_and_nothing_matching_denies() {
        let no_push = Rule {
            name: "no push",
            tool: "system.*",
            resource: "git push*",
            reach: Reach::Inside,
            effect: PolicyEffect::Ask,
            reason: "it publishes",
        };
        let policy = RulePolicy::new([BUILTIN[0], no_push]);
        let rule = |resource| decide(&policy, "system.run", resource, Reach::Inside).rule;
        assert_eq!(rule("git push origin"), "no push");
        assert_eq!(rule("git pull"), "built-in: inside the sandbox");
        let none = decide(&policy, "system.run", "ls", Reach::Outside);
        assert_eq!(none.effect, PolicyEffect::Deny);
        assert_eq!(none.rule, "built-in: nothing matched");
    }

    #[test]
    fn wildcards_cover_the_whole_text() {
        let check = |pattern, text, expect| {
            assert_eq!(wildcard(pattern, text), expect, "`{pattern}` on `{text}`");
        };
        check("", "", true);
        check("*", "", true);
        check("*", "a/b\nc", true);
        check("git *", "git push", true);
        check("git *", "git", false);
        check("*.rs", "src/lib.rs", true);
        check("*.rs", "src/lib.rs.bak", false);
        check("a*b*c", "axxbyybzzc", true);
        check("a*b*c", "axxbyyb", false);
        check("gr??e", "grüße", true);
        check("gr?e", "grüße", false);
        check("?", "", false);
    }
}
