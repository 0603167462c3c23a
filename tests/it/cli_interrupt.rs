//! Ctrl-C, SIGTERM and `kill -9`: what was admitted is never lost.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{LIMIT, Process, Scene};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::stage::scene;

/// A scene whose model does not answer `first` before its gate opens, and a `run` that waits for it.
fn waiting() -> io::Result<(Scene, Process)> {
    let script = Script::new()
        .once(When::any(), Reply::text("too late").gate("never"))
        .otherwise(Reply::text("answered after all"));
    let scene = scene()?.with_model(script)?;
    let process = scene.start_run(["-s", "x", "--id", "k", "-e", "hello"])?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 1));
    Ok((scene, process))
}

fn stopped_by(signal: Signal, code: i32) -> io::Result<()> {
    let (scene, process) = waiting()?;
    process.signal(signal)?;
    let ended = process.wait()?;
    assert_eq!(ended.code, Some(code), "{}", ended.all());
    assert!(
        ended.stderr.contains("stopping; once more ends at once"),
        "{}",
        ended.stderr
    );
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("a person asked to stop"), "{recorded}");
    // The stopped turn is the answer; asking again under its key makes no new one.
    let again = scene.run(["-s", "x", "--id", "k", "-e", "hello"])?;
    assert_eq!(again.code, Some(4), "{}", again.all());
    assert_eq!(scene.model().map_or(0, |model| model.ledger().len()), 1);
    Ok(())
}

#[test]
fn ctrl_c_stops_the_turn_and_records_it() -> io::Result<()> {
    stopped_by(Signal::INT, 130)
}

#[test]
fn a_termination_stops_the_turn_and_records_it() -> io::Result<()> {
    stopped_by(Signal::TERM, 143)
}

#[test]
fn after_kill_9_the_same_key_gets_its_answer() -> io::Result<()> {
    let (scene, process) = waiting()?;
    let killed = process.kill()?;
    assert!(killed.was_killed());
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(
        recorded.contains("1 message waits for its answer"),
        "{recorded}"
    );
    let again = scene.run(["-s", "x", "--id", "k", "-e", "hello"])?;
    assert_eq!(again.stdout, "answered after all\n", "{}", again.all());
    assert_eq!(again.code, Some(0));
    Ok(())
}

#[test]
fn after_kill_9_json_lines_name_the_session_of_the_key() -> io::Result<()> {
    let script = Script::new()
        .once(When::any(), Reply::text("too late").gate("never"))
        .otherwise(Reply::text("answered after all"));
    let scene = scene()?.with_model(script)?;
    let ask = ["--json", "--id", "k", "-e", "hello"];
    let process = scene.start_run(ask)?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 1));
    assert!(process.hear(|said| said.contains("model.requested")));
    let killed = process.kill()?;
    let first = sessions_in(&killed.stdout)?;
    assert_eq!(first.len(), 1, "{}", killed.all());
    for _ in 0..2 {
        let again = scene.run(ask)?;
        assert_eq!(sessions_in(&again.stdout)?, first, "{}", again.all());
        let named = scene.run(["-s", "another"].into_iter().chain(ask))?;
        assert_eq!(sessions_in(&named.stdout)?, first, "{}", named.all());
        assert_eq!(named.stderr, "", "no session is made");
    }
    Ok(())
}

/// The sessions that JSON lines name.
fn sessions_in(lines: &str) -> io::Result<BTreeSet<String>> {
    let named = |line: &str| -> serde_json::Result<String> {
        let frame: serde_json::Value = serde_json::from_str(line)?;
        Ok(frame["session"].to_string())
    };
    Ok(lines.lines().map(named).collect::<Result<_, _>>()?)
}

