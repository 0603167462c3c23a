//! `agent undo`, `/undo` and `agent sessions diff`: what a turn changed in files, and taking it back.

use std::fs;
use std::io;
use std::path::Path;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::{Value, json};

use crate::stage::scene;

/// A turn in session `x` that changed a file, made one and removed one.
fn changed() -> io::Result<Scene> {
    let write = json!({ "path": "a.txt", "content": "after\n" });
    let made = json!({ "path": "new/b.txt", "content": "made\n" });
    let remove = json!({ "command": "rm gone.txt" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("file.write", &write))
        .on(When::any().results(1), Reply::call("file.write", &made))
        .on(When::any().results(2), Reply::call("system.run", &remove))
        .otherwise(Reply::text("done"));
    let scene = scene()?
        .with_file("a.txt", "before\n")?
        .with_file("gone.txt", "back again\n")?
        .with_model(script)?;
    let said = scene.run(["-s", "x", "-e", "change it"])?;
    assert_eq!(said.stdout, "done\n", "{}", said.all());
    assert!(!scene.work().join("gone.txt").exists());
    Ok(scene)
}

fn content(scene: &Scene, name: &str) -> Option<String> {
    fs::read_to_string(scene.work().join(name)).ok()
}

fn assert_undone(scene: &Scene) {
    assert_eq!(content(scene, "a.txt").as_deref(), Some("before\n"));
    assert_eq!(content(scene, "gone.txt").as_deref(), Some("back again\n"));
    assert!(!scene.work().join("new").exists());
}

#[test]
fn a_turn_is_shown_and_taken_back() -> io::Result<()> {
    let scene = changed()?;
    let diff = scene.agent(["sessions", "diff", "x"])?;
    assert_eq!(diff.code, Some(0), "{}", diff.all());
    for line in ["-before", "+after", "+made", "-back again", "new/b.txt"] {
        assert!(
            diff.stdout.contains(line),
            "`{line}` is not in\n{}",
            diff.stdout
        );
    }
    let dry = scene.agent(["undo", "--dry-run"])?;
    assert!(dry.stdout.contains("a.txt"), "{}", dry.all());
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("after\n"));
    assert!(!dry.stdout.contains("is kept in"), "{}", dry.all());

    let undone = scene.agent(["undo"])?;
    assert_eq!(undone.code, Some(0), "{}", undone.all());
    for path in ["a.txt", "gone.txt", "new/b.txt"] {
        assert!(undone.stdout.contains(path), "{}", undone.all());
    }
    assert_undone(&scene);
    let last = undone.stdout.lines().last().unwrap_or_default();
    let kept = last.strip_prefix("what was there is kept in ");
    let kept = kept.and_then(|rest| rest.strip_suffix(" for 7 days"));
    let kept = Path::new(kept.ok_or_else(|| io::Error::other(undone.all()))?);
    assert_eq!(fs::read_to_string(kept.join("a.txt"))?, "after\n");
    assert_eq!(fs::read_to_string(kept.join("new/b.txt"))?, "made\n");
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("turn 1 was undone"), "{recorded}");
    let again = scene.agent(["undo", "x", "--turn", "1"])?;
    assert_eq!(again.code, Some(0), "{}", again.all());
    assert_undone(&scene);
    Ok(())
}

#[test]
fn the_message_undo_does_the_same() -> io::Result<()> {
    let scene = changed()?;
    let requests = scene.model().map_or(0, |model| model.ledger().len());
    let undone = scene.run(["-s", "x", "-e", "/undo"])?;
    assert_eq!(undone.code, Some(0), "{}", undone.all());
    assert_undone(&scene);
    assert_eq!(
        scene.model().map_or(0, |model| model.ledger().len()),
        requests
    );
    Ok(())
}

