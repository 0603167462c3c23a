//! A config that changes while the daemon runs.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use corvid_testkit::Process;
use corvid_testkit::model_server::Script;
use rustix::process::Signal;

use super::{ADA, BOB, Stage};

fn config(owners: &str, rest: &str) -> String {
    format!("[telegram]\nowners = [{owners}]\n{rest}")
}

fn write(stage: &Stage, text: &str) -> io::Result<()> {
    let file = stage.scene().home().join("config.toml");
    let beside = file.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(beside, file)
}

fn logs(stage: &Stage, text: &str) -> io::Result<()> {
    let heard = stage
        .daemon()?
        .hear_aside(|said| said.contains(text).then_some(()));
    assert!(heard.is_some(), "`{text}` is not logged");
    Ok(())
}

#[test]
fn people_come_and_go_while_it_runs() -> io::Result<()> {
    let stage = Stage::new(Script::echo())?;
    write(&stage, &config("4711", ""))?;
    let stage = stage.started()?;
    stage.say(BOB, "early")?;
    stage.hears(BOB, "agent pair approve")?;
    write(&stage, &config("4712", ""))?;
    logs(&stage, "the config was read anew")?;
    stage.say(BOB, "now")?;
    stage.hears(BOB, "you said: now")?;
    stage.say(ADA, "locked out")?;
    stage.rests()?;
    assert_eq!(stage.count(ADA, "you said")?, 0);
    Ok(())
}

#[test]
fn a_wrong_config_changes_nothing_and_is_told() -> io::Result<()> {
    let stage = Stage::new(Script::echo())?;
    write(&stage, &config("4711", ""))?;
    let stage = stage.started()?;
    write(&stage, "[telegram]\nowners = [4712\n")?;
    stage.daemon()?.signal(Signal::HUP)?;
    logs(&stage, "the old one holds")?;
    stage.say(ADA, "still there?")?;
    stage.hears(ADA, "you said: still there?")?;
    let restarted = stage.agent(["restart"])?;
    assert_eq!(restarted.code, Some(1), "{}", restarted.all());
    stage.say(ADA, "and now?")?;
    stage.hears(ADA, "you said: and now?")?;
    Ok(())
}

#[test]
fn what_needs_a_restart_is_named_and_taken_up_by_one() -> io::Result<()> {
    let stage = Stage::new(Script::echo())?;
    write(&stage, &config("4711", ""))?;
    let stage = stage.started()?;
    write(&stage, &config("4711", "[turn]\nmax_steps = 3\n"))?;
    logs(&stage, "restart needed")?;
    logs(&stage, "turn.max_steps")?;
    let restarted = stage.agent(["restart"])?;
    assert_eq!(restarted.code, Some(0), "{}", restarted.all());
    Ok(())
}

#[test]
fn none_that_runs_gives_way_to_one_that_could_not_begin() -> io::Result<()> {
    let mut stage = Stage::new(Script::echo())?;
    let token = format!("token = \"{}\"\n", stage.token());
    write(&stage, &config("4711", &token))?;
    let file = stage.scene().home().join("config.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let mut command = stage.scene().command();
    command.env_remove("CORVID__TELEGRAM__TOKEN").arg("start");
    stage.daemon = Some(Process::start(command, b"")?);
    logs(&stage, "listening")?;
    write(&stage, &config("4711", ""))?;
    let mut command = stage.scene().command();
    command.arg("restart");
    let restart = Process::start(command, b"")?;
    logs(&stage, "not restarted")?;
    restart.kill()?;
    stage.say(ADA, "still there?")?;
    stage.hears(ADA, "you said: still there?")?;
    Ok(())
}

#[test]
fn a_config_that_is_gone_locks_nobody_out() -> io::Result<()> {
    let stage = Stage::new(Script::echo())?;
    write(&stage, &config("4711", ""))?;
    let stage = stage.started()?;
    fs::remove_file(stage.scene().home().join("config.toml"))?;
    logs(&stage, "what it said last holds")?;
    stage.say(ADA, "still there?")?;
    stage.hears(ADA, "you said: still there?")?;
    Ok(())
}
