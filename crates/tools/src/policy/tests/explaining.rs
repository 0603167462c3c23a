//! What is told of decisions: the deciding rule, what it overruled, and what would make it another.
//! Invariant: an explanation is compared whole, as a person reads it.
//! It must not know how it is shown.

use super::super::{Explanation, Overruled, ResourceDecision};
use super::*;

const INSIDE: &str = "preset default (allow *: *)";
const HOSTS: &str = "preset default (ask *: host:*)";

fn explain(policy: &RulePolicy, call: &Call<'_>) -> Explanation {
    call.under(|request| policy.explain(request))
}

fn ways(policy: &RulePolicy, call: &Call<'_>) -> Vec<String> {
    explain(policy, call).what_would_change
}

#[test]
fn an_explanation_tells_of_every_resource() {
    let policy = policy(
        Preset::Default,
        &[
            ("system.run", "host:*.github.com", Deny),
            ("system.run", "host:api.github.com", Allow),
        ],
    );
    let call = command("git push").with(&["api.github.com", "crates.io"], &[], &[]);
    let decided = |resource: &str, effect, rule: &str, reason: &str| ResourceDecision {
        resource: resource.to_owned(),
        effect,
        rule: rule.to_owned(),
        reason: reason.to_owned(),
    };
    let overruled = |rule: &str, effect| Overruled {
        rule: rule.to_owned(),
        effect,
        resource: "host:api.github.com".to_owned(),
        by: "policy.rules #2 (allow system.run: host:api.github.com)".to_owned(),
    };
    let leaving = "it would reach hosts outside the sandbox";
    let expect = Explanation {
        effect: Ask,
        rule: HOSTS.to_owned(),
        reason: leaving.to_owned(),
        resources: vec![
            decided("git push", Allow, INSIDE, "it stays inside the sandbox"),
            decided(
                "host:api.github.com",
                Allow,
                "policy.rules #2 (allow system.run: host:api.github.com)",
                "the configuration allows it",
            ),
            decided("host:crates.io", Ask, HOSTS, leaving),
        ],
        overruled: vec![
            overruled(HOSTS, Ask),
            overruled("policy.rules #1 (deny system.run: host:*.github.com)", Deny),
        ],
        what_would_change: vec![
            "add a rule: [[policy.rules]] tool = \"system.run\", resource = \"host:crates.io\", effect = \"allow\""
                .to_owned(),
            "set `policy.preset` to `trusting`: it would be allowed".to_owned(),
            "answer the question, or let `--yes` answer it for one turn".to_owned(),
        ],
    };
    assert_eq!(explain(&policy, &call), expect);
}

#[test]
fn a_permission_that_does_not_reach_says_why() {
    let policy = policy(Preset::Careful, &[("system.run", "*log*", Allow)]);
    assert_eq!(
        ways(&policy, &command("git log | wc -l")),
        [
            "policy.rules #1 (allow system.run: *log*) allows it only as one plain command: without operators, \
             redirections, variables, substitutions and assignments",
            "set `policy.preset` to `default`: it would be allowed",
            "set `policy.preset` to `trusting`: it would be allowed",
            "answer the question, or let `--yes` answer it for one turn",
        ]
    );
    assert_eq!(
        ways(&policy, &command("sh log"))[0],
        "policy.rules #1 (allow system.run: *log*) allows it only if its pattern begins with `sh`, since that runs \
         something else"
    );
}

#[test]
fn a_denial_says_which_rule_to_change() {
    let policy = policy(Preset::Default, &[("file.*", "*.lock", Deny)]);
    assert_eq!(
        ways(&policy, &call("file.write", "Cargo.lock")),
        ["take away or change policy.rules #1 (deny file.*: *.lock)"]
    );
    assert_eq!(
        ways(&policy, &call("file.write", "a \"b\".md")),
        [
            "add a rule: [[policy.rules]] tool = \"file.write\", resource = \"a \\\"b\\\".md\", effect = \"ask\"",
            "set `policy.preset` to `careful`: it would be asked about",
        ]
    );
}

/// A rule is named only if it does what is said of it.
#[test]
fn what_is_named_would_change_the_decision() {
    let rules = |preset, call: &Call<'_>| -> Vec<String> {
        let ways = ways(&policy(preset, &[]), call).into_iter();
        ways.filter(|way| way.starts_with("add a rule")).collect()
    };
    let both = command("git push").with(&["a.org"], &[], &[]);
    let line = |resource: &str| {
        format!(
            "add a rule, and the others that are named here: [[policy.rules]] tool = \"system.run\", \
             resource = \"{resource}\", effect = \"allow\""
        )
    };
    assert_eq!(
        rules(Preset::Careful, &both),
        [line("git push"), line("host:a.org")]
    );
    // No rule but one for everything would allow the line itself.
    let composed = command("git push; ls").with(&["a.org"], &[], &[]);
    assert_eq!(rules(Preset::Careful, &composed), Vec::<String>::new());
    let one = |tool: &str, resource: &str, effect: &str| {
        [format!(
            "add a rule: [[policy.rules]] tool = \"{tool}\", resource = \"{resource}\", effect = \"{effect}\""
        )]
    };
    assert_eq!(
        rules(Preset::Careful, &call("file.write", "./a/../b")),
        one("file.write", "b", "allow")
    );
    assert_eq!(
        rules(Preset::Default, &call("ask_user", "")),
        one("ask_user", "*", "ask")
    );
    // Such a name would say something else in a rule.
    assert_eq!(
        rules(Preset::Default, &call("file.write", "unconfined")),
        Vec::<String>::new()
    );
}

#[test]
fn the_rules_are_shown_in_their_order() {
    let policy = policy(Preset::Trusting, &[("file.*", "*.lock", Deny)]);
    let names: Vec<String> = policy.rules().map(|rule| rule.name).collect();
    assert_eq!(
        names,
        [
            "preset trusting (allow *: *)",
            "preset trusting (allow *: host:*)",
            "preset trusting (ask *: write:*)",
            "preset trusting (ask *: unconfined)",
            "preset trusting (allow ask_user: *)",
            "preset trusting (allow job.*: *)",
            "preset trusting (allow output.read: *)",
            "policy.rules #1 (deny file.*: *.lock)",
        ]
    );
}
