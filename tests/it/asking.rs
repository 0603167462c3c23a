//! Scenes in which a model wants to leave the sandbox: it writes one file in a folder beside the working folder.
//! Invariant: whether the command ran, and how often, is read from that file alone.
//! It must not know how a question is shown.

use std::io;
use std::path::PathBuf;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{Process, Scene};
use serde_json::{Value, json};

use crate::stage::scene;

/// The key of the call that the model wants.
pub(crate) const DONE: &str = "once\n";

/// The folder beside the working folder.
pub(crate) fn beside(scene: &Scene) -> PathBuf {
    scene.folder().join("beside")
}

/// What the command has left, a line for each time that it ran.
pub(crate) fn left(scene: &Scene) -> String {
    std::fs::read_to_string(beside(scene).join("ran")).unwrap_or_default()
}

/// A scene whose model, told to go, wants `command` to be allowed to write beside the working folder, and then says what it
/// was told.
pub(crate) fn wanting(command: &str) -> io::Result<Scene> {
    let scene = scene()?;
    let beside = beside(&scene);
    std::fs::create_dir(&beside)?;
    let call = json!({
        "command": command.replace("BESIDE", &beside.display().to_string()),
        "escalate": { "reason": "to leave a mark", "writes": [beside] },
    });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("system.run", &call),
        )
        .on(
            When::user("go").result("exit code 0"),
            Reply::text("it ran"),
        )
        .on(When::user("go").results(1), Reply::text("it did not run"))
        .otherwise(Reply::text("as you like"));
    scene.with_model(script)
}

/// The command that leaves a mark each time it runs.
pub(crate) fn marking() -> io::Result<Scene> {
    wanting("echo once >> BESIDE/ran")
}

/// A `run` in session `x` that waits for an answer from elsewhere, and the id of its question.
pub(crate) fn waiting(scene: &Scene) -> io::Result<(Process, String)> {
    let process = scene.start_run(["--wait", "--json", "-s", "x", "-e", "go"])?;
    let asked = process.hear(|said| said.contains("question.asked"));
    assert!(asked, "{}", process.stdout());
    let id = open_questions(scene)?.pop().map(|question| id(&question));
    Ok((process, id.unwrap_or_default()))
}

/// The open questions, as `agent approvals list --json` tells them.
pub(crate) fn open_questions(scene: &Scene) -> io::Result<Vec<Value>> {
    let listed = scene.agent(["approvals", "list", "--json"])?;
    assert_eq!(listed.code, Some(0), "{}", listed.all());
    let lines = listed.stdout.lines();
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// A question's id.
pub(crate) fn id(row: &Value) -> String {
    row["question"]["question"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The text of the reply that JSON lines end with.
pub(crate) fn reply(lines: &str) -> io::Result<Value> {
    Ok(serde_json::from_str(
        lines.lines().last().unwrap_or("null"),
    )?)
}
