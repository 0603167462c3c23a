//! An approval is consent to exact bytes, in one session, one folder and one environment.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::process::Command;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{Output, Scene};
use serde_json::{Value, json};

use super::{all, names, told, verdicts};
use crate::asking::{beside, waiting, wanting};
use crate::stage::scene;

/// A scene whose model wants to touch `BESIDE/ran`, and told to vary it makes other calls that are almost the same.
fn almost() -> io::Result<Scene> {
    let scene = scene()?;
    let (ran, other) = (beside(&scene), scene.folder().join("other"));
    for folder in [&ran, &other, &scene.work().join("sub")] {
        fs::create_dir(folder)?;
    }
    let touch = format!("touch {}/ran", ran.display());
    let escalate = json!({ "reason": "to leave a mark", "writes": [ran] });
    let call = json!({ "command": touch, "escalate": escalate });
    let with = |name: &str, value: Value| {
        let mut call = call.clone();
        call[name] = value;
        call
    };
    let more = json!({ "reason": "to leave a mark", "writes": [ran, other] });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("system.run", &call),
        )
        .on(
            When::user("vary").results(0),
            all(
                "system.run",
                [
                    with("command", json!(format!("{touch} "))),
                    with("command", json!(format!("{touch}2"))),
                    with("command", json!(format!("env {touch}"))),
                    with("command", json!(format!("sh -c '{touch}'"))),
                    with("command", json!(format!("{touch}; {touch}2"))),
                    with("working_dir", json!("sub")),
                    with("timeout_secs", json!(7)),
                    with("background", json!(true)),
                    with("escalate", more),
                ],
            ),
        )
        .on(When::any().result("exit code 0"), Reply::text("it ran"))
        .otherwise(Reply::text("it did not run"));
    scene.with_model(script)
}

