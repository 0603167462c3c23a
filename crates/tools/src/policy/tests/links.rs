//! Paths that have another name: the one that was asked for, and the one that a link leads to.
//! Invariant: neither name widens what the other may do.
//! It must not know how links are followed.

use super::*;

#[test]
fn the_strictest_of_all_names_decides() {
    let policy = policy(
        Preset::Careful,
        &[
            ("file.write", "docs/*", Allow),
            ("file.*", "secret*", Deny),
            ("file.*", "/srv/keys/*", Deny),
            ("file.*", "locked", Deny),
        ],
    );
    let check = |asked, leads, expect, rule: &str| {
        let decision = decide(&policy, &call("file.write", asked).leading_to(leads));
        assert_eq!(decision.effect, expect, "`{asked}` to `{leads}`");
        assert!(decision.rule.starts_with(rule), "{}", decision.rule);
    };
    check("docs/x", "docs/y", Allow, "policy.rules #1");
    check("docs/x", "src/y", Ask, "preset careful");
    check("x", "docs/y", Ask, "preset careful");
    check("docs/x", "secret", Deny, "policy.rules #2");
    check("docs/x", "/work/site/secret", Deny, "policy.rules #2");
    check("docs/x", "/srv/keys/a", Deny, "policy.rules #3");
    check("locked", "docs/y", Deny, "policy.rules #4");
}

#[test]
fn a_denial_names_where_the_link_leads() {
    let policy = policy(Preset::Default, &[("file.*", "secret*", Deny)]);
    let decision = decide(&policy, &call("file.read", "l").leading_to("secret"));
    assert!(
        decision.reason.contains("(`secret`)"),
        "{}",
        decision.reason
    );
}

#[test]
fn a_name_is_no_way_around_what_a_call_gets_beyond_the_sandbox() {
    let policy = policy(Preset::Default, &[]);
    let call = call("file.write", "l").leading_to("a");
    assert_eq!(effect(&policy, &call), Allow);
    // What leaves the sandbox and does not say what for is unconfined, however many names it has.
    assert_eq!(effect(&policy, &call.with(&[], &[], &[])), Ask);
}

#[test]
fn every_name_is_explained() {
    let policy = policy(Preset::Default, &[("file.*", "secret*", Deny)]);
    let explained = |leads| {
        let call = call("file.write", "secret-l").leading_to(leads);
        call.under(|request| policy.explain(request))
    };
    let explanation = explained("a");
    let decided: Vec<_> = explanation
        .resources
        .iter()
        .map(|decided| (decided.resource.as_str(), decided.effect))
        .collect();
    assert_eq!(decided, [("secret-l", Deny), ("a", Allow)]);
    let change = "take away or change policy.rules #1 (deny file.*: secret*)";
    assert_eq!(explained("secret").what_would_change, [change]);
}
