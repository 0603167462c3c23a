//! Saying how a decision came about, and what would make it another.
//! Invariant: it tells of the very decision that the policy makes, since it asks the same rules.
//! It must not know how it is shown.

use corvid_core::{Policy as _, PolicyEffect, PolicyRequest};
use serde::Serialize;

use super::pattern::UNKNOWN;
use super::resource::Resource;
use super::rule::{Match, Rule, effect_name};
use super::{PolicyConfig, Preset, RuleConfig, RulePolicy, Verdict};

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What is decided about the call.
    pub effect: PolicyEffect,
    /// The rule that decided.
    pub rule: String,
    /// Why, one sentence.
    pub reason: String,
    /// What is decided about each thing that the call acts on; the strictest holds for the call.
    pub resources: Vec<ResourceDecision>,
    /// Rules that match too, but not last.
    pub overruled: Vec<Overruled>,
    /// What would make the decision another, one sentence each.
    pub what_would_change: Vec<String>,
}

/// What is decided about one thing that a call acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceDecision {
    /// The command, the path, or with its prefix what the call gets beyond the sandbox.
    pub resource: String,
    /// What is decided.
    pub effect: PolicyEffect,
    /// The rule that decided.
    pub rule: String,
    /// Why, one sentence.
    pub reason: String,
}

/// A rule that matches, but not last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overruled {
    /// The rule.
    pub rule: String,
    /// What it says.
    pub effect: PolicyEffect,
    /// What it says it about.
    pub resource: String,
    /// The rule that decided instead.
    pub by: String,
}

/// A rule to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// How decisions name it.
    pub name: String,
    /// The preset that it comes with; none for one of the configuration.
    pub preset: Option<Preset>,
    /// What it says.
    #[serde(flatten)]
    pub rule: RuleConfig,
}

