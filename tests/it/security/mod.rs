//! The promises of SECURITY about approvals, wrappers, environment, links and files, as the whole program keeps them.
//! Invariant: whether something ran is read from the files that it would have left, who decided it from the journal.
//! It must not know how a promise is kept.

mod bindings;
mod cards;
mod environment;
mod links;
mod messenger;
mod places;
mod secrets;
mod strangers;
mod swaps;
mod workspace;
mod wrappers;

use std::fs;
use std::io;
use std::path::Path;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::Value;

use crate::stage::scene;

/// A model that, told to go, makes these calls of one tool at once, and then says that it is done.
fn calling(tool: &str, calls: impl IntoIterator<Item = Value>) -> Script {
    Script::new()
        .on(When::user("go").results(0), all(tool, calls))
        .otherwise(Reply::text("done"))
}

/// One answer with these calls of a tool.
fn all(tool: &str, calls: impl IntoIterator<Item = Value>) -> Reply {
    let calls = calls.into_iter();
    calls.fold(Reply::default(), |reply, call| reply.and_call(tool, &call))
}

/// A scene with that model.
fn scene_with(script: Script) -> io::Result<Scene> {
    scene()?.with_model(script)
}

/// What the journal holds of one kind in a session, in its order.
fn told(scene: &Scene, session: &str, kind: &str) -> io::Result<Vec<Value>> {
    let events = scene.agent(["sessions", "show", session, "--json"])?;
    assert_eq!(events.code, Some(0), "{}", events.all());
    let events = events
        .stdout
        .lines()
        .map(serde_json::from_str::<Value>)
        .collect::<Result<Vec<_>, _>>()?;
    let of_kind = events.into_iter().filter(|event| event["kind"] == kind);
    Ok(of_kind.map(|mut event| event["payload"].take()).collect())
}

/// How each call of a session was decided, in the model's order.
fn verdicts(scene: &Scene, session: &str) -> io::Result<Vec<String>> {
    let decided = told(scene, session, "call.decided")?;
    let verdict = |decided: &Value| decided["verdict"]["verdict"].as_str().map(str::to_owned);
    Ok(decided.iter().filter_map(verdict).collect())
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
