//! One rule, ready to be matched.
//! Invariant: a rule that restricts matches whatever may be meant; one that allows matches only what surely is.
//! It must not know the other rules.

use corvid_core::wire::Effect;
use corvid_core::{PolicyEffect, PolicyRequest};
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::place::HostPattern;
use super::presets::{Calls, Preset, PresetRule};
use super::resource::{HOST, Kind, Resource, UNCONFINED, WRITE};
use super::sketch::Probe;
use super::{command::Reading, place};

/// A rule as it is written in the configuration. In all patterns `*` stands for any run of characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// The tools it is about, e.g. `system.run`, `file.*`.
    pub tool: String,
    /// What they act on: a command line, a path, or with a prefix what a call gets beyond the sandbox:
    /// `host:*.github.com`, `write:/srv/www/*`, `unconfined`.
    pub resource: String,
    /// What it does.
    pub effect: PolicyEffect,
    /// Why, one sentence for the person who is asked or the model that is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The sessions it holds in; all if it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Whose turns it holds for, `channel:id`, e.g. `telegram:4711`; everybody's if it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// A rule as it stands in a policy.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) config: RuleConfig,
    /// The preset that it comes with; none for one of the configuration.
    pub(super) preset: Option<Preset>,
    calls: Calls,
    tool: Pattern,
    kind: Kind,
    /// Without the prefix that says the kind.
    resource: Pattern,
    /// Of a rule about hosts.
    host: Option<HostPattern>,
    /// Of a rule that restricts: the same with more words, as a command has them.
    longer: Option<Pattern>,
    session: Option<Pattern>,
    person: Option<Pattern>,
}

/// Whether a rule is about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    No,
    /// It cannot be told.
    Maybe,
    Yes,
}

impl Rule {
    /// The `number`th rule of the configuration, from 1.
    pub(super) fn configured(number: usize, config: RuleConfig) -> Self {
        let effect = effect_name(config.effect);
        let name = format!(
            "policy.rules #{number} ({effect} {}: {})",
            config.tool, config.resource
        );
        Self::new(name, config, None, Calls::All)
    }

    /// A rule of a preset.
    pub(super) fn preset(preset: Preset, rule: &PresetRule) -> Self {
        let of = match rule.calls {
            Calls::All => "",
            Calls::Pure => " that changes nothing",
        };
        let effect = effect_name(rule.effect);
        let name = format!(
            "preset {} ({effect} {}: {}{of})",
            preset.name(),
            rule.tool,
            rule.resource
        );
        let config = RuleConfig {
            tool: rule.tool.to_owned(),
            resource: rule.resource.to_owned(),
            effect: rule.effect,
            reason: Some(rule.reason.to_owned()),
            session: None,
            person: None,
        };
        Self::new(name, config, Some(preset), rule.calls)
    }

    fn new(name: String, config: RuleConfig, preset: Option<Preset>, calls: Calls) -> Self {
        let written = config.resource.as_str();
        let (kind, resource) = if let Some(host) = written.strip_prefix(HOST) {
            (Kind::Host, host.to_owned())
        } else if let Some(path) = written.strip_prefix(WRITE) {
            (Kind::Write, path.to_owned())
        } else if written == UNCONFINED {
            (Kind::Unconfined, "*".to_owned())
        } else {
            (Kind::Own, written.to_owned())
        };
        let restricts = config.effect != PolicyEffect::Allow;
        Self {
            longer: (restricts && !resource.ends_with('*'))
                .then(|| Pattern::new(format!("{resource} *"))),
            host: (kind == Kind::Host).then(|| HostPattern::new(&resource)),
            resource: Pattern::new(resource),
            kind,
            calls,
            tool: Pattern::new(config.tool.as_str()),
            session: config.session.as_deref().map(Pattern::new),
            person: config.person.as_deref().map(Pattern::new),
            name,
            config,
            preset,
        }
    }

