//! A key never reaches the journal, an output, a log, the screen or the model, whichever way it comes.

use std::fs;
use std::io;
use std::path::Path;

use corvid_testkit::ModelServer;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use crate::stage::scene;

/// The secret, and how else it may be spelt: base64 (as `base64` writes it), URL, hex.
const SECRET: &str = "tok+5Zm9v/bar9Qx~y8";
const SPELLINGS: &[&str] = &[
    SECRET,
    "dG9rKzVabTl2L2JhcjlReH55OA",
    "tok%2B5Zm9v%2Fbar9Qx~y8",
    "746f6b2b355a6d39762f626172395178",
];

/// The files below a folder that hold the secret in any spelling.
fn holding(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // Files as they were before a turn are kept just so, or `undo` would destroy what they held.
        if path.ends_with("checkpoints") {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path)?);
        } else if path.is_file() {
            let bytes = fs::read(&path)?;
            let text = String::from_utf8_lossy(&bytes);
            found.extend(spelt(&text).map(|spelling| format!("{}: {spelling}", path.display())));
        }
    }
    Ok(found)
}

fn spelt(text: &str) -> impl Iterator<Item = &'static str> {
    SPELLINGS
        .iter()
        .copied()
        .filter(|spelling| text.contains(spelling))
}

#[test]
fn a_key_is_nowhere() -> io::Result<()> {
    let show = "cat key.txt; base64 < key.txt; od -An -tx1 < key.txt | tr -d ' \\n'; \
                printf 'tok+5Zm9v'; printf '/bar9Qx~y8\\n'";
    let script = Script::new()
        .on(
            When::any().results(0),
            Reply::call("system.run", &json!({ "command": show })),
        )
        .on(
            When::any().results(1),
            Reply::call("file.read", &json!({ "path": "key.txt" })),
        )
        .on(
            When::any().results(2),
            Reply::call(
                "file.write",
                &json!({ "path": "copy.txt", "content": SECRET }),
            ),
        )
        .otherwise(Reply::text(format!("the key is {SECRET}.")));
    let scene = scene()?
        .with_file("key.txt", SECRET)?
        .with_model(script)?
        .with_variable("SERVICE_TOKEN", SECRET)
        .with_variable("CORVID_LOG", "trace");
    let said = scene.run(["-s", "x", "-e", &format!("what about {SECRET}?")])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.stdout.contains("the key is [redacted:SERVICE_TOKEN]."),
        "{}",
        said.stdout
    );
    assert_eq!(spelt(&said.all()).collect::<Vec<_>>(), [] as [&str; 0]);
    assert_eq!(holding(&scene.home())?, [] as [String; 0]);
    assert!(
        !scene.work().join("copy.txt").exists(),
        "a mark is written nowhere"
    );

    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    for entry in model.ledger() {
        let body = entry.body.to_string();
        assert_eq!(spelt(&body).collect::<Vec<_>>(), [] as [&str; 0], "{body}");
    }
    let json = scene.run(["--json", "-s", "y", "-e", &format!("what about {SECRET}?")])?;
    assert_eq!(spelt(&json.all()).collect::<Vec<_>>(), [] as [&str; 0]);
    let shown = scene.agent(["sessions", "show", "x"])?;
    assert!(
        shown.stdout.contains("[redacted:SERVICE_TOKEN]"),
        "{}",
        shown.stdout
    );
    assert_eq!(scene.model().map(ModelServer::violations), Some(Vec::new()));
    Ok(())
}

/// The test above looks for the right things: without the variable the secret is found everywhere.
#[test]
fn what_is_not_called_a_secret_stays() -> io::Result<()> {
    let script = Script::new()
        .on(
            When::any().results(0),
            Reply::call("system.run", &json!({ "command": "cat key.txt" })),
        )
        .otherwise(Reply::text(format!("it says {SECRET}")));
    let scene = scene()?.with_file("key.txt", SECRET)?.with_model(script)?;
    let said = scene.run(["-s", "x", "-e", "look"])?;
    assert_eq!(said.stdout, format!("it says {SECRET}\n"));
    assert!(!holding(&scene.home())?.is_empty());
    Ok(())
}

/// What was kept of files holds their secrets, or `undo` would destroy them; what is shown of it does not.
#[test]
fn what_a_turn_changed_is_shown_without_a_key() -> io::Result<()> {
    let command = json!({ "command": "mv key.txt moved.txt; echo more >> moved.txt" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &command))
        .otherwise(Reply::text("done"));
    let key = format!("key={SECRET}\n");
    let scene = scene()?
        .with_file("key.txt", &key)?
        .with_model(script)?
        .with_variable("SERVICE_TOKEN", SECRET);
    assert_eq!(scene.run(["-s", "x", "-e", "move it"])?.code, Some(0));
    let shown = scene.agent(["sessions", "diff", "x"])?;
    for line in [
        "-key=[redacted:SERVICE_TOKEN]",
        "+key=[redacted:SERVICE_TOKEN]",
        "+more",
    ] {
        assert!(shown.stdout.contains(line), "{}", shown.all());
    }
    assert_eq!(spelt(&shown.all()).collect::<Vec<_>>(), [] as [&str; 0]);
    assert_eq!(scene.agent(["undo", "x"])?.code, Some(0));
    assert_eq!(fs::read_to_string(scene.work().join("key.txt"))?, key);
    Ok(())
}
