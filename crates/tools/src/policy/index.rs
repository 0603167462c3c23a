//! The rules of a policy by what they are about, so that a decision looks at few of them.
//! Invariant: every rule that matches something is among those looked at, the last first.
//! It must not know what a rule does.

use std::borrow::Cow;

use super::resource::{Kind, Resource};
use super::rule::Rule;
use super::sketch::{Probe, Sketch};

/// Rules in the order in which they are asked.
#[derive(Clone, Debug)]
pub(super) struct Index {
    own: Vec<Entry>,
    hosts: Vec<Entry>,
    writes: Vec<Entry>,
    unconfined: Vec<Entry>,
}

/// A rule's place in its policy.
#[derive(Clone, Debug)]
struct Entry {
    rule: usize,
    /// None if it is about everything of its kind.
    probe: Option<Probe>,
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let of_kind = |kind| {
            let rules = rules.iter().enumerate().rev();
            let entries = rules.filter(|(_, rule)| rule.kind() == kind);
            entries
                .map(|(at, rule)| Entry {
                    rule: at,
                    probe: rule.probe(),
                })
                .collect()
        };
        Self {
            own: of_kind(Kind::Own),
            hosts: of_kind(Kind::Host),
            writes: of_kind(Kind::Write),
            unconfined: of_kind(Kind::Unconfined),
        }
    }

    /// The places of rules that may be about this, the last first.
    pub(super) fn candidates<'a>(
        &'a self,
        resource: &'a Resource<'_>,
    ) -> impl Iterator<Item = usize> + 'a {
        let entries = match resource.kind() {
            Kind::Own => &self.own,
            Kind::Host => &self.hosts,
            Kind::Write => &self.writes,
            Kind::Unconfined => &self.unconfined,
        };
        // Where every rule is about everything, nothing has to be read.
        let tells_apart = entries.iter().any(|entry| entry.probe.is_some());
        let sketch: Option<Cow<'a, Sketch>> = tells_apart.then(|| resource.sketch()).flatten();
        let may_match = move |entry: &&Entry| match (&entry.probe, &sketch) {
            (Some(probe), Some(sketch)) => probe.fits(sketch),
            _ => true,
        };
        entries.iter().filter(may_match).map(|entry| entry.rule)
    }
}
