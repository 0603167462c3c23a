//! Nothing of the agent's own environment reaches a command, whatever the command was allowed.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::{Value, json};

use super::{all, names, scene_with};
use crate::asking::beside;

/// What is in the value of each variable that must not get through.
const MARK: &str = "hands-off";

/// Variables by which others have been robbed or led astray; `MARK` is put into each value.
const VARIABLES: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "sk-"),
    ("ANTHROPIC_API_KEY", "sk-ant-"),
    ("AWS_SECRET_ACCESS_KEY", "aws-"),
    ("GITHUB_TOKEN", "ghp_"),
    ("SSH_AUTH_SOCK", "/tmp/agent-"),
    ("DOCKER_HOST", "unix:///var/run/docker-"),
    ("GIT_SSH_COMMAND", "touch evil; ssh "),
    ("GIT_CONFIG_GLOBAL", "/tmp/gitconfig-"),
    ("LD_PRELOAD", "/tmp/evil-"),
    ("LD_LIBRARY_PATH", "/tmp/lib-"),
    ("BASH_ENV", "./evil.sh "),
    ("ENV", "./evil.sh "),
    ("PROMPT_COMMAND", "touch evil; "),
    ("SHELLOPTS", "xtrace:"),
    ("PS4", "$(touch evil) "),
    ("BASH_FUNC_true%%", "() { touch evil; } # "),
    ("PYTHONSTARTUP", "evil.py "),
    ("NODE_OPTIONS", "--require ./evil.js "),
    ("RUSTC_WRAPPER", "./evil.sh "),
    ("EDITOR", "vi "),
    ("NOT_LISTED", ""),
];

/// Writes the names it is given, and begins another shell.
#[cfg(feature = "faults")]
const LOOK: &str = "env | cut -d= -f1 > NAME.names; bash -c true; true";

/// Does so too, and writes whatever environments it can see around it; not for where that is everybody's.
const LOOK_AROUND: &str =
    "env | cut -d= -f1 > NAME.names; cat /proc/[0-9]*/environ > NAME.seen 2>&1; bash -c true; true";

/// What a shell adds for itself.
const OF_THE_SHELL: &[&str] = &["OLDPWD", "PWD", "SHLVL", "_"];

/// A scene whose model looks around in each way that a command can run, in an environment of an enemy.
fn looking(look: &str) -> io::Result<Scene> {
    let look = |name: &str| json!(look.replace("NAME", name));
    let named = |name: &str, more: &str, value: Value| {
        let mut call = json!({ "command": look(name) });
        call[more] = value;
        call
    };
    let scene = scene_with(Script::new())?;
    let beside = beside(&scene);
    fs::create_dir(&beside)?;
    let calls = [
        json!({ "command": look("plain") }),
        named(
            "writing",
            "escalate",
            json!({ "reason": "to write", "writes": [beside] }),
        ),
        named(
            "reaching",
            "escalate",
            json!({ "reason": "to reach", "hosts": ["example.org"] }),
        ),
        named("beside", "background", json!(true)),
    ];
    let script = Script::new()
        .once(When::any(), all("system.run", calls))
        .otherwise(Reply::text("done"));
    let scene = scene
        .with_file("evil.sh", "touch evil\n")?
        .with_model(script)?;
    Ok(VARIABLES.iter().fold(scene, |scene, (name, value)| {
        scene.with_variable(name, format!("{value}{MARK}"))
    }))
}

/// Checks what a look has left: these names beside the usual ones, and nothing of the enemy's.
fn assert_bare(scene: &Scene, look: &str, more: &[&str]) -> io::Result<()> {
    let read = |end: &str| fs::read_to_string(scene.work().join(format!("{look}.{end}")));
    let given = read("names")?;
    let given: BTreeSet<&str> = given.lines().collect();
    let shell: BTreeSet<&str> = OF_THE_SHELL.iter().copied().collect();
    let usual = ["HOME", "LANG", "PATH", "TERM", "TMPDIR"];
    let expect: BTreeSet<&str> = usual.iter().chain(more).copied().collect();
    let found: BTreeSet<&str> = given.difference(&shell).copied().collect();
    assert_eq!(found, expect, "{look}");
    let seen = read("seen")?;
    assert!(seen.contains("TMPDIR="), "{look} has seen nothing: {seen}");
    assert!(!seen.contains(MARK), "{look}: {seen}");
    assert!(!scene.work().join("evil").exists(), "{look}");
    Ok(())
}

const PROXY: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

#[test]
fn no_command_inherits_what_is_not_listed() -> io::Result<()> {
    let scene = looking(LOOK_AROUND)?;
    let said = scene.run(["-s", "x", "--yes", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    for look in ["plain", "writing", "beside"] {
        assert_bare(&scene, look, &[])?;
    }
    assert_bare(&scene, "reaching", PROXY)?;
    assert_eq!(names(&beside(&scene))?, [""; 0]);
    Ok(())
}

/// What the operator lists gets through, and nothing else with it.
#[test]
fn the_operator_lists_what_is_inherited() -> io::Result<()> {
    let scene = looking(LOOK_AROUND)?.with_variable("CORVID__SANDBOX__VARIABLES", "JAVA_HOME");
    let scene = scene.with_variable("JAVA_HOME", "/opt/java");
    let said = scene.run(["-s", "x", "--yes", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_bare(&scene, "plain", &["JAVA_HOME"])?;
    assert_bare(&scene, "beside", &["JAVA_HOME"])
}

/// Where nothing is enforced a command could look at other processes; it is given nothing all the same.
#[cfg(feature = "faults")]
#[test]
fn not_even_a_command_without_a_sandbox_inherits_more() -> io::Result<()> {
    for isolation in ["without-landlock", "without-namespaces", "none"] {
        let scene = looking(LOOK)?.with_variable("CORVID_ISOLATION", isolation);
        let said = scene.run(["-s", "x", "--yes", "-e", "go"])?;
        assert_eq!(said.code, Some(0), "{}", said.all());
        let given = fs::read_to_string(scene.work().join("plain.names"))?;
        let listed = |name: &str| VARIABLES.iter().any(|(variable, _)| *variable == name);
        let through: Vec<_> = given.lines().filter(|name| listed(name)).collect();
        assert_eq!(through, [""; 0], "{isolation}");
        assert!(given.contains("TMPDIR"), "{isolation}: {given}");
        assert!(!scene.work().join("evil").exists(), "{isolation}");
    }
    Ok(())
}
