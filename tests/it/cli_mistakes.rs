//! What a person sees who got something wrong: the thing is named, and the fix.

use std::io;

use corvid_testkit::Scene;
use corvid_testkit::model_server::Script;

use crate::stage::{scene, shown};

/// Runs a wrong command, which must fail and print nothing but its complaint.
fn check(name: &str, scene: &Scene, arguments: &[&str]) -> io::Result<()> {
    let output = scene.agent(arguments)?;
    assert_ne!(output.code, Some(0), "{}", output.all());
    insta::assert_snapshot!(name, shown(scene, &output));
    Ok(())
}

#[test]
fn wrong_command_lines() -> io::Result<()> {
    let scene = scene()?;
    check("no_message", &scene, &["run"])?;
    check("no_e", &scene, &["run", "hello", "there"])?;
    check("no_quotes", &scene, &["run", "-e", "review", "this"])?;
    check("unknown_command", &scene, &["chat"])?;
    check(
        "unknown_option",
        &scene,
        &["run", "--sesion", "x", "-e", "hi"],
    )?;
    check(
        "no_such_folder",
        &scene,
        &["run", "--cwd", "nowhere", "-e", "hi"],
    )?;
    check("steps", &scene, &["run", "--max-steps", "0", "-e", "hi"])?;
    check("empty_id", &scene, &["run", "--id", "", "-e", "hi"])?;
    check(
        "bad_model",
        &scene,
        &["run", "--model", "gpt-5", "-e", "hi"],
    )?;
    check(
        "no_key",
        &scene,
        &["run", "--model", "openai/gpt-5-mini", "-e", "hi"],
    )?;
    check(
        "no_address",
        &scene,
        &["run", "--model", "custom/x", "-e", "hi"],
    )
}

#[test]
fn wrong_sessions() -> io::Result<()> {
    let scene = scene()?;
    check("nothing_to_continue", &scene, &["run", "-c", "-e", "hi"])?;
    check(
        "no_such_id",
        &scene,
        &["run", "-s", "s-0000000000", "-e", "hi"],
    )?;
    check("a_path", &scene, &["run", "-s", "../x", "-e", "hi"])?;
    check("show_nothing", &scene, &["sessions", "show", "nothing"])
}

#[test]
fn wrong_configs() -> io::Result<()> {
    let set = |text: &str| scene()?.with_config(text);
    check(
        "unknown_key",
        &set("[turn]\nmax_step = 3\n")?,
        &["run", "-e", "hi"],
    )?;
    check(
        "broken_toml",
        &set("[turn\nmax_steps = 3\n")?,
        &["config", "check"],
    )?;
    check(
        "get_unknown",
        &set("")?,
        &["config", "get", "turn.max_step"],
    )?;
    check(
        "set_unknown",
        &set("")?,
        &["config", "set", "turn.max_step", "3"],
    )?;
    check(
        "set_wrong",
        &set("")?,
        &["config", "set", "turn.max_steps", "many"],
    )?;
    check(
        "set_in_broken",
        &set("[turn\n")?,
        &["config", "set", "turn.max_steps", "3"],
    )?;
    let key_file = "[providers.openai]\nkey_file = \"/nowhere/key\"\n";
    check("no_key_file", &set(key_file)?, &["run", "-e", "hi"])?;
    let twin = scene()?.with_variable("CORVID__TURN__MAX_STEP", "3");
    check("unknown_twin", &twin, &["run", "-e", "hi"])?;
    let log = scene()?.with_variable("CORVID_LOG", "corvid=loud");
    check("wrong_log", &log, &["run", "-e", "hi"])
}

#[test]
fn no_home_is_said_with_a_way_out() -> io::Result<()> {
    let scene = scene()?;
    let mut command = scene.command();
    command.env_remove("HOME").env_remove("CORVID_HOME");
    let output = command.args(["run", "-e", "hi"]).output()?;
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        complaint.contains("HOME is not set") && complaint.contains("set CORVID_HOME"),
        "{complaint}"
    );
    let version = scene.command().env_clear().arg("--version").output()?;
    assert!(version.status.success());
    Ok(())
}

#[test]
fn a_message_that_cannot_be_taken_is_not_admitted() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let huge = vec![b'x'; 10_000_000];
    let refused = scene.pipe(&huge, ["run", "-e", "review this"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("longer than 1024 KiB"),
        "{}",
        refused.stderr
    );
    let refused = scene.pipe(b"ok so far \xff\xfe", ["run", "-e", "review this"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("byte 0xff at offset 10"),
        "{}",
        refused.stderr
    );
    assert_eq!(scene.model().map_or(1, |model| model.ledger().len()), 0);
    assert!(!scene.state().exists());
    Ok(())
}

#[test]
fn a_message_of_a_megabyte_is_taken() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let said = scene.pipe(&vec![b'x'; 1_000_000], ["run", "-e", "count"])?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    Ok(())
}

#[test]
fn a_state_folder_that_is_none_is_named() -> io::Result<()> {
    let scene = scene()?;
    std::fs::write(scene.state(), "a file")?;
    let output = scene.run(["-e", "help"])?;
    assert_eq!(output.code, Some(1), "{}", output.all());
    assert!(output.stderr.contains("state"), "{}", output.stderr);
    Ok(())
}

#[test]
fn corvids_own_folders_are_no_place_to_work() -> io::Result<()> {
    let scene = scene()?;
    scene.run(["-e", "help"])?;
    check(
        "own_folder",
        &scene,
        &[
            "run",
            "--cwd",
            &scene.state().display().to_string(),
            "-e",
            "hi",
        ],
    )
}

#[test]
fn help_that_cannot_be_written_is_an_error() -> io::Result<()> {
    let scene = scene()?;
    for arguments in [["--version"].as_slice(), &["run", "--help"], &[]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
        let ended = scene.command().args(arguments).stdout(full).output()?;
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            complaint.contains("standard output cannot be written"),
            "{arguments:?}: {complaint}"
        );
    }
    Ok(())
}
