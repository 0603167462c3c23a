//! The stage of all end-to-end tests: the `agent` just built, on a scene of its own.
//! Invariant: what tests compare holds no path of the machine they run on.
//! It must not know any command.

use std::io;

use corvid_testkit::{Output, Scene};

/// An empty home, an empty working folder, and the binary.
pub(crate) fn scene() -> io::Result<Scene> {
    Scene::new(env!("CARGO_BIN_EXE_agent"))
}

/// What a command wrote and how it ended, for a snapshot; the scene's own folder is `SCENE`.
pub(crate) fn shown(scene: &Scene, output: &Output) -> String {
    let code = output
        .code
        .map_or("none".to_owned(), |code| code.to_string());
    let text = format!(
        "exit code {code}\n--- standard output\n{}--- standard error\n{}",
        output.stdout, output.stderr
    );
    let folder = scene.folder().display().to_string();
    text.replace(&folder, "SCENE")
}
