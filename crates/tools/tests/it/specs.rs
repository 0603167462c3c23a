//! What the model is told about the tools.

use serde_json::{Value, json};

use crate::scene::Scene;

#[test]
fn all_specs_together_stay_small() {
    let scene = Scene::new();
    let specs = serde_json::to_string(scene.tools.specs().as_ref()).expect("json");
    assert!(specs.len() <= 4_608, "{} bytes of specs", specs.len());
    insta::assert_json_snapshot!(scene.tools.specs().as_ref());
}

#[track_caller]
fn check(tool: &str, arguments: &Value, expect: &str) {
    let scene = Scene::new();
    let error = scene.tool(tool).check(arguments, &scene.path(""));
    assert_eq!(error, Err(expect.to_owned()), "{tool} {arguments}");
}

#[test]
fn wrong_arguments_are_told_with_what_is_allowed() {
    check(
        "system.run",
        &json!({ "command": "ls", "timeout_secs": "30" }),
        "argument `timeout_secs` is the text \"30\"; it must be a whole number of at least 1",
    );
    check(
        "system.run",
        &json!({ "command": ["ls", "-l"] }),
        "argument `command` is a list; it must be text",
    );
    check(
        "system.run",
        &json!({ "command": " " }),
        "argument `command` is empty; it must be a command line",
    );
    check(
        "system.run",
        &json!({ "cmd": "ls" }),
        "unknown argument `cmd`; allowed: `background`, `command`, `escalate`, `timeout_secs`, \
         `working_dir`",
    );
    check(
        "job.cancel",
        &json!({}),
        "argument `job` is missing; it must be text",
    );
    check(
        "job.list",
        &json!({ "all": true }),
        "unknown argument `all`; there are none",
    );
    check(
        "file.read",
        &json!({ "path": "a", "offset": 0 }),
        "argument `offset` is the number 0; it must be a whole number of at least 1",
    );
    check(
        "file.read",
        &json!({ "path": "" }),
        "argument `path` is empty; `.` is the working folder",
    );
    check(
        "file.write",
        &json!({ "path": "a" }),
        "argument `content` is missing; it must be text",
    );
    check(
        "file.edit",
        &json!({ "path": "a", "old": "x", "new": "x" }),
        "arguments `old` and `new` are the same; nothing would change",
    );
    check(
        "file.edit",
        &json!({ "path": "a", "old": "", "new": "x" }),
        "argument `old` is empty; name the passage to replace, or use `file.write`",
    );
    check(
        "output.read",
        &json!({ "call": "../../x" }),
        "argument `call`: `../../x` is not a call id; expected turn.step.index, e.g. 3.1.0",
    );
    check(
        "file.list",
        &json!("src"),
        "the arguments are the text \"src\"; they must be one JSON object",
    );
}

#[test]
fn a_command_that_asks_for_too_much_is_told_what_it_may() {
    check(
        "system.run",
        &json!({ "command": "ls", "timeout_secs": 301 }),
        "argument `timeout_secs` is 301; it may be up to 300, or more with `background`",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "timeout_secs": 86_401, "background": true }),
        "argument `timeout_secs` is 86401; it may be up to 86400",
    );
    check(
        "system.run",
        &json!({ "command": "echo [redacted:OPENAI_API_KEY]" }),
        "the arguments hold the mark `[redacted`, which stands for a secret that you cannot see; write the \
         command without it",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "escalate": "the network" }),
        "argument `escalate` is the text \"the network\"; it must be an object with hosts, reason, writes",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "escalate": { "hosts": ["crates.io"] } }),
        "argument `escalate.reason` is missing; it must be text",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "escalate": { "reason": "x", "host": "crates.io" } }),
        "unknown argument `escalate.host`; allowed: `escalate.hosts`, `escalate.reason`, `escalate.writes`",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "escalate": { "reason": "x", "hosts": ["crates.io", 7] } }),
        "argument `escalate.hosts[1]` is the number 7; it must be text",
    );
    check(
        "system.run",
        &json!({ "command": "ls", "escalate": { "reason": "x" } }),
        "argument `escalate` asks for nothing; name the `hosts` to reach or the `writes` to make outside the \
         working folder, or leave it out",
    );
}

#[test]
fn an_expression_that_is_none_is_told_before_anything_runs() {
    let scene = Scene::new();
    let check = |arguments: Value, expect: &str| {
        let error = scene.tool("file.search").check(&arguments, &scene.path(""));
        assert!(error.is_err_and(|text| text.starts_with(expect)));
    };
    check(
        json!({ "pattern": "(" }),
        "argument `pattern` is no regular expression: ",
    );
    check(
        json!({ "pattern": "a", "glob": "{a" }),
        "argument `glob` is no glob: ",
    );
}