#[test]
fn after_kill_9_the_next_message_has_the_first_answered_too() -> io::Result<()> {
    let script = Script::new()
        .once(When::user("first"), Reply::text("too late").gate("never"))
        .on(When::user("first"), Reply::text("answer to the first"))
        .on(When::user("second"), Reply::text("answer to the second"));
    let scene = scene()?.with_model(script)?;
    let process = scene.start_run(["-s", "x", "-e", "first"])?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 1));
    process.kill()?;
    let second = scene.run(["-s", "x", "-e", "second"])?;
    assert_eq!(second.stdout, "answer to the second\n", "{}", second.all());
    assert_eq!(
        second.stderr,
        "note: an earlier message of this session was answered meanwhile (\"first\"): `agent sessions show x`\n"
    );
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("answer to the first"), "{recorded}");
    assert!(!recorded.contains("waits for its answer"), "{recorded}");
    Ok(())
}

#[test]
fn ctrl_c_stops_what_was_left_and_what_was_asked() -> io::Result<()> {
    let script = Script::new().otherwise(Reply::text("too late").gate("never"));
    let scene = scene()?.with_model(script)?;
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let first = scene.start_run(["-s", "x", "-e", "first"])?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 1));
    first.kill()?;
    let second = scene.start_run(["-s", "x", "-e", "second"])?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 2));
    second.signal(Signal::INT)?;
    let ended = second.wait()?;
    assert_eq!(ended.code, Some(130), "{}", ended.all());
    assert_eq!(model.ledger().len(), 2, "the second is never asked");
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(!recorded.contains("waits for its answer"), "{recorded}");
    Ok(())
}

#[test]
fn a_second_ctrl_c_ends_at_once_even_while_nobody_reads() -> io::Result<()> {
    // More than a pipe holds, so that the process waits for a reader who never comes.
    let script = Script::new().otherwise(Reply::text("words ".repeat(100_000)));
    let scene = scene()?.with_model(script)?;
    let mut child = scene
        .command()
        .args(["run", "-s", "x", "-e", "talk"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (Some(mut out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    // Its first byte shows that it writes; nobody reads the next ones.
    out.read_exact(&mut [0])?;
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT)?;
    let heard = BufReader::new(err)
        .lines()
        .map_while(Result::ok)
        .any(|line| line == "stopping; once more ends at once");
    assert!(heard, "the first signal was not heard");
    kill_process(pid, Signal::INT)?;
    assert_eq!(child.wait()?.code(), Some(130));
    Ok(())
}

#[test]
fn ctrl_c_ends_a_running_command_too() -> io::Result<()> {
    let command = json!({ "command": "echo begun > begun; exec sleep 1000" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &command))
        .otherwise(Reply::text("never asked"));
    let scene = scene()?.with_model(script)?;
    let process = scene.start_run(["--json", "-s", "x", "-e", "sleep"])?;
    assert!(
        process.hear(|said| said.contains("tool.started")),
        "{}",
        process.stdout()
    );
    process.signal(Signal::INT)?;
    let ended = process.wait()?;
    assert_eq!(ended.code, Some(130), "{}", ended.all());
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("was stopped"), "{recorded}");
    Ok(())
}

#[test]
fn an_owner_is_reached_beneath_an_over_long_path() -> io::Result<()> {
    let script = Script::new()
        .once(When::user("first"), Reply::text("one").gate("first"))
        .otherwise(Reply::text("two"));
    let scene = scene()?.with_model(script)?;
    let home = scene.folder().join("deep".repeat(30));
    let scene = scene.with_variable("CORVID_HOME", &home);
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let owner = scene.start_run(["-s", "x", "-e", "first"])?;
    assert!(model.wait_for(LIMIT, |ledger| ledger.len() == 1));
    let waiting = scene.start_run(["--json", "-s", "x", "-e", "second"])?;
    assert!(waiting.hear(|said| said.contains("another process")));
    let socket = |entry: &io::Result<std::fs::DirEntry>| {
        let path = entry.as_ref().map(std::fs::DirEntry::path);
        path.is_ok_and(|path| path.extension().is_some_and(|end| end == "sock"))
    };
    assert_eq!(
        std::fs::read_dir(home.join("state/owners"))?
            .filter(socket)
            .count(),
        1
    );
    model.open("first");
    assert_eq!(owner.wait()?.stdout, "one\n");
    let said = waiting.wait()?;
    assert_eq!(said.stdout.matches("another process").count(), 1);
    assert!(said.stdout.contains("\"two\""), "{}", said.all());
    Ok(())
}
