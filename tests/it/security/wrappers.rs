//! A rule for one command is neither widened nor slipped by what stands around the command.

use std::io;

use serde_json::{Value, json};

use super::{calling, names, scene_with, verdicts};

/// Ways to have more than the one command that a rule allows, `touch allowed*`.
const WIDER: &[&str] = &[
    "touch allowed; touch ran",
    "touch allowed && touch ran",
    "touch missing/x || touch ran",
    "touch allowed | touch ran",
    "touch allowed & touch ran",
    "touch allowed\ntouch ran",
    "touch allowed $(touch ran)",
    "touch allowed `touch ran`",
    "touch allowed \"$(touch ran)\"",
    "touch allowed <(touch ran)",
    "touch allowed > ran",
    "touch allowed <<EOF\n$(touch ran)\nEOF",
    "sh <<EOF\ntouch allowed\nEOF",
    "sh -c 'touch allowed; touch ran'",
    "bash -c 'touch allowed'",
    "env touch allowed",
    "env X=1 touch allowed",
    "env touch allowed; touch ran",
    "time touch allowed",
    "busybox touch allowed",
    "busybox sh -c 'touch allowed'",
    "timeout 5 touch allowed",
    "nohup touch allowed",
    "echo allowed | xargs touch",
    "X=1 touch allowed",
    "(touch allowed)",
    "eval touch allowed",
    "exec touch allowed",
    "command touch allowed",
    "'touch' allowed",
    "touch allowed # touch ran",
    "touch allowed \r; touch ran",
    "touch allowed $RAN",
    "touch allowedran; touch ran",
];

/// Ways around a rule that denies `touch ran*`.
const DISGUISED: &[&str] = &[
    "touch ran",
    "true; touch ran",
    "true && touch ran",
    "env touch ran",
    "env -i touch ran",
    "time touch ran",
    "busybox touch ran",
    "timeout 5 touch ran",
    "sh -c 'touch ran'",
    "bash -c \"sh -c 'touch ran'\"",
    "sh <<EOF\ntouch ran\nEOF",
    "cat <<EOF\n$(touch ran)\nEOF",
    "echo $(touch ran)",
    "/usr/bin/touch ran",
    "t\\ouch ra''n",
    "X=1 touch ran",
    "eval touch ran",
    "f() { touch ran; }; f",
];

fn commands(lines: &[&str]) -> Vec<Value> {
    let call = |line: &&str| json!({ "command": line });
    lines.iter().map(call).collect()
}

#[test]
fn an_allowed_command_takes_nothing_along() -> io::Result<()> {
    let plain = "touch allowed-alone";
    let lines = [WIDER, &[plain]].concat();
    let scene = scene_with(calling("system.run", commands(&lines)))?.with_config(
        "[policy]\npreset = \"careful\"\n\n[[policy.rules]]\ntool = \"system.run\"\nresource = \"touch allowed*\"\n\
         effect = \"allow\"\n",
    )?;
    let said = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(said.code, Some(6), "{}", said.all());
    let verdicts = verdicts(&scene, "x")?;
    assert_eq!(verdicts.len(), lines.len());
    for (line, verdict) in lines.iter().zip(verdicts) {
        let expect = if *line == plain { "allow" } else { "ask" };
        assert_eq!(verdict, expect, "{line}");
    }
    assert_eq!(names(&scene.work())?, ["allowed-alone"]);
    Ok(())
}

/// Not even `--yes` lets through what a rule denies.
#[test]
fn a_denied_command_is_denied_in_every_disguise() -> io::Result<()> {
    let scene = scene_with(calling("system.run", commands(DISGUISED)))?.with_config(
        "[[policy.rules]]\ntool = \"system.run\"\nresource = \"touch ran*\"\neffect = \"deny\"\n",
    )?;
    let said = scene.run(["-s", "x", "--yes", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    for (line, verdict) in DISGUISED.iter().zip(verdicts(&scene, "x")?) {
        assert_eq!(verdict, "deny", "{line}");
    }
    assert_eq!(names(&scene.work())?, [""; 0]);
    Ok(())
}
