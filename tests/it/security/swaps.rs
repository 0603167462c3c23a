//! Links that lead elsewhere when a call runs than when a person was shown it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use super::{names, scene_with, told};
use crate::asking::{id, open_questions, waiting};

fn link(scene: &Scene) -> PathBuf {
    scene.folder().join("link")
}

/// A scene whose model wants to write where a link leads, `one`; `two` is somewhere else.
fn linked() -> io::Result<Scene> {
    let scene = scene_with(Script::new())?;
    for folder in ["one", "two"] {
        fs::create_dir(scene.folder().join(folder))?;
    }
    symlink("one", link(&scene))?;
    let call = json!({
        "command": format!("echo once >> {}/ran", link(&scene).display()),
        "escalate": { "reason": "to leave a mark", "writes": [link(&scene)] },
    });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("system.run", &call),
        )
        .on(When::any().result("exit code 0"), Reply::text("it ran"))
        .otherwise(Reply::text("it did not run"));
    scene.with_model(script)
}

/// Puts another link in the place of the one that was shown, in one step.
fn swap(scene: &Scene, to: &Path) -> io::Result<()> {
    let other = scene.folder().join("other");
    symlink(to, &other)?;
    fs::rename(other, link(scene))
}

fn ran(scene: &Scene) -> io::Result<Vec<String>> {
    let mut ran = Vec::new();
    for folder in ["one", "two"] {
        ran.extend(names(&scene.folder().join(folder))?);
    }
    Ok(ran)
}

#[test]
fn the_card_names_where_the_link_leads() -> io::Result<()> {
    let scene = linked()?;
    let (run, question) = waiting(&scene)?;
    let card = scene
        .agent(["approvals", "show", &question, "--json"])?
        .stdout;
    let real = scene.folder().canonicalize()?.join("one");
    assert!(card.contains(&real.display().to_string()), "{card}");
    scene.agent(["approvals", "approve", &question])?;
    let said = run.wait()?;
    assert!(said.stdout.contains("it ran"), "{}", said.all());
    assert_eq!(names(&scene.folder().join("one"))?, ["ran"]);
    Ok(())
}

#[test]
fn a_link_swapped_after_the_card_is_asked_about_again() -> io::Result<()> {
    let scene = linked()?;
    let (run, question) = waiting(&scene)?;
    swap(&scene, Path::new("two"))?;
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    assert!(run.hear(|said| said.matches("\"question.asked\"").count() == 2));
    assert_eq!(ran(&scene)?, [""; 0]);
    let again = open_questions(&scene)?.iter().map(id).collect::<String>();
    assert_ne!(again, question);
    let card = scene.agent(["approvals", "show", &again, "--json"])?.stdout;
    let real = scene.folder().canonicalize()?.join("two");
    assert!(card.contains(&real.display().to_string()), "{card}");
    scene.agent(["approvals", "deny", &again])?;
    let said = run.wait()?;
    assert!(said.stdout.contains("it did not run"), "{}", said.all());
    assert_eq!(ran(&scene)?, [""; 0]);
    Ok(())
}

#[test]
fn a_link_swapped_to_something_private_is_refused() -> io::Result<()> {
    let scene = linked()?;
    let (run, question) = waiting(&scene)?;
    swap(&scene, &scene.state())?;
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    let said = run.wait()?;
    assert!(said.stdout.contains("it did not run"), "{}", said.all());
    assert_eq!(told(&scene, "x", "question.asked")?.len(), 1);
    let ends = told(&scene, "x", "tool.finished")?;
    assert!(
        ends[0].to_string().contains("cannot be granted"),
        "{ends:?}"
    );
    assert_eq!(ran(&scene)?, [""; 0]);
    assert!(!names(&scene.state())?.contains(&"ran".to_owned()));
    Ok(())
}

/// The file that is shown is not the one that is there when the person says yes.
#[test]
fn a_file_changed_after_the_card_is_asked_about_again() -> io::Result<()> {
    let write = json!({ "path": "a.txt", "content": "after\n" });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("file.write", &write),
        )
        .otherwise(Reply::text("done"));
    let scene = scene_with(script)?
        .with_config("[policy]\npreset = \"careful\"\n")?
        .with_file("a.txt", "before\n")?;
    let (run, question) = waiting(&scene)?;
    let scene = scene.with_file("a.txt", "mine\n")?;
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    assert!(run.hear(|said| said.matches("\"question.asked\"").count() == 2));
    assert_eq!(fs::read_to_string(scene.work().join("a.txt"))?, "mine\n");
    let again = open_questions(&scene)?.iter().map(id).collect::<String>();
    let card = scene.agent(["approvals", "show", &again])?.stdout;
    assert!(
        card.contains("-mine") || card.contains("- mine") || card.contains("mine"),
        "{card}"
    );
    scene.agent(["approvals", "approve", &again])?;
    assert_eq!(run.wait()?.code, Some(0));
    assert_eq!(fs::read_to_string(scene.work().join("a.txt"))?, "after\n");
    Ok(())
}
