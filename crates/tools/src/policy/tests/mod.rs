//! What policies decide: presets, rules about commands, paths and hosts, and what wrappers change in it.
//! Invariant: every test goes through `decide`, as a turn does.
//! It must not know how a line is read.

mod commands;
mod explaining;
mod links;
mod properties;
mod repeating;
mod sending;

use std::path::Path;

use corvid_core::wire::{Effect, Requester, Role, SessionId};
use corvid_core::{Policy as _, PolicyDecision, PolicyEffect, PolicyRequest, Wider};

use super::{PolicyConfig, Preset, RuleConfig, RulePolicy};
use PolicyEffect::{Allow, Ask, Deny};

/// One call of a turn that person 1000 began in a terminal.
struct Call<'a> {
    tool: &'a str,
    resource: &'a str,
    also: Vec<String>,
    effect: Effect,
    wider: Option<Wider>,
}

fn call<'a>(tool: &'a str, resource: &'a str) -> Call<'a> {
    Call {
        tool,
        resource,
        also: Vec::new(),
        effect: Effect::Reconcilable,
        wider: None,
    }
}

fn command(line: &str) -> Call<'_> {
    call("system.run", line)
}

impl Call<'_> {
    fn pure(self) -> Self {
        Self {
            effect: Effect::Pure,
            ..self
        }
    }

    fn leading_to(self, path: &str) -> Self {
        Self {
            also: vec![path.to_owned()],
            ..self
        }
    }

    fn with(self, hosts: &[&str], writes: &[&str], lacking: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Self {
            wider: Some(Wider {
                reason: "to see".to_owned(),
                hosts: owned(hosts),
                writes: owned(writes),
                lacking: owned(lacking),
            }),
            ..self
        }
    }

    fn under<T>(&self, decide: impl FnOnce(&PolicyRequest<'_>) -> T) -> T {
        decide(&PolicyRequest {
            tool: self.tool,
            resource: self.resource,
            also: &self.also,
            effect: self.effect,
            wider: self.wider.as_ref(),
            working_dir: Path::new("/work/site"),
            session: &SessionId::new("s-home"),
            channel: "terminal",
            requester: &Requester {
                id: "1000".to_owned(),
                role: Role::Owner,
            },
        })
    }
}

fn policy(preset: Preset, rules: &[(&str, &str, PolicyEffect)]) -> RulePolicy {
    let rules = rules.iter().map(|(tool, resource, effect)| RuleConfig {
        tool: (*tool).to_owned(),
        resource: (*resource).to_owned(),
        effect: *effect,
        reason: None,
        session: None,
        person: None,
    });
    RulePolicy::new(PolicyConfig {
        preset,
        rules: rules.collect(),
    })
}

fn policy_of_everything() -> RulePolicy {
    policy(Preset::Careful, &[("system.run", "*", Allow)])
}

fn decide(policy: &RulePolicy, call: &Call<'_>) -> PolicyDecision {
    call.under(|request| policy.decide(request))
}

fn effect(policy: &RulePolicy, call: &Call<'_>) -> PolicyEffect {
    decide(policy, call).effect
}

#[test]
fn presets_say_what_asks() {
    let check = |call: &Call<'_>, careful, default, trusting| {
        let effects = Preset::ALL.map(|preset| effect(&policy(preset, &[]), call));
        assert_eq!(
            effects,
            [careful, default, trusting],
            "{}: {}",
            call.tool,
            call.resource
        );
    };
    check(&call("file.read", "a").pure(), Allow, Allow, Allow);
    check(&call("file.write", "a"), Ask, Allow, Allow);
    check(&command("ls"), Ask, Allow, Allow);
    check(
        &command("ls").with(&["crates.io"], &[], &[]),
        Ask,
        Ask,
        Allow,
    );
    check(&command("ls").with(&[], &["/srv"], &[]), Ask, Ask, Ask);
    check(
        &command("ls").with(&["crates.io"], &["/srv"], &[]),
        Ask,
        Ask,
        Ask,
    );
    check(
        &command("ls").with(&[], &[], &["no Landlock"]),
        Ask,
        Ask,
        Ask,
    );
    check(&command("ls").with(&[], &[], &[]), Ask, Ask, Ask);
    check(&call("ask_user", ""), Allow, Allow, Allow);
    check(&call("job.cancel", "j-1"), Allow, Allow, Allow);
    check(&call("output.read", "1.1.0").pure(), Allow, Allow, Allow);
}

