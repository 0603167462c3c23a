//! Commands that need more than the sandbox gives: what is asked for, what a person sees, what it is bound to.

use std::path::Path;

use corvid_core::wire::CardForm;
use corvid_core::{Checked, Invocation, Preview, Wider};
use serde_json::{Value, json};

use crate::sandbox::Act;
use crate::scene::{Scene, told};

fn checked(scene: &Scene, arguments: &Value) -> Result<Checked, String> {
    let working_dir = scene.path("").components().collect::<std::path::PathBuf>();
    scene.tool("system.run").check(arguments, &working_dir)
}

async fn preview(scene: &Scene, index: u32, arguments: Value) -> Result<Preview, String> {
    let call = scene.invocation("system.run", index, arguments)?;
    scene.tool("system.run").preview(&call).await.map_err(told)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_call_says_what_it_would_get_beyond_the_sandbox() {
    let scene = Scene::with(|config| corvid_tools::Config {
        home: Some("/home/me".into()),
        ..config
    });
    let asked = json!({ "command": "git push", "escalate": {
        "reason": " it publishes ",
        "hosts": ["GitHub.com.", "*.github.com:0443"],
        "writes": ["~/.cache/x", "/srv/../opt/y/", "~/.cache/x/."],
    }});
    let checked = checked(&scene, &asked).expect("valid");
    assert_eq!(checked.resource, "git push");
    let expect = Wider {
        reason: "it publishes".to_owned(),
        hosts: owned(&["*.github.com:443", "github.com"]),
        writes: owned(&["/home/me/.cache/x", "/opt/y"]),
        lacking: Vec::new(),
    };
    assert_eq!(checked.wider, Some(expect));
}

#[test]
fn what_needs_no_asking_is_said() {
    let scene = Scene::new();
    let inside = scene.path("target");
    for path in [".", "target", "a/../b", inside.to_str().expect("a name")] {
        let escalate = json!({ "reason": "x", "writes": [path] });
        let error = checked(&scene, &json!({ "command": "make", "escalate": escalate }));
        let error = error.expect_err("it needs no asking");
        assert!(error.contains("lies in the working folder"), "{error}");
    }
    let plain = checked(&scene, &json!({ "command": "make", "escalate": null }));
    assert_eq!(plain.expect("valid").wider, None);
}

#[test]
fn where_the_sandbox_does_not_hold_every_command_says_so() {
    let scene = Scene::new();
    let lacking = owned(&["this kernel has no Landlock"]);
    *scene.sandbox.lacking.lock().expect("lock") = lacking.clone();
    let wider = |arguments: Value| checked(&scene, &arguments).expect("valid").wider;
    let plain = wider(json!({ "command": "ls" }));
    let expect = Wider {
        lacking: lacking.clone(),
        ..Wider::default()
    };
    assert_eq!(plain, Some(expect));
    // The model may still say why, though there is nothing more to grant.
    let reasoned = wider(json!({ "command": "ls", "escalate": { "reason": "to look" } }));
    let expect = Wider {
        reason: "to look".to_owned(),
        lacking,
        ..Wider::default()
    };
    assert_eq!(reasoned, Some(expect));
    let rules = scene.tools.rules(Path::new("/work")).join("\n");
    assert!(!rules.contains("escalate"), "{rules}");
}

#[test]
fn the_prompt_tells_what_escalate_and_jobs_are() {
    let rules = Scene::new().tools.rules(Path::new("/work")).join("\n");
    assert!(rules.contains("`escalate`") && rules.contains("allowed"));
    assert!(rules.contains("never poll"), "{rules}");
}

#[tokio::test]
async fn the_card_shows_all_of_it() {
    let scene = Scene::new();
    scene.file("sub/x", "");
    let asked = json!({
        "command": "cargo fetch\n\ttrue ",
        "working_dir": "sub",
        "background": true,
        "timeout_secs": 600,
        "escalate": { "reason": "to get the crates", "hosts": ["crates.io"] },
    });
    let preview = preview(&scene, 0, asked).await.expect("a card");
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(preview.card.title, "run a command with network access");
    assert_eq!(preview.card.body, "cargo fetch\n\ttrue ");
    assert_eq!(preview.card.form, CardForm::Command);
    let folder = scene.path("sub").display().to_string();
    let expect = [
        fact("folder", &folder),
        fact("reason", "to get the crates"),
        fact("network", "crates.io"),
        fact("time limit", "600 s"),
        fact("background", "as a job beside the conversation"),
    ];
    assert_eq!(preview.card.facts, expect);
}

#[tokio::test]
async fn a_title_says_what_kind_of_command_it_is() {
    let check = async |scene: &Scene, escalate: Value, expect: &str| {
        let asked = json!({ "command": "x", "escalate": escalate });
        let preview = preview(scene, 0, asked).await.expect("a card");
        assert_eq!(preview.card.title, expect);
    };
    let scene = Scene::new();
    check(&scene, Value::Null, "run a command").await;
    let hosts = json!({ "reason": "r", "hosts": ["a.org"] });
    check(&scene, hosts, "run a command with network access").await;
    let writes = json!({ "reason": "r", "writes": ["/srv"] });
    check(
        &scene,
        writes,
        "run a command that writes outside the working folder",
    )
    .await;
    let both = json!({ "reason": "r", "hosts": ["a.org"], "writes": ["/srv"] });
    check(
        &scene,
        both.clone(),
        "run a command with network access that writes outside the working folder",
    )
    .await;
    *scene.sandbox.lacking.lock().expect("lock") = owned(&["no Landlock"]);
    check(&scene, both, "run a command without the whole sandbox").await;
}

#[tokio::test]
async fn only_a_plain_command_of_a_known_program_may_be_allowed_for_a_session() {
    let scene = Scene::new();
    for (command, expect) in [
        ("curl -sS https://example.com", true),
        ("touch /srv/x", true),
        ("git push origin main", false),
        ("cargo fetch", false),
        ("sh -c 'git push'", false),
        ("env git push", false),
        ("time git push", false),
        ("busybox wget x", false),
        ("python3 x.py", false),
        ("git push && rm x", false),
        ("git push\nrm x", false),
        ("cat <<E\nx\nE", false),
        ("git push $(cat x)", false),
    ] {
        let preview = preview(&scene, 0, json!({ "command": command })).await;
        assert_eq!(preview.expect("a card").repeatable, expect, "{command}");
    }
}

#[tokio::test]
async fn an_answer_is_bound_to_whatever_would_make_it_another_run() {
    let scene = Scene::new();
    scene.file("sub/x", "");
    let binding = async |index, arguments: Value| {
        let preview = preview(&scene, index, arguments).await.expect("a card");
        preview.binding
    };
    let escalate = json!({ "reason": "r", "hosts": ["a.org"] });
    let first = binding(0, json!({ "command": "x", "escalate": escalate })).await;
    // The same of another call, with another reason, is the same.
    let other = json!({ "reason": "because", "hosts": ["A.org"] });
    let again = json!({ "command": "x", "escalate": other });
    assert_eq!(binding(1, again).await, first);
    for changed in [
        json!({ "command": "x ", "escalate": escalate }),
        json!({ "command": "x" }),
        json!({ "command": "x", "escalate": escalate, "background": true }),
        json!({ "command": "x", "escalate": escalate, "timeout_secs": 31 }),
        json!({ "command": "x", "escalate": escalate, "working_dir": "sub" }),
        json!({ "command": "x", "escalate": { "reason": "r", "hosts": ["a.org", "b.org"] } }),
        json!({ "command": "x", "escalate": { "reason": "r", "hosts": ["a.org:81"] } }),
        json!({ "command": "x", "escalate": {
            "reason": "r", "hosts": ["a.org"], "writes": ["/srv"],
        }}),
    ] {
        assert_ne!(binding(0, changed.clone()).await, first, "{changed}");
    }
}

#[tokio::test]
async fn what_the_sandbox_refuses_is_not_asked() {
    let scene = Scene::new();
    let escalate = json!({ "reason": "r", "writes": ["/etc"] });
    let refused = preview(&scene, 0, json!({ "command": "x", "escalate": escalate })).await;
    assert_eq!(refused, Err("`/etc` is a system folder".to_owned()));
    let nowhere = json!({ "command": "x", "working_dir": "nowhere" });
    let refused = preview(&scene, 0, nowhere).await;
    let named = "argument `working_dir` is \"nowhere\"; ";
    assert!(refused.is_err_and(|text| text.starts_with(named)));
}

#[tokio::test]
async fn what_nobody_was_asked_about_is_not_taken_for_allowed() {
    let scene = Scene::new();
    let tool = scene.tool("system.run");
    let call = |index| {
        let call = scene.invocation("system.run", index, json!({ "command": "x" }));
        call.expect("valid")
    };
    let lacking = |now: &[&str]| *scene.sandbox.lacking.lock().expect("lock") = owned(now);
    let granted = async |call: &Invocation| {
        scene.sandbox.script(Act::exits(0, ""));
        tool.run(call).await.expect("the fake runs it");
        let commands = scene.sandbox.commands.lock().expect("lock").clone();
        let wider = commands.into_iter().next_back().and_then(|last| last.wider);
        wider.map(|wider| wider.lacking)
    };
    // It grew worse between the decision and the run, as it may where another process runs it after a crash.
    let decided = call(0);
    lacking(&["no namespaces"]);
    assert_eq!(granted(&decided).await, None);
    // A person saw it before they allowed it.
    tool.preview(&decided).await.expect("a card");
    assert_eq!(granted(&decided).await, Some(owned(&["no namespaces"])));
    // It was known when the call was decided on.
    assert_eq!(granted(&call(1)).await, Some(owned(&["no namespaces"])));
    lacking(&[]);
    assert_eq!(granted(&call(1)).await, None);
}

#[tokio::test]
async fn what_runs_is_what_was_described() {
    let scene = Scene::new();
    scene.sandbox.script(Act::exits(0, ""));
    let escalate = json!({ "reason": "r", "hosts": ["a.org"], "writes": ["/srv/x"] });
    let asked = json!({ "command": "x", "escalate": escalate });
    let wider = checked(&scene, &asked).expect("valid").wider;
    scene.text("system.run", asked).await;
    let commands = scene.sandbox.commands.lock().expect("lock").clone();
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].wider, wider);
}

#[tokio::test]
async fn hosts_that_turned_a_command_away_are_told() {
    let scene = Scene::new();
    let mut act = Act::exits(22, "curl: (22)\n");
    act.away = vec!["host `b.org` is not granted\x1b[2J; ask for it"; 9];
    scene.sandbox.script(act);
    let text = scene.text("system.run", json!({ "command": "x" })).await;
    let line = "[turned away: host `b.org` is not granted; ask for it]\n";
    assert_eq!(
        text,
        format!("exit code 22\n{}curl: (22)\n", line.repeat(8))
    );
}