impl RulePolicy {
    /// All rules, in order: the last that matches decides.
    pub fn rules(&self) -> impl Iterator<Item = RuleView> + '_ {
        self.rules.iter().map(|rule| RuleView {
            name: rule.name.clone(),
            preset: rule.preset,
            rule: rule.config.clone(),
        })
    }

    /// What the policy was made from.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// How the decision about this call comes about.
    pub fn explain(&self, request: &PolicyRequest<'_>) -> Explanation {
        let decision = self.decide(request);
        let verdicts = self.verdicts(request);
        let overruled = verdicts
            .iter()
            .flat_map(|(resource, verdict)| self.overruled(request, resource, verdict))
            .collect();
        Explanation {
            what_would_change: self.what_would_change(request, decision.effect, &verdicts),
            overruled,
            resources: verdicts
                .iter()
                .map(|(resource, verdict)| ResourceDecision {
                    resource: resource.name().into_owned(),
                    effect: verdict.effect,
                    rule: verdict.rule_name().to_owned(),
                    reason: verdict.reason(),
                })
                .collect(),
            effect: decision.effect,
            rule: decision.rule,
            reason: decision.reason,
        }
    }

    fn overruled(
        &self,
        request: &PolicyRequest<'_>,
        resource: &Resource<'_>,
        verdict: &Verdict<'_>,
    ) -> Vec<Overruled> {
        let decided = |rule: &Rule| verdict.rule.is_some_and(|by| std::ptr::eq(by, rule));
        let matching = self
            .rules
            .iter()
            .filter(|rule| !decided(rule) && rule.decides(request, resource) == Match::Yes);
        matching
            .map(|rule| Overruled {
                rule: rule.name.clone(),
                effect: rule.config.effect,
                resource: resource.name().into_owned(),
                by: verdict.rule_name().to_owned(),
            })
            .collect()
    }

    fn what_would_change(
        &self,
        request: &PolicyRequest<'_>,
        effect: PolicyEffect,
        verdicts: &[(Resource<'_>, Verdict<'_>)],
    ) -> Vec<String> {
        let mut changes = Vec::new();
        let deciding = verdicts
            .iter()
            .filter(|(_, verdict)| verdict.effect == effect);
        for (resource, verdict) in deciding.clone() {
            changes.extend(self.nearly_allowed(request, resource, effect));
            if let Some(rule) = verdict.rule.filter(|rule| rule.preset.is_none()) {
                let change = format!("take away or change {}", rule.name);
                // One rule may decide about a path by each of its names.
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
        let by_preset = deciding
            .filter(|(_, verdict)| verdict.rule.is_none_or(|rule| rule.preset.is_some()))
            .filter_map(|(resource, _)| rule_instead(request.tool, resource, effect));
        let instead: Vec<RuleConfig> = by_preset.collect();
        changes.extend(self.further_rules(request, effect, &instead));
        changes.extend(self.other_presets(request, effect));
        match effect {
            PolicyEffect::Ask => {
                changes
                    .push("answer the question, or let `--yes` answer it for one turn".to_owned());
            }
            PolicyEffect::Allow | PolicyEffect::Deny => {}
        }
        changes
    }

    /// Those rules as they are written in the configuration, if with them the decision is another.
    fn further_rules(
        &self,
        request: &PolicyRequest<'_>,
        effect: PolicyEffect,
        rules: &[RuleConfig],
    ) -> Vec<String> {
        let mut config = self.config.clone();
        config.rules.extend(rules.iter().cloned());
        if rules.is_empty() || Self::new(config).decide(request).effect == effect {
            return Vec::new();
        }
        // Of several restrictions one is enough; permissions only help together.
        let with = match (rules.len(), effect) {
            (1, _) | (_, PolicyEffect::Allow) => "add a rule",
            _ => "add a rule, and the others that are named here",
        };
        let written = |text: &str| serde_json::Value::from(text).to_string();
        let lines = rules.iter().map(|rule| {
            format!(
                "{with}: [[policy.rules]] tool = {}, resource = {}, effect = \"{}\"",
                written(&rule.tool),
                written(&rule.resource),
                effect_name(rule.effect)
            )
        });
        lines.collect()
    }

    /// Rules that would allow the command if it were a plain one.
    fn nearly_allowed(
        &self,
        request: &PolicyRequest<'_>,
        resource: &Resource<'_>,
        effect: PolicyEffect,
    ) -> Vec<String> {
        let Resource::Command(reading) = resource else {
            return Vec::new();
        };
        if effect == PolicyEffect::Allow {
            return Vec::new();
        }
        let near = self.rules.iter().filter(|rule| {
            rule.config.effect == PolicyEffect::Allow
                && rule.holds_for(request)
                && rule.covers_text(reading)
                && rule.decides(request, resource) == Match::No
        });
        near.map(|rule| match reading.named() {
            None => format!(
                "{} allows it only as one plain command: without operators, redirections, variables, substitutions \
                 and assignments",
                rule.name
            ),
            Some(words) => format!(
                "{} allows it only if its pattern begins with `{}`, since that runs something else",
                rule.name,
                words.join(" ").replace(UNKNOWN, "*")
            ),
        })
        .collect()
    }

    /// Presets under which the same rules decide otherwise.
    fn other_presets(&self, request: &PolicyRequest<'_>, effect: PolicyEffect) -> Vec<String> {
        let others = Preset::ALL
            .into_iter()
            .filter(|preset| *preset != self.config.preset);
        others
            .filter_map(|preset| {
                let policy = Self::new(PolicyConfig {
                    preset,
                    ..self.config.clone()
                });
                let other = policy.decide(request).effect;
                (other != effect).then(|| {
                    format!(
                        "set `policy.preset` to `{}`: it would be {}",
                        preset.name(),
                        match other {
                            PolicyEffect::Allow => "allowed",
                            PolicyEffect::Ask => "asked about",
                            PolicyEffect::Deny => "denied",
                        }
                    )
                })
            })
            .collect()
    }
}

/// The rule that would decide otherwise about this resource.
fn rule_instead(tool: &str, resource: &Resource<'_>, effect: PolicyEffect) -> Option<RuleConfig> {
    let instead = match effect {
        PolicyEffect::Allow => PolicyEffect::Ask,
        PolicyEffect::Ask | PolicyEffect::Deny => PolicyEffect::Allow,
    };
    let name = match resource {
        // No pattern but `*` allows a line that is no plain command, and that is not to be suggested.
        Resource::Command(reading)
            if instead == PolicyEffect::Allow && reading.plain().is_none() =>
        {
            return None;
        }
        // A permission is for the path itself, however it was asked for.
        Resource::Path {
            relative, absolute, ..
        } if instead == PolicyEffect::Allow => relative
            .as_ref()
            .filter(|relative| !relative.is_empty())
            .unwrap_or(absolute)
            .clone(),
        Resource::Command(_)
        | Resource::Path { .. }
        | Resource::Text(_)
        | Resource::Host(_)
        | Resource::Write(_)
        | Resource::Unconfined => resource.name().into_owned(),
    };
    Some(RuleConfig {
        tool: tool.to_owned(),
        // What acts on nothing that has a name is meant whatever it acts on.
        resource: if name.is_empty() {
            "*".to_owned()
        } else {
            name
        },
        effect: instead,
        reason: None,
        session: None,
        person: None,
    })
}