#[test]
fn a_decision_names_the_rule_and_the_way_on() {
    let policy = policy(Preset::Default, &[("system.run", "git push*", Deny)]);
    assert_eq!(
        decide(&policy, &command("git push origin")),
        PolicyDecision {
            effect: Deny,
            rule: "policy.rules #1 (deny system.run: git push*)".to_owned(),
            reason: "the configuration forbids it (`git push origin`); reach the goal without it, or tell the \
                     person what you need: they can do it themselves or change the rule (`agent policy explain` \
                     says how)"
                .to_owned(),
        }
    );
    assert_eq!(
        decide(&policy, &command("git pull")),
        PolicyDecision {
            effect: Allow,
            rule: "preset default (allow *: *)".to_owned(),
            reason: "it stays inside the sandbox".to_owned(),
        }
    );
}

#[test]
fn the_last_rule_that_matches_decides() {
    let policy = policy(
        Preset::Default,
        &[
            ("system.*", "git *", Ask),
            ("system.run", "git log*", Allow),
            ("file.*", "*.lock", Deny),
        ],
    );
    assert_eq!(effect(&policy, &command("git push")), Ask);
    assert_eq!(effect(&policy, &command("git log -3")), Allow);
    assert_eq!(effect(&policy, &command("ls")), Allow);
    assert_eq!(effect(&policy, &call("file.write", "Cargo.lock")), Deny);
}

#[test]
fn rules_hold_for_their_sessions_and_people() {
    let rule = |session: Option<&str>, person: Option<&str>| {
        let policy = RulePolicy::new(PolicyConfig {
            preset: Preset::Default,
            rules: vec![RuleConfig {
                tool: "*".to_owned(),
                resource: "*".to_owned(),
                effect: Deny,
                reason: Some("not here".to_owned()),
                session: session.map(str::to_owned),
                person: person.map(str::to_owned),
            }],
        });
        effect(&policy, &command("ls"))
    };
    assert_eq!(rule(None, None), Deny);
    assert_eq!(rule(Some("s-home"), None), Deny);
    assert_eq!(rule(Some("s-*"), Some("terminal:*")), Deny);
    assert_eq!(rule(Some("s-work"), None), Allow);
    assert_eq!(rule(None, Some("telegram:1000")), Allow);
    assert_eq!(rule(Some("s-home"), Some("terminal:100")), Allow);
}

#[test]
fn the_strictest_of_all_resources_decides() {
    let policy = policy(
        Preset::Default,
        &[
            ("system.run", "host:*.github.com", Allow),
            ("system.run", "host:evil.github.com", Deny),
            ("system.run", "write:/srv/www/*", Allow),
            ("system.run", "unconfined", Deny),
        ],
    );
    let check = |hosts: &[&str], writes: &[&str], lacking: &[&str], expect, rule: &str| {
        let decision = decide(&policy, &command("ls").with(hosts, writes, lacking));
        assert_eq!((decision.effect, decision.rule.as_str()), (expect, rule));
    };
    let inside = "preset default (allow *: *)";
    check(&["api.github.com"], &[], &[], Allow, inside);
    check(&["api.github.com"], &["/srv/www/a"], &[], Allow, inside);
    check(
        &["api.github.com", "crates.io"],
        &[],
        &[],
        Ask,
        "preset default (ask *: host:*)",
    );
    check(
        &["api.github.com"],
        &["/srv/www"],
        &[],
        Ask,
        "preset default (ask *: write:*)",
    );
    check(
        &[],
        &["/srv/www/../etc"],
        &[],
        Ask,
        "preset default (ask *: write:*)",
    );
    let evil = "policy.rules #2 (deny system.run: host:evil.github.com)";
    check(&["evil.github.com", "crates.io"], &[], &[], Deny, evil);
    check(&["*.github.com"], &[], &[], Deny, evil);
    let unconfined = "policy.rules #4 (deny system.run: unconfined)";
    check(&[], &[], &["no Landlock"], Deny, unconfined);
}

#[test]
fn paths_are_compared_without_detours() {
    let policy = policy(
        Preset::Careful,
        &[
            ("file.write", "docs/*", Allow),
            ("file.write", "/work/site/notes.md", Allow),
            ("file.*", "docs/secret/*", Deny),
        ],
    );
    let check = |path, expect| {
        assert_eq!(
            effect(&policy, &call("file.write", path)),
            expect,
            "`{path}`"
        );
    };
    check("docs/a.md", Allow);
    check("./docs//b/../a.md", Allow);
    check("/work/site/docs/a.md", Allow);
    check("notes.md", Allow);
    check("docs/../src/main.rs", Ask);
    check("docs/../../other/docs/a", Ask);
    check("src/../docs/secret/key", Deny);
    check("docs/secret", Deny);
}
