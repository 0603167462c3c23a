//! `agent policy` and the config behind it: which rules there are, which one decides, what would change it.

use std::io;

use serde_json::Value;

use crate::stage::{scene, shown};

/// Rules of the person's own.
const RULES: &str = r#"
[policy]
preset = "careful"

[[policy.rules]]
tool = "system.run"
resource = "git *"
effect = "allow"

[[policy.rules]]
tool = "system.run"
resource = "git push*"
effect = "deny"
reason = "pushing is for people"

[[policy.rules]]
tool = "system.run"
resource = "host:*.crates.io"
effect = "allow"
session = "build-*"
"#;

/// What would become of a call: `allow`, `ask` or `deny`, and the whole of what is said.
fn explained(config: &str, arguments: &[&str]) -> io::Result<(String, String)> {
    let scene = scene()?.with_config(config)?;
    let arguments = [&["policy", "explain"], arguments].concat();
    let json = scene.agent([arguments.as_slice(), &["--json"]].concat())?;
    assert_eq!(json.code, Some(0), "{}", json.all());
    let json: Value = serde_json::from_str(&json.stdout)?;
    let text = scene.agent(arguments)?;
    Ok((
        json["effect"].as_str().unwrap_or_default().to_owned(),
        shown(&scene, &text),
    ))
}

#[test]
fn a_call_is_explained_by_the_rule_that_decides() -> io::Result<()> {
    let check = |name: &str, arguments: &[&str], expect: &str| -> io::Result<()> {
        let (effect, text) = explained(RULES, arguments)?;
        assert_eq!(effect, expect, "{text}");
        insta::assert_snapshot!(name, text);
        Ok(())
    };
    check("explain_denied", &["system.run: git push origin"], "deny")?;
    check("explain_allowed", &["system.run: git status"], "allow")?;
    check("explain_preset", &["file.write: src/main.rs"], "ask")?;
    check("explain_pure", &["file.read: src/main.rs"], "allow")?;
    check("explain_edit", &["file.edit: src/main.rs"], "ask")?;
    check(
        "explain_host",
        &["--hosts", "index.crates.io", "system.run: git fetch"],
        "ask",
    )?;
    check(
        "explain_host_in_session",
        &[
            "--hosts",
            "index.crates.io",
            "-s",
            "build-1",
            "system.run: git fetch",
        ],
        "allow",
    )
}

#[test]
fn what_cannot_be_explained_says_how_it_is_written() -> io::Result<()> {
    let scene = scene()?;
    let check = |call: &str, expect: &str| -> io::Result<()> {
        let refused = scene.agent(["policy", "explain", call])?;
        assert_eq!(refused.code, Some(1), "{}", refused.all());
        assert!(refused.stderr.contains(expect), "{}", refused.stderr);
        Ok(())
    };
    check("git push", "write the tool, a colon and what it acts on")?;
    check("sytem.run: git push", "did you mean `system.run`?")
}

/// What is no command is not answered as if it were one.
#[test]
fn what_a_rule_says_is_no_command() -> io::Result<()> {
    let scene = scene()?;
    let check = |call: &str, expect: &str| -> io::Result<()> {
        let refused = scene.agent(["policy", "explain", call])?;
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (Some(2), ""),
            "{}",
            refused.all()
        );
        assert!(refused.stderr.contains(expect), "{}", refused.stderr);
        Ok(())
    };
    check("system.run: host:crates.io", "with `--hosts crates.io`")?;
    check("system.run:write:/srv", "with `--writes /srv`")?;
    check("system.run: unconfined", "`--hosts` or `--writes`")?;
    // Other tools take it for what it is: a name.
    let file = scene.agent(["policy", "explain", "file.read: host:crates.io"])?;
    assert_eq!(file.code, Some(0), "{}", file.all());
    Ok(())
}

#[test]
fn every_rule_in_force_is_shown_in_order() -> io::Result<()> {
    let scene = scene()?.with_config(RULES)?;
    let text = scene.agent(["policy", "show"])?;
    insta::assert_snapshot!("show", shown(&scene, &text));
    let json = scene.agent(["policy", "show", "--json"])?;
    let rules: Vec<Value> = serde_json::from_str(&json.stdout)?;
    assert!(rules.len() > 3, "{}", json.stdout);
    Ok(())
}

#[test]
fn rules_are_set_from_the_command_line() -> io::Result<()> {
    let scene = scene()?;
    let rules = r#"[{ tool = "system.run", resource = "git push*", effect = "deny" }]"#;
    let set = scene.agent(["config", "set", "policy.rules", rules])?;
    assert_eq!(set.code, Some(0), "{}", set.all());
    let got = scene.agent(["config", "get", "policy.rules"])?.stdout;
    let again = scene.agent(["config", "set", "policy.rules", got.trim()])?;
    assert_eq!(again.code, Some(0), "{}", again.all());
    assert_eq!(scene.agent(["config", "get", "policy.rules"])?.stdout, got);
    let wrong = rules.replace("deny", "forbid");
    let refused = scene.agent(["config", "set", "policy.rules", &wrong])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused
            .stderr
            .contains("rule 1 has the `effect` \"forbid\""),
        "{}",
        refused.stderr
    );
    let shown = scene.agent(["config", "show"])?.stdout;
    assert!(shown.contains("git push*"), "{shown}");
    let denied = scene.agent(["policy", "explain", "system.run: git push", "--json"])?;
    assert!(denied.stdout.contains("\"deny\""), "{}", denied.all());
    Ok(())
}

#[test]
fn a_rule_about_no_tool_is_told() -> io::Result<()> {
    let scene = scene()?.with_config(
        "[[policy.rules]]\ntool = \"file.*\"\nresource = \"*.lock\"\neffect = \"ask\"\n\
         [[policy.rules]]\ntool = \"sytem.run\"\nresource = \"*\"\neffect = \"deny\"\n",
    )?;
    let check = scene.agent(["config", "check"])?;
    assert_eq!(check.code, Some(0), "{}", check.all());
    assert_eq!(
        check.stderr.matches("note: ").count(),
        1,
        "{}",
        check.stderr
    );
    assert!(
        check
            .stderr
            .contains("rule 2 of `policy.rules` is about `sytem.run`"),
        "{}",
        check.stderr
    );
    Ok(())
}
