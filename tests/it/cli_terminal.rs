//! `agent run` on a terminal: a moving line while it works, and the answer laid out. The terminal is one of
//! `script`'s, which comes with every Linux system's base (`bsdutils`, `util-linux`).

use std::io;
use std::process::Command;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{Output, Process, Scene};
use serde_json::json;

use crate::stage::scene;

/// The agent on a terminal of its own.
fn on_a_terminal(scene: &Scene, arguments: &str) -> io::Result<Process> {
    let agent = scene.command();
    let line = format!("{} {arguments}", agent.get_program().to_string_lossy());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in agent.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .current_dir(scene.work());
    Process::start(command, b"")
}

/// A model that looks into the folder, is silent until its gate opens, and answers in markdown.
fn slow() -> io::Result<Scene> {
    let script = Script::new()
        .on(
            When::any().results(0),
            Reply::call("file.list", &json!({ "path": "." })),
        )
        .otherwise(Reply::text("There is **a.txt**.").gate("slow"));
    scene()?.with_file("a.txt", "")?.with_model(script)
}

fn answered(scene: &Scene, process: Process) -> io::Result<Output> {
    assert!(
        process.hear(|said| said.contains("thinking")),
        "{}",
        process.stdout()
    );
    scene.model().ok_or(io::ErrorKind::NotFound)?.open("slow");
    process.wait()
}

#[test]
fn a_person_sees_what_happens_and_then_the_answer() -> io::Result<()> {
    let scene = slow()?;
    let process = on_a_terminal(&scene, "run -e look")?;
    let seen = answered(&scene, process)?;
    assert_eq!(seen.code, Some(0), "{}", seen.all());
    let text = seen.stdout.replace("\r\n", "\n");
    assert!(text.contains("\u{1b}[2m✓ listed `.`"), "{text:?}");
    // The moving line is erased before the answer, and nothing moves after it.
    let (_, after) = text.rsplit_once("\r\u{1b}[2K").unwrap_or_default();
    assert!(
        after.starts_with("There is \u{1b}[1ma.txt\u{1b}[0m.\n"),
        "{text:?}"
    );
    assert!(after.contains("`agent run -c -e …` goes on"), "{text:?}");
    Ok(())
}

#[test]
fn no_color_means_none() -> io::Result<()> {
    let scene = slow()?.with_variable("NO_COLOR", "1");
    let process = on_a_terminal(&scene, "run -e look")?;
    let seen = answered(&scene, process)?;
    let text = seen.stdout.replace("\r\n", "\n");
    assert!(text.contains("There is a.txt.\n"), "{text:?}");
    assert!(
        !text.replace("\u{1b}[2K", "").contains('\u{1b}'),
        "{text:?}"
    );
    Ok(())
}

#[test]
fn progress_goes_to_a_terminal_alone() -> io::Result<()> {
    let scene = slow()?;
    scene.model().ok_or(io::ErrorKind::NotFound)?.open("slow");
    let seen = on_a_terminal(&scene, "run -e look 2>progress.txt")?.wait()?;
    assert!(seen.stdout.contains("\u{1b}[1ma.txt"), "{:?}", seen.stdout);
    let progress = std::fs::read_to_string(scene.work().join("progress.txt"))?;
    assert_eq!(progress, "");
    Ok(())
}