#[test]
fn what_was_changed_since_is_left() -> io::Result<()> {
    let scene = changed()?.with_file("a.txt", "mine\n")?;
    let undone = scene.agent(["undo", "x", "--json"])?;
    let report: Value = serde_json::from_str(&undone.stdout)?;
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("mine\n"));
    assert_eq!(content(&scene, "gone.txt").as_deref(), Some("back again\n"));
    let left = report["left"].to_string();
    assert!(left.contains("a.txt"), "{report}");
    let kept = Path::new(report["kept"].as_str().unwrap_or_default());
    assert_eq!(fs::read_to_string(kept.join("new/b.txt"))?, "made\n");
    Ok(())
}

#[test]
fn nothing_is_undone_while_a_turn_runs() -> io::Result<()> {
    let write = json!({ "path": "a.txt", "content": "after\n" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("file.write", &write))
        .otherwise(Reply::text("done").gate("end"));
    let scene = scene()?
        .with_file("a.txt", "before\n")?
        .with_model(script)?;
    let run = scene.start_run(["-s", "x", "-e", "go"])?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(model.wait_for(corvid_testkit::LIMIT, |ledger| ledger.len() == 2));
    let refused = scene.agent(["undo", "x"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("a turn runs in session `x`"),
        "{}",
        refused.stderr
    );
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("after\n"));
    model.open("end");
    assert_eq!(run.wait()?.code, Some(0));
    assert_eq!(scene.agent(["undo", "x"])?.code, Some(0));
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("before\n"));
    Ok(())
}

#[test]
fn nothing_to_undo_is_said() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let none = scene.agent(["undo"])?;
    assert_eq!(none.code, Some(1), "{}", none.all());
    assert!(
        none.stderr.contains("there is no session yet"),
        "{}",
        none.stderr
    );
    scene.run(["-s", "x", "-e", "hello"])?;
    let nothing = scene.agent(["undo"])?;
    assert_eq!(nothing.code, Some(1), "{}", nothing.all());
    assert!(
        nothing.stderr.contains("no turn of session `x` changed"),
        "{}",
        nothing.stderr
    );
    Ok(())
}

/// After a `kill -9` the last turn is the one that was cut off: an earlier one is not taken back in its place.
#[test]
fn what_a_killed_turn_changed_is_undone_once_that_is_known() -> io::Result<()> {
    let write = json!({ "path": "a.txt", "content": "after\n" });
    let command = json!({ "command": "echo cut > b.txt; echo beg''un; sleep 1000" });
    let script = Script::new()
        .on(
            When::user("first").results(0),
            Reply::call("file.write", &write),
        )
        .on(
            When::user("second").results(0),
            Reply::call("system.run", &command),
        )
        .otherwise(Reply::text("done"));
    let scene = scene()?
        .with_file("a.txt", "before\n")?
        .with_model(script)?;
    assert_eq!(scene.run(["-s", "x", "-e", "first"])?.code, Some(0));
    let run = scene.start_run(["--json", "-s", "x", "-e", "second"])?;
    assert!(run.hear(|said| said.contains("begun")), "{}", run.stdout());
    assert!(run.kill()?.was_killed());
    for arguments in [&["undo", "x"][..], &["sessions", "diff", "x"]] {
        let refused = scene.agent(arguments)?;
        assert_eq!(refused.code, Some(1), "{}", refused.all());
        for part in ["a command of turn 2", "agent run -s x", "`--turn 1`"] {
            assert!(refused.stderr.contains(part), "{}", refused.all());
        }
    }
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("after\n"));

    assert_eq!(scene.run(["-s", "x", "-e", "go on"])?.code, Some(0));
    let undone = scene.agent(["undo", "x"])?;
    assert_eq!(undone.code, Some(0), "{}", undone.all());
    assert_eq!(content(&scene, "b.txt"), None);
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("after\n"));
    assert_eq!(scene.agent(["undo", "x"])?.code, Some(0));
    assert_eq!(content(&scene, "a.txt").as_deref(), Some("before\n"));
    Ok(())
}
