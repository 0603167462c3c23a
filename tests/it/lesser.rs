//! Systems that give less, simulated: without Landlock, without namespaces, with neither. Every command asks, and
//! `agent doctor` says what is missing and how to get it.
//! Invariant: what is simulated is what the sandbox believes of the system, nothing in the tests' own favour.
//! It must not know how a system is asked.

use std::io;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use crate::stage::scene;

/// A scene on a system of that kind whose model wants to run a plain command.
fn on(isolation: &str) -> io::Result<Scene> {
    let call = json!({ "command": "echo ran > ran" });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &call))
        .otherwise(Reply::text("done"));
    let scene = scene()?.with_model(script)?;
    Ok(scene.with_variable("CORVID_ISOLATION", isolation))
}

#[test]
fn on_a_lesser_system_every_command_asks() -> io::Result<()> {
    let lesser = [
        ("without-landlock", "Landlock"),
        ("without-namespaces", "namespaces"),
        ("none", "on Linux only"),
    ];
    for (isolation, missing) in lesser {
        let scene = on(isolation)?;
        let said = scene.run(["-s", "x", "-e", "go"])?;
        assert_eq!(said.code, Some(6), "{isolation}: {}", said.all());
        assert!(!scene.work().join("ran").exists());
        let allowed = scene.run(["-s", "y", "--yes", "-e", "go"])?;
        assert_eq!(allowed.code, Some(0), "{isolation}: {}", allowed.all());
        assert!(scene.work().join("ran").exists(), "{}", allowed.all());
        let doctor = scene.agent(["doctor"])?;
        assert!(
            doctor.stdout.contains("every command asks"),
            "{}",
            doctor.all()
        );
        assert!(doctor.stdout.contains(missing), "{}", doctor.all());
    }
    Ok(())
}

#[test]
fn the_question_says_what_is_missing() -> io::Result<()> {
    let scene = on("none")?;
    let (run, question) = crate::asking::waiting(&scene)?;
    let card = scene.agent(["approvals", "show", &question])?.stdout;
    assert!(card.contains("no sandbox"), "{card}");
    scene.agent(["approvals", "deny", &question])?;
    assert_eq!(run.wait()?.code, Some(0));
    Ok(())
}
