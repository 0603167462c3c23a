//! `agent sessions`: what is there, and what was said and done.

use std::io;

use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::{Value, json};

use crate::stage::scene;

#[test]
fn an_empty_store_says_how_to_begin() -> io::Result<()> {
    let scene = scene()?;
    let listed = scene.agent(["sessions", "list"])?;
    assert_eq!(
        listed.stdout,
        "no sessions yet; `agent run -e TEXT` begins one\n"
    );
    let as_json = scene.agent(["sessions", "list", "--json"])?;
    assert_eq!((as_json.code, as_json.stdout.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn a_session_is_listed_and_shown() -> io::Result<()> {
    let script = Script::new()
        .on(
            When::any().results(0),
            Reply::call("file.read", &json!({ "path": "a.txt" })),
        )
        .otherwise(Reply::text("It says **hello**."));
    let scene = scene()?.with_file("a.txt", "hello\n")?.with_model(script)?;
    scene.run(["-s", "garden", "-e", "what does a.txt say?"])?;

    let listed = scene.agent(["sessions", "list"])?.stdout;
    assert!(listed.starts_with("garden  "), "{listed}");
    assert!(
        listed.contains("1 turn") && listed.contains("what does a.txt say?"),
        "{listed}"
    );
    let row: Value = serde_json::from_str(&scene.agent(["sessions", "list", "--json"])?.stdout)?;
    assert_eq!(
        (&row["session"], &row["turns"]),
        (&json!("garden"), &json!(1))
    );

    let shown = scene.agent(["sessions", "show", "garden"])?.stdout;
    let parts = [
        "session garden · ",
        "what does a.txt say?",
        "✓ file.read {\"path\":\"a.txt\"}\n  ",
        "hello",
        "It says **hello**.",
    ];
    let mut rest = shown.as_str();
    for part in parts {
        let at = rest.find(part);
        assert!(at.is_some(), "`{part}` is not where it belongs in\n{shown}");
        rest = &rest[at.unwrap_or(0) + part.len()..];
    }

    let events = scene
        .agent(["sessions", "show", "garden", "--json"])?
        .stdout;
    let seqs: Vec<u64> = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["seq"].as_u64())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert!(seqs.len() > 8, "{events}");
    Ok(())
}

#[test]
fn a_hostile_title_is_inert() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    scene.run(["-s", "x", "-e", "\u{1b}]0;owned\u{7}\u{1b}[2Jhello"])?;
    for command in [["sessions", "list"].as_slice(), &["sessions", "show", "x"]] {
        let shown = scene.agent(command)?.stdout;
        assert!(shown.contains("hello"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    }
    Ok(())
}
