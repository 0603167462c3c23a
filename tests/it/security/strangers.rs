//! Other users of the machine: they neither read what is asked nor answer it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use corvid_testkit::{Output, Process, Scene};

use crate::asking::{left, marking, open_questions, waiting};

/// Nobody's id on any system.
const NOBODY: u32 = 65_534;

/// Everything below a folder with its permissions, but for what lies in a folder that nobody else may enter.
fn permissions(folder: &Path) -> io::Result<Vec<(PathBuf, u32)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        let mode = about.mode() & 0o777;
        if about.is_dir() && mode != 0o700 {
            found.extend(permissions(&path)?);
        }
        found.push((path, mode));
    }
    Ok(found)
}

/// The agent as another user would start it. None where this test may not become another user.
fn as_nobody(scene: &Scene, agent: &Path, arguments: &[&str]) -> io::Result<Option<Output>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let stage = scene.command();
    let mut command = std::process::Command::new(agent);
    command.env_clear().uid(NOBODY).gid(NOBODY);
    for (name, value) in stage.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.args(arguments).current_dir("/");
    Ok(Some(Process::start(command, b"")?.wait()?))
}

/// The program where everybody may run it.
fn program(scene: &Scene) -> io::Result<PathBuf> {
    fs::set_permissions(scene.folder(), fs::Permissions::from_mode(0o755))?;
    let program = scene.folder().join("agent");
    if fs::hard_link(scene.command().get_program(), &program).is_err() {
        fs::copy(scene.command().get_program(), &program)?;
    }
    Ok(program)
}

#[test]
fn nobody_else_reads_or_answers_what_is_asked() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    assert_eq!(fs::metadata(scene.state())?.mode() & 0o777, 0o700);
    assert_closed(&scene, &question)?;
    scene.agent(["approvals", "deny", &question])?;
    assert_eq!(run.wait()?.code, Some(0));
    Ok(())
}

/// Made by hand, or by a program that installs things, and so open to be looked into.
#[test]
fn a_state_folder_that_others_may_enter_shows_them_nothing() -> io::Result<()> {
    let scene = marking()?;
    fs::create_dir(scene.state())?;
    fs::set_permissions(scene.state(), fs::Permissions::from_mode(0o755))?;
    let (run, question) = waiting(&scene)?;
    assert_closed(&scene, &question)?;
    scene.agent(["approvals", "deny", &question])?;
    assert_eq!(run.wait()?.code, Some(0));
    Ok(())
}

/// Nobody else gets at a waiting question, whichever way.
fn assert_closed(scene: &Scene, question: &str) -> io::Result<()> {
    let state = scene.state();
    for (path, mode) in permissions(&state)? {
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
    let agent = program(scene)?;
    if let Some(there) = as_nobody(scene, &agent, &["--version"])? {
        assert_eq!(there.code, Some(0), "{}", there.all());
    }
    for arguments in [
        &["approvals", "approve", question][..],
        &["approvals", "deny", question],
        &["approvals", "list"],
        &["sessions", "show", "x"],
        &["run", "-s", "x", "-e", "no"],
    ] {
        let Some(refused) = as_nobody(scene, &agent, arguments)? else {
            break;
        };
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.all());
        assert!(!refused.all().contains("echo once"), "{}", refused.all());
    }
    assert_eq!(open_questions(scene)?.len(), 1);
    assert_eq!(left(scene), "");
    Ok(())
}
