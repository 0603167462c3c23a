//! Secrets on the ways that oversight adds: cards, answers, jobs. The rest of a turn is looked at in `redaction`.

use std::fs;
use std::io;
use std::path::Path;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use super::scene_with;
use crate::asking::waiting;

const SECRET: &str = "tok+81Zq0w/kept~x5";

/// The files below a folder that hold the secret. What a turn changed is kept as it was, or it could not be undone.
fn holding(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.ends_with("checkpoints") {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path)?);
        } else if path.is_file() {
            let bytes = fs::read(&path)?;
            if String::from_utf8_lossy(&bytes).contains(SECRET) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

/// A scene in which the secret is one, and lies in a file of the working folder.
fn kept(script: Script) -> io::Result<Scene> {
    let scene = scene_with(script)?
        .with_config("[policy]\npreset = \"careful\"\n")?
        .with_file("key.txt", &format!("key = {SECRET}\n"))?
        .with_variable("SERVICE_TOKEN", SECRET)
        .with_variable("CORVID_LOG", "trace");
    Ok(scene)
}

/// What commands that a person looks with say, none of it with the secret.
fn looked_at(scene: &Scene, commands: &[&[&str]]) -> io::Result<String> {
    let mut said = String::new();
    for command in commands {
        let shown = scene.agent(*command)?;
        assert_eq!(shown.code, Some(0), "{command:?}: {}", shown.all());
        said.push_str(&shown.all());
    }
    assert!(!said.contains(SECRET), "{said}");
    Ok(said)
}

fn assert_kept(scene: &Scene) -> io::Result<()> {
    assert_eq!(holding(&scene.home())?, [""; 0]);
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(!model.ledger().is_empty());
    for entry in model.ledger() {
        assert!(!entry.body.to_string().contains(SECRET), "{}", entry.body);
    }
    Ok(())
}

/// The change takes the secret away, so that its card shows what stood there.
#[test]
fn a_card_shows_no_secret() -> io::Result<()> {
    let write = json!({ "path": "key.txt", "content": "key = none\n" });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("file.write", &write),
        )
        .otherwise(Reply::text("done"));
    let scene = kept(script)?;
    let (run, question) = waiting(&scene)?;
    let said = looked_at(
        &scene,
        &[
            &["approvals", "list"],
            &["approvals", "show", &question],
            &["approvals", "show", &question, "--json"],
            &["sessions", "show", "x", "--json"],
        ],
    )?;
    assert!(said.contains("key = [redacted:SERVICE_TOKEN]"), "{said}");
    let reason = format!("never show {SECRET}");
    let denied = scene.agent(["approvals", "deny", &question, &reason])?;
    assert_eq!(denied.code, Some(0), "{}", denied.all());
    let ended = run.wait()?;
    assert!(!ended.all().contains(SECRET), "{}", ended.all());
    let said = looked_at(&scene, &[&["sessions", "show", "x"]])?;
    assert!(
        said.contains("never show [redacted:SERVICE_TOKEN]"),
        "{said}"
    );
    assert_kept(&scene)
}

/// What a person answers is kept from the model as well, if it is a secret.
#[test]
fn an_answer_holds_no_secret() -> io::Result<()> {
    let ask = json!({ "question": "Which key?" });
    let script = Script::new()
        .on(When::user("go").results(0), Reply::call("ask_user", &ask))
        .otherwise(Reply::text("it is {{result}}"));
    let scene = kept(script)?;
    let (run, question) = waiting(&scene)?;
    let answered = scene.agent(["approvals", "answer", &question, SECRET])?;
    assert_eq!(answered.code, Some(0), "{}", answered.all());
    let ended = run.wait()?;
    assert!(!ended.all().contains(SECRET), "{}", ended.all());
    assert!(
        ended.stdout.contains("[redacted:SERVICE_TOKEN]"),
        "{}",
        ended.all()
    );
    assert_kept(&scene)
}

#[test]
fn a_job_tells_no_secret() -> io::Result<()> {
    let call = json!({ "command": "cat key.txt", "background": true });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("system.run", &call),
        )
        .on(When::user("go").results(1), Reply::text("begun"))
        .otherwise(Reply::text("{{user}}"));
    let scene = kept(script)?;
    let ended = scene.run(["-s", "x", "--yes", "-e", "go"])?;
    assert_eq!(ended.code, Some(0), "{}", ended.all());
    assert!(!ended.all().contains(SECRET), "{}", ended.all());
    assert!(
        ended.stdout.contains("[redacted:SERVICE_TOKEN]"),
        "{}",
        ended.all()
    );
    let jobs = scene.agent(["jobs", "list", "--all", "--json"])?;
    let job: serde_json::Value = serde_json::from_str(&jobs.stdout)?;
    let job = job["job"].as_str().unwrap_or_default();
    let said = looked_at(
        &scene,
        &[
            &["jobs", "show", job],
            &["jobs", "output", job],
            &["sessions", "show", "x", "--json"],
        ],
    )?;
    assert!(said.contains("key = [redacted:SERVICE_TOKEN]"), "{said}");
    assert_kept(&scene)
}

/// The tests above look for the right thing: where it is no secret, it is found everywhere.
#[test]
fn what_is_no_secret_is_shown() -> io::Result<()> {
    let write = json!({ "path": "key.txt", "content": "key = none\n" });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("file.write", &write),
        )
        .otherwise(Reply::text("done"));
    let scene = kept(script)?.with_variable("SERVICE_TOKEN", "something else altogether");
    let (run, question) = waiting(&scene)?;
    let card = scene.agent(["approvals", "show", &question])?;
    assert!(card.stdout.contains(SECRET), "{}", card.all());
    scene.agent(["approvals", "deny", &question, SECRET])?;
    run.wait()?;
    assert!(!holding(&scene.home())?.is_empty());
    Ok(())
}