    /// Whether it holds for such a call, whatever that acts on.
    pub(super) fn holds_for(&self, request: &PolicyRequest<'_>) -> bool {
        let session = self.session.as_ref();
        let person = self.person.as_ref();
        let asking = || format!("{}:{}", request.channel, request.requester.id);
        self.tool.covers(request.tool)
            && (self.calls == Calls::All || request.effect == Effect::Pure)
            && session.is_none_or(|session| session.covers(request.session.as_str()))
            && person.is_none_or(|person| person.covers(&asking()))
    }

    /// Whether it is about a call, and about this resource of it.
    pub(super) fn decides(&self, request: &PolicyRequest<'_>, resource: &Resource<'_>) -> Match {
        if self.kind != resource.kind() || !self.holds_for(request) {
            return Match::No;
        }
        self.matches(resource)
    }

    /// What it is about.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// What texts must have for the rule to match them; none if it matches all.
    pub(super) fn probe(&self) -> Option<Probe> {
        (!self.resource.is_all()).then(|| Probe::of(self.resource.as_str()))
    }

    /// Whether it is about this resource.
    fn matches(&self, resource: &Resource<'_>) -> Match {
        if self.resource.is_all() {
            return Match::Yes;
        }
        let allows = self.config.effect == PolicyEffect::Allow;
        match resource {
            Resource::Command(reading) if allows => yes_if(self.allows_command(reading)),
            Resource::Command(reading) => self.restricts_command(reading),
            Resource::Path {
                asked: _,
                relative,
                absolute,
            } if allows => yes_if(
                self.resource.covers(absolute)
                    || relative
                        .as_ref()
                        .is_some_and(|path| self.resource.covers(path)),
            ),
            Resource::Path {
                asked,
                relative,
                absolute,
            } => yes_if(
                self.resource.covers(asked)
                    || place::reaches(&self.resource, absolute)
                    || relative
                        .as_ref()
                        .is_some_and(|path| place::reaches(&self.resource, path)),
            ),
            Resource::Text(text) => yes_if(self.resource.covers(text)),
            Resource::Host(host) => yes_if(self.host.as_ref().is_some_and(|pattern| {
                if allows {
                    pattern.covers(host)
                } else {
                    pattern.reaches(host)
                }
            })),
            Resource::Write(path) if allows => yes_if(place::covers(&self.resource, path)),
            Resource::Write(path) => yes_if(place::reaches(&self.resource, path)),
            Resource::Unconfined => Match::Yes,
        }
    }

    /// Whether its pattern covers the line as a text, whatever that runs.
    pub(super) fn covers_text(&self, reading: &Reading<'_>) -> bool {
        self.kind == Kind::Own && self.resource.covers(reading.line())
    }

    /// An allowed command is a plain one, and if it is a wrapper, the pattern says so.
    fn allows_command(&self, reading: &Reading<'_>) -> bool {
        self.covers_text(reading)
            && reading
                .named()
                .is_some_and(|words| self.resource.literal().starts_with(&words.join(" ")))
    }

    /// A restricted command may stand anywhere in the line, in any spelling, and have more words than the pattern.
    fn restricts_command(&self, reading: &Reading<'_>) -> Match {
        let patterns = || std::iter::once(&self.resource).chain(&self.longer);
        if patterns().any(|pattern| pattern.covers(reading.line()) || reading.has(pattern)) {
            Match::Yes
        } else if patterns().any(|pattern| reading.may_have(pattern)) {
            Match::Maybe
        } else {
            Match::No
        }
    }

    /// Why, one sentence.
    pub(super) fn reason(&self) -> &str {
        self.config
            .reason
            .as_deref()
            .unwrap_or(match self.config.effect {
                PolicyEffect::Allow => "the configuration allows it",
                PolicyEffect::Ask => "the configuration says to ask",
                PolicyEffect::Deny => "the configuration forbids it",
            })
    }
}

/// The effect as it is written in the configuration.
pub(super) fn effect_name(effect: PolicyEffect) -> &'static str {
    match effect {
        PolicyEffect::Allow => "allow",
        PolicyEffect::Ask => "ask",
        PolicyEffect::Deny => "deny",
    }
}

fn yes_if(matches: bool) -> Match {
    if matches { Match::Yes } else { Match::No }
}
