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
    files_where(folder, &|text| spelt(text).next().is_some())
}

/// The files below a folder whose text is such.
fn files_where(folder: &Path, is_such: &dyn Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // Files as they were before a turn are kept just so, or `undo` would destroy what they held.
        if path.ends_with("checkpoints") {
            continue;
        }
        if path.is_dir() {
            found.extend(files_where(&path, is_such)?);
        } else if path.is_file() && is_such(&String::from_utf8_lossy(&fs::read(&path)?)) {
            found.push(path.display().to_string());
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

/// `base64` breaks what it writes into lines of 76 columns; a long key is taken out of them all the same.
#[test]
fn a_long_key_is_nowhere_in_lines_of_base64() -> io::Result<()> {
    let key: String = (0..160_u8)
        .map(|at| char::from(b'A' + at.wrapping_mul(37) % 26))
        .collect();
    let command =
        json!({ "command": "base64 k | tee lines.txt; base64 -w 64 k | sed 's/^/    /'" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &command))
        .otherwise(Reply::text("done"));
    let scene = scene()?
        .with_file("k", &key)?
        .with_model(script)?
        .with_variable("SERVICE_TOKEN", &key);
    let said = scene.run(["-s", "x", "-e", "encode it"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());

    // The command did write the key in lines, and nothing of them is anywhere else.
    let lines = fs::read_to_string(scene.work().join("lines.txt"))?;
    assert_eq!(lines.lines().count(), 3, "{lines}");
    let joined: String = lines.lines().collect();
    let parts: Vec<&str> = (0..200).step_by(8).map(|at| &joined[at..at + 8]).collect();
    let leaked = |text: &str| parts.iter().any(|part| text.contains(part));
    assert!(leaked(&lines), "{lines}");
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let asked: Vec<String> = model
        .ledger()
        .iter()
        .map(|entry| entry.body.to_string())
        .collect();
    assert!(!asked.iter().any(|body| leaked(body)), "{asked:#?}");
    assert!(
        asked
            .iter()
            .any(|body| body.contains("[redacted:SERVICE_TOKEN]"))
    );
    assert!(!leaked(&said.all()), "{}", said.all());
    assert_eq!(files_where(&scene.home(), &leaked)?, [] as [String; 0]);
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
