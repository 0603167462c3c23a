//! `agent run` as a person or a script uses it: one message in, one answer out.

use std::io;
use std::process::Stdio;

use corvid_testkit::model_server::{Fault, Reply, Script, When};
use corvid_testkit::{ModelServer, Scene};
use serde_json::{Value, json};

use crate::stage::scene;

/// A model that looks into the folder once and then says what it saw.
fn looking() -> Script {
    Script::new()
        .on(
            When::any().results(0),
            Reply::call("file.list", &json!({ "path": "." })),
        )
        .otherwise(Reply::text("There is **a.txt**."))
}

fn violations(scene: &Scene) -> Vec<String> {
    scene.model().map_or(Vec::new(), ModelServer::violations)
}

fn requests(scene: &Scene) -> usize {
    scene.model().map_or(0, |model| model.ledger().len())
}

#[test]
fn without_a_key_the_folder_is_listed_all_the_same() -> io::Result<()> {
    let scene = scene()?.with_file("a.txt", "hello")?;
    let said = scene.run(["-e", "what's in this folder?"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(said.stdout.contains("no language model"), "{}", said.stdout);
    assert!(said.stdout.contains("a.txt"), "{}", said.stdout);
    assert_eq!(said.stderr, "");
    Ok(())
}

#[test]
fn a_model_answers_through_its_tools() -> io::Result<()> {
    let scene = scene()?
        .with_file("a.txt", "hello")?
        .with_model(looking())?;
    let said = scene.run(["-e", "what's in this folder?"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(said.stdout, "There is **a.txt**.\n");
    assert_eq!(said.stderr, "");
    assert_eq!(violations(&scene), Vec::<String>::new());
    assert_eq!(requests(&scene), 2);
    Ok(())
}

#[test]
fn a_command_runs_in_the_sandbox_and_leaves_its_mark() -> io::Result<()> {
    let command = json!({ "command": "echo made > made.txt; cat made.txt" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &command))
        .on(When::any().result("made"), Reply::text("it is made"));
    let scene = scene()?.with_model(script)?;
    let said = scene.run(["-e", "make it"])?;
    assert_eq!(said.stdout, "it is made\n", "{}", said.all());
    assert_eq!(
        std::fs::read_to_string(scene.work().join("made.txt"))?,
        "made\n"
    );
    Ok(())
}

#[test]
fn standard_input_is_appended() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let said = scene.pipe(b"-old\n+new\n", ["run", "-e", "review this"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    let asked = said.stdout;
    assert!(
        asked.contains("review this") && asked.contains("+new"),
        "{asked}"
    );
    let alone = scene.pipe(b"only this", ["run"])?;
    assert_eq!(alone.stdout, "you said: only this\n", "{}", alone.all());
    Ok(())
}

#[test]
fn the_same_key_prints_the_recorded_answer() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let ask = ["--id", "nightly-1", "-e", "tidy up"];
    for _ in 0..3 {
        let said = scene.run(ask)?;
        assert_eq!(said.code, Some(0), "{}", said.all());
        assert_eq!(said.stdout, "you said: tidy up\n");
    }
    assert_eq!(requests(&scene), 1);
    let other = scene.run(["--id", "nightly-1", "-e", "something else"])?;
    assert_eq!(other.code, Some(1));
    assert!(
        other.stderr.contains("`nightly-1` was used before"),
        "{}",
        other.stderr
    );
    assert_eq!(other.stdout, "");
    Ok(())
}

#[test]
fn two_at_once_on_one_session_each_get_their_own_answer() -> io::Result<()> {
    let script = Script::new()
        .on(
            When::user("first"),
            Reply::text("answer to the first").gate("open"),
        )
        .on(When::user("second"), Reply::text("answer to the second"));
    let scene = scene()?.with_model(script)?;
    let first = scene.start_run(["-s", "both", "-e", "first"])?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(model.wait_for(corvid_testkit::LIMIT, |ledger| ledger.len() == 1));
    // It waits for the first one's turn, whose model is still silent, and so asks for nothing itself.
    let second = scene.start_run(["-s", "both", "-e", "second", "--json"])?;
    assert!(
        second.hear(|said| said.contains("another process")),
        "{}",
        second.stdout()
    );
    assert_eq!(model.ledger().len(), 1);
    model.open("open");
    let (first, second) = (first.wait()?, second.wait()?);
    assert_eq!(first.stdout, "answer to the first\n", "{}", first.all());
    assert_eq!(first.code, Some(0));
    let last = second.stdout.lines().last().unwrap_or_default();
    let reply: Value = serde_json::from_str(last)?;
    assert_eq!(reply["text"], "answer to the second", "{}", second.all());
    assert_eq!(violations(&scene), Vec::<String>::new());
    Ok(())
}

#[test]
fn json_lines_name_the_session_and_end_with_the_reply() -> io::Result<()> {
    let scene = scene()?.with_file("a.txt", "")?.with_model(looking())?;
    let said = scene.run(["--json", "-e", "look"])?;
    let lines: Vec<Value> = said
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let (last, before) = lines.split_last().ok_or(io::ErrorKind::UnexpectedEof)?;
    assert_eq!(last["frame"], "reply");
    assert_eq!(last["text"], "There is **a.txt**.");
    assert_eq!(last["ending"], "answered");
    let session = last["session"].as_str().unwrap_or_default();
    assert!(session.starts_with("s-"), "{last}");
    assert!(
        before
            .iter()
            .all(|line| line["frame"] == "live" && line["session"] == session)
    );
    let kinds: Vec<&str> = before
        .iter()
        .filter_map(|line| line["event"]["event"]["kind"].as_str())
        .collect();
    for kind in [
        "input.admitted",
        "model.answered",
        "tool.finished",
        "reply.composed",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    Ok(())
}

#[test]
fn a_session_goes_on_under_its_name_and_as_the_latest() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let first = scene.run(["-s", "garden", "-e", "one"])?;
    assert_eq!(first.stderr, "new session `garden`\n");
    let slip = scene.run(["-s", "gardn", "-e", "two"])?;
    assert_eq!(
        slip.stderr,
        "new session `gardn`; there is also `garden`, if that was meant\n"
    );
    let again = scene.run(["-s", "garden", "-e", "three"])?;
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    let latest = scene.run(["-c", "-e", "four"])?;
    assert_eq!(latest.code, Some(0), "{}", latest.all());
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let last = model
        .ledger()
        .pop()
        .map(|entry| entry.body.to_string())
        .unwrap_or_default();
    for said in ["one", "three", "four"] {
        assert!(
            last.contains(&format!("\"{said}\"")),
            "{said} is not in {last}"
        );
    }
    assert!(!last.contains("\"two\""), "{last}");
    Ok(())
}

#[test]
fn every_way_to_end_has_its_exit_code() -> io::Result<()> {
    let declined = scene()?.run(["-e", "write me a poem"])?;
    assert_eq!(declined.code, Some(3), "{}", declined.all());
    assert_eq!(declined.stdout, "");
    assert!(
        declined.stderr.contains("OPENAI_API_KEY"),
        "{}",
        declined.stderr
    );

    let endless = Script::new().otherwise(Reply::call("file.list", &json!({})));
    let limited = scene()?
        .with_model(endless)?
        .run(["--max-steps", "2", "-e", "go"])?;
    assert_eq!(limited.code, Some(4), "{}", limited.all());
    assert_eq!(limited.stdout, "");
    assert!(!limited.stderr.is_empty());

    let locked = Script::echo().key("another key");
    let scene_of_failure = scene()?.with_model(locked)?;
    // Asked again under its key, the recorded failure is no data either.
    for _ in 0..2 {
        let failed = scene_of_failure.run(["--id", "k", "-e", "hello"])?;
        assert_eq!(failed.code, Some(5), "{}", failed.all());
        assert_eq!(failed.stdout, "");
        assert!(failed.stderr.contains("CUSTOM_API_KEY"), "{}", failed.all());
        assert!(
            !failed.all().contains("key-of-the-scene"),
            "{}",
            failed.all()
        );
    }

    let filtered = Script::new().otherwise(Reply::fault(Fault::status(400, "bad", "no thanks")));
    let refused = scene()?.with_model(filtered)?.run(["-e", "hello"])?;
    assert_eq!(refused.code, Some(5), "{}", refused.all());
    Ok(())
}

#[test]
fn a_reader_that_leaves_early_loses_nothing() -> io::Result<()> {
    let script = Script::new().otherwise(Reply::text("a long answer").gate("left"));
    let scene = scene()?.with_model(script)?;
    let ask = ["run", "--id", "k", "-e", "tell me"];
    let mut command = scene.command();
    let mut child = command
        .args(ask)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stdout.take());
    scene.model().ok_or(io::ErrorKind::NotFound)?.open("left");
    let ended = child.wait_with_output()?;
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(scene.agent(ask)?.stdout, "a long answer\n");
    assert_eq!(requests(&scene), 1);
    Ok(())
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_and_the_answer_is_kept() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let ask = ["run", "-s", "x", "--id", "k", "-e", "hello"];
    let ended = scene
        .command()
        .args(ask)
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{complaint}");
    assert!(
        complaint.contains("standard output did not take it"),
        "{complaint}"
    );
    assert_eq!(scene.agent(ask)?.stdout, "you said: hello\n");
    Ok(())
}

#[test]
fn escapes_of_a_model_never_reach_the_reader() -> io::Result<()> {
    let script = Script::new().otherwise(Reply::text("\u{1b}]0;owned\u{7}hi\u{1b}[2J"));
    let said = scene()?.with_model(script)?.run(["-e", "hello"])?;
    assert_eq!(said.stdout, "␛]0;owned␇hi␛[2J\n");
    Ok(())
}

#[test]
fn eight_first_starts_at_once_all_succeed() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let started: Vec<_> = (0..8)
        .map(|number| scene.start_run(["-e".to_owned(), format!("number {number}")]))
        .collect::<Result<_, _>>()?;
    for (number, process) in started.into_iter().enumerate() {
        let said = process.wait()?;
        assert_eq!(
            said.stdout,
            format!("you said: number {number}\n"),
            "{}",
            said.stderr
        );
    }
    Ok(())
}
