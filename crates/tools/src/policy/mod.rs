//! The policy: ordered rules, of which the last that matches decides.
//! Invariant: a decision follows from the request and the rules alone, names the rule that made it, and is the
//! strictest over everything that a call acts on.
//! It must not know who answers a question, nor how a sandbox confines.

mod command;
mod explain;
mod index;
mod pattern;
mod place;
mod presets;
mod resource;
mod rule;
mod sketch;

use corvid_core::wire::Effect;
use corvid_core::{Policy, PolicyDecision, PolicyEffect, PolicyRequest};
use serde::{Deserialize, Serialize};

use index::Index;
use resource::Resource;
use rule::{Match, Rule};

pub use command::repeatable;
pub use explain::{Explanation, Overruled, ResourceDecision, RuleView};
pub use presets::Preset;
pub(crate) use resource::without_detours;
pub use rule::RuleConfig;

/// How a policy names itself where no rule matches.
const NOTHING: &str = "built-in: nothing matched";

/// What a policy is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// The rules to start from.
    pub preset: Preset,
    /// Further rules, in order; they come after the preset's, so that they overrule them.
    pub rules: Vec<RuleConfig>,
}

/// A policy of ordered rules.
#[derive(Clone, Debug)]
pub struct RulePolicy {
    config: PolicyConfig,
    rules: Vec<Rule>,
    index: Index,
}

/// What is decided about one thing that a call acts on.
struct Verdict<'a> {
    effect: PolicyEffect,
    /// The rule that decided; none if nothing matched.
    rule: Option<&'a Rule>,
    /// Whether the rule was only not to be ruled out, so that a person has to look.
    is_doubtful: bool,
}

impl RulePolicy {
    /// The rules of the preset and then those of the configuration. What no rule matches is denied.
    pub fn new(config: PolicyConfig) -> Self {
        let preset = config.preset;
        let configured = config.rules.iter().cloned().zip(1..);
        let rules = preset
            .rules()
            .map(|rule| Rule::preset(preset, rule))
            .chain(configured.map(|(rule, number)| Rule::configured(number, rule)))
            .collect::<Vec<_>>();
        Self {
            index: Index::of(&rules),
            config,
            rules,
        }
    }

    /// The decision about each thing that the call acts on, the call's own resource first. Sending a file is reading
    /// it too: what may not be read is not sent either.
    fn verdicts<'a, 'r>(&'a self, request: &PolicyRequest<'r>) -> Vec<(Resource<'r>, Verdict<'a>)> {
        let mut verdicts = self.verdicts_alone(request);
        if request.tool == resource::SENDING {
            let reading = self.verdicts_alone(&PolicyRequest {
                tool: resource::READING,
                effect: Effect::Pure,
                ..*request
            });
            let restricts = |verdict: &Verdict<'_>| verdict.effect != PolicyEffect::Allow;
            verdicts.extend(
                reading
                    .into_iter()
                    .filter(|(_, verdict)| restricts(verdict)),
            );
        }
        verdicts
    }

    fn verdicts_alone<'a, 'r>(
        &'a self,
        request: &PolicyRequest<'r>,
    ) -> Vec<(Resource<'r>, Verdict<'a>)> {
        let resources = Resource::of(request).into_iter();
        resources
            .map(|resource| {
                let verdict = self.verdict(request, &resource);
                (resource, verdict)
            })
            .collect()
    }

    /// The last rule that matches decides. One that may match, and nobody can tell, makes it a question at least.
    fn verdict<'a>(&'a self, request: &PolicyRequest<'_>, resource: &Resource<'_>) -> Verdict<'a> {
        let mut doubtful = None;
        let mut deciding = None;
        for at in self.index.candidates(resource) {
            let rule = &self.rules[at];
            match rule.decides(request, resource) {
                Match::Yes => {
                    deciding = Some(rule);
                    break;
                }
                Match::Maybe => {
                    doubtful.get_or_insert(rule);
                }
                Match::No => {}
            }
        }
        let effect = deciding.map_or(PolicyEffect::Deny, |rule| rule.config.effect);
        match doubtful {
            Some(rule) if effect == PolicyEffect::Allow => Verdict {
                effect: PolicyEffect::Ask,
                rule: Some(rule),
                is_doubtful: true,
            },
            _ => Verdict {
                effect,
                rule: deciding,
                is_doubtful: false,
            },
        }
    }
}

impl Default for RulePolicy {
    /// The rules that Corvid comes with.
    fn default() -> Self {
        Self::new(PolicyConfig::default())
    }
}

impl Policy for RulePolicy {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        let verdicts = self.verdicts(request);
        // Of several that are equally strict the first decides, which is about the call itself.
        let strictest = verdicts.iter().reduce(|one, other| {
            if other.1.effect > one.1.effect {
                other
            } else {
                one
            }
        });
        strictest.map_or_else(
            || Verdict::nothing_matched().decision(""),
            |(resource, verdict)| verdict.decision(&resource.name()),
        )
    }
}

impl Verdict<'_> {
    fn nothing_matched() -> Self {
        Self {
            effect: PolicyEffect::Deny,
            rule: None,
            is_doubtful: false,
        }
    }

    fn rule_name(&self) -> &str {
        self.rule.map_or(NOTHING, |rule| &rule.name)
    }

    /// Why, without what to do about it.
    fn reason(&self) -> String {
        match self.rule {
            None => "no rule allows it".to_owned(),
            Some(rule) if self.is_doubtful => format!(
                "what the command runs cannot be told from its text, and it may be what this rule is about: {}",
                rule.reason()
            ),
            Some(rule) => rule.reason().to_owned(),
        }
    }

    fn decision(&self, resource: &str) -> PolicyDecision {
        let mut reason = self.reason();
        if self.effect == PolicyEffect::Deny {
            let what = corvid_core::text::clip(resource, 200, "");
            reason = format!(
                "{reason} (`{what}`); reach the goal without it, or tell the person what you need: they can do it \
                 themselves or change the rule (`agent policy explain` says how)"
            );
        }
        PolicyDecision {
            effect: self.effect,
            rule: self.rule_name().to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests;