/// Has the call allowed for the session `x`, runs it once and takes its mark away.
fn allowed(scene: &Scene) -> io::Result<()> {
    let (run, question) = waiting(scene)?;
    let approved = scene.agent(["approvals", "approve", "--session", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    assert_eq!(run.wait()?.code, Some(0));
    fs::remove_file(beside(scene).join("ran"))
}

fn go(scene: &Scene, more: &[&str]) -> io::Result<Output> {
    scene.run([&["-s", "x", "-e", "go"], more].concat())
}

#[test]
fn what_differs_in_one_byte_is_asked_about_again() -> io::Result<()> {
    let scene = almost()?;
    allowed(&scene)?;
    let varied = scene.run(["-s", "x", "-e", "vary"])?;
    assert_eq!(varied.code, Some(6), "{}", varied.all());
    assert_eq!(names(&beside(&scene))?, [""; 0]);
    assert_eq!(names(&scene.folder().join("other"))?, [""; 0]);
    assert_eq!(verdicts(&scene, "x")?, ["ask"; 10]);
    assert_eq!(told(&scene, "x", "question.asked")?.len(), 10);
    assert!(told(&scene, "x", "job.started")?.is_empty());
    let same = go(&scene, &[])?;
    assert_eq!(same.stdout, "it ran\n", "{}", same.all());
    Ok(())
}

#[test]
fn another_folder_is_asked_about_again() -> io::Result<()> {
    let scene = almost()?;
    allowed(&scene)?;
    let elsewhere = go(&scene, &["--cwd", "sub"])?;
    assert_eq!(elsewhere.code, Some(6), "{}", elsewhere.all());
    assert_eq!(names(&beside(&scene))?, [""; 0]);
    assert_eq!(go(&scene, &[])?.code, Some(0));
    Ok(())
}

#[test]
fn another_environment_is_asked_about_again() -> io::Result<()> {
    let scene = almost()?
        .with_config("[sandbox]\nvariables = [\"EDITOR\"]\n")?
        .with_variable("EDITOR", "vi");
    allowed(&scene)?;
    // What no command gets makes no difference.
    let scene = scene.with_variable("GIT_SSH_COMMAND", "evil");
    assert_eq!(go(&scene, &[])?.code, Some(0));
    fs::remove_file(beside(&scene).join("ran"))?;
    let scene = scene.with_variable("EDITOR", "emacs");
    let changed = go(&scene, &[])?;
    assert_eq!(changed.code, Some(6), "{}", changed.all());
    assert_eq!(names(&beside(&scene))?, [""; 0]);
    Ok(())
}

/// Approved while nobody waited; the process that goes on has another environment.
#[test]
fn what_was_approved_does_not_run_in_another_environment() -> io::Result<()> {
    let scene = almost()?
        .with_config("[sandbox]\nvariables = [\"EDITOR\"]\n")?
        .with_variable("EDITOR", "vi");
    let (run, question) = waiting(&scene)?;
    assert!(run.kill()?.was_killed());
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    let scene = scene.with_variable("EDITOR", "emacs");
    let next = scene.run(["-s", "x", "-e", "well?"])?;
    assert_eq!(names(&beside(&scene))?, [""; 0], "{}", next.all());
    assert_eq!(told(&scene, "x", "question.asked")?.len(), 2);
    assert!(told(&scene, "x", "tool.started")?.is_empty());
    Ok(())
}

#[test]
fn what_yes_allowed_is_journalled_as_such() -> io::Result<()> {
    let scene = almost()?;
    let said = go(&scene, &["--yes"])?;
    assert_eq!(said.stdout, "it ran\n", "{}", said.all());
    let decided = told(&scene, "x", "call.decided")?;
    let rule = decided[0]["verdict"]["rule"].as_str().unwrap_or_default();
    assert!(rule.contains("--yes") && rule.contains("ask"), "{rule}");
    // It holds for this turn alone.
    assert_eq!(go(&scene, &[])?.code, Some(6));
    Ok(())
}

#[test]
fn an_approval_of_one_call_is_none_of_the_next_that_is_the_same() -> io::Result<()> {
    let scene = almost()?;
    let (run, question) = waiting(&scene)?;
    assert!(run.kill()?.was_killed());
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    let next = scene.run(["-s", "x", "-e", "well?"])?;
    assert_eq!(next.code, Some(0), "{}", next.all());
    fs::remove_file(beside(&scene).join("ran"))?;
    for _ in 0..2 {
        assert_eq!(go(&scene, &[])?.code, Some(6));
        let again = scene.agent(["approvals", "approve", &question])?;
        assert_eq!(again.code, Some(1), "{}", again.all());
    }
    assert_eq!(names(&beside(&scene))?, [""; 0]);
    assert_eq!(told(&scene, "x", "tool.started")?.len(), 1);
    Ok(())
}

/// A shell, a wrapper, or a program that goes by files in the folder may do something else next time.
#[test]
fn what_may_do_something_else_is_allowed_once_at_most() -> io::Result<()> {
    for command in [
        "sh -c 'touch BESIDE/ran'",
        "env touch BESIDE/ran",
        "time touch BESIDE/ran",
        "touch BESIDE/ran; true",
        "python3 -c pass",
        "./touch BESIDE/ran",
        "git init BESIDE/ran",
    ] {
        let scene = wanting(command)?;
        let (run, question) = waiting(&scene)?;
        let refused = scene.agent(["approvals", "approve", "--session", &question])?;
        assert_eq!(refused.code, Some(1), "{command}: {}", refused.all());
        assert!(
            refused.stderr.contains("for the session"),
            "{}",
            refused.stderr
        );
        scene.agent(["approvals", "deny", &question])?;
        assert_eq!(run.wait()?.code, Some(0));
        assert_eq!(names(&beside(&scene))?, [""; 0]);
    }
    Ok(())
}

/// `--yes` goes for what the person asked, not for what its jobs lead to later.
#[test]
fn what_a_job_leads_to_is_asked_about() -> io::Result<()> {
    let scene = scene()?;
    let beside = beside(&scene);
    fs::create_dir(&beside)?;
    let pipe = scene.work().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status()?.success());
    let job = json!({ "command": "read line < pipe", "background": true });
    let touch = json!({
        "command": format!("touch {}/ran", beside.display()),
        "escalate": { "reason": "to leave a mark", "writes": [beside] },
    });
    let script = Script::new()
        .on(When::user("go").results(0), Reply::call("system.run", &job))
        .on(When::user("go").results(1), Reply::text("begun"))
        .on(When::any().results(0), Reply::call("system.run", &touch))
        .otherwise(Reply::text("{{result}}"));
    let scene = scene.with_model(script)?;
    let run = scene.start_run(["--json", "--yes", "-s", "x", "-e", "go"])?;
    // The job ends after its turn, into which it would be told otherwise.
    let replied = run.hear(|said| said.contains("\"frame\":\"reply\""));
    assert!(replied, "{}", run.stdout());
    let mut pipe = File::options().read(true).write(true).open(pipe)?;
    pipe.write_all(b"\n")?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(6), "{}", said.all());
    assert_eq!(names(&beside)?, [""; 0]);
    assert_eq!(verdicts(&scene, "x")?, ["allow", "ask"]);
    Ok(())
}
