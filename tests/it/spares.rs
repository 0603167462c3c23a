//! Supervisors that stand ready for commands to come: however the agent ends, none of them is left.
//! Invariant: they are found below the very process that began them, while the model still thinks.
//! It must not know how one is kept.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Instant;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{LIMIT, Process, Scene};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::scene;

/// A run whose turn had two commands in a row and waits for its model, and the processes that stand ready.
fn waiting() -> io::Result<(Scene, Process, Vec<String>)> {
    let command = |command: &str| Reply::call("system.run", &json!({ "command": command }));
    let script = Script::new()
        .on(When::any().results(0), command("echo one"))
        .on(When::any().results(1), command("echo two"))
        .otherwise(Reply::text("both are done").gate("go"));
    let scene = scene()?.with_model(script)?;
    let run = scene.start_run(["-s", "x", "-e", "go"])?;
    let begun = Instant::now();
    loop {
        let supervisors = children(&run.pid().to_string())?;
        let stages = supervisors.iter().map(|one| children(one));
        let stages = stages.collect::<io::Result<Vec<_>>>()?.concat();
        // A command's own pair is there for a moment only, and its stage has a child.
        let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
        if model.ledger().len() == 3 && (supervisors.len(), stages.len()) == (1, 1) {
            return Ok((scene, run, [supervisors, stages].concat()));
        }
        assert!(begun.elapsed() < LIMIT, "{supervisors:?} {stages:?}");
        thread::yield_now();
    }
}

/// The processes right below one, by their numbers.
fn children(parent: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let is_child = status(&path).contains(&format!("\nPPid:\t{parent}\n"));
        if let Some(number) = path.file_name().filter(|_| is_child) {
            found.push(number.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

/// What the system says of a process; nothing of one that is gone.
fn status(path: &Path) -> String {
    fs::read_to_string(path.join("status")).unwrap_or_default()
}

/// Waits until none of them runs.
fn assert_gone(ready: &[String]) {
    let begun = Instant::now();
    let runs = |number: &String| {
        let status = status(&Path::new("/proc").join(number));
        // Whoever adopted what is dead may take its time to notice.
        !status.is_empty() && !status.contains("\nState:\tZ")
    };
    while ready.iter().any(runs) {
        assert!(begun.elapsed() < LIMIT, "{ready:?}");
        thread::yield_now();
    }
}

#[test]
fn the_end_of_the_agent_leaves_none() -> io::Result<()> {
    let (scene, run, ready) = waiting()?;
    scene.model().ok_or(io::ErrorKind::NotFound)?.open("go");
    let said = run.wait()?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_gone(&ready);
    Ok(())
}

#[test]
fn ctrl_c_leaves_none() -> io::Result<()> {
    let (_scene, run, ready) = waiting()?;
    run.signal(Signal::INT)?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(130), "{}", said.all());
    assert_gone(&ready);
    Ok(())
}

#[test]
fn kill_9_leaves_none() -> io::Result<()> {
    let (_scene, run, ready) = waiting()?;
    assert!(run.kill()?.was_killed());
    assert_gone(&ready);
    Ok(())
}
