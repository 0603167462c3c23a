//! Links that lead elsewhere when a call runs than when a person was shown it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use super::{names, scene_with, told};
use crate::asking::{id, open_questions, waiting};

/// A scene whose model wants to write in the folder `one`, as it is named there; `two` is somewhere else.
fn writing(named: &str) -> io::Result<Scene> {
    let scene = scene_with(Script::new())?;
    for folder in ["one", "two"] {
        fs::create_dir(scene.folder().join(folder))?;
    }
    symlink("one", scene.folder().join("link"))?;
    let place = scene.folder().canonicalize()?.join(named);
    let call = json!({
        "command": format!("echo once >> {}/ran", place.display()),
        "escalate": { "reason": "to leave a mark", "writes": [place] },
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

fn ran(scene: &Scene) -> io::Result<Vec<String>> {
    let mut ran = Vec::new();
    for folder in ["one", "two"] {
        ran.extend(names(&scene.folder().join(folder))?);
    }
    Ok(ran)
}

/// A rule and a person decide on a name, and a link may lead elsewhere by the time the command runs.
#[test]
fn a_link_is_never_granted_whoever_allows_it() -> io::Result<()> {
    let scene = writing("link")?;
    let folder = scene.folder().canonicalize()?;
    let place = folder.join("link");
    let rule = format!(
        "[[policy.rules]]\ntool = \"system.run\"\nresource = \"write:{}*\"\neffect = \"allow\"\n",
        place.display()
    );
    let scene = scene.with_config(&rule)?;
    for options in [&[][..], &["--yes"]] {
        let said = scene.agent([&["run", "-e", "go"], options].concat())?;
        assert!(said.stdout.contains("it did not run"), "{}", said.all());
        assert_eq!(ran(&scene)?, [""; 0], "{options:?}");
    }
    Ok(())
}

#[test]
fn the_model_is_told_where_the_link_leads() -> io::Result<()> {
    let scene = writing("link")?;
    let said = scene.agent(["run", "-s", "x", "--yes", "-e", "go"])?;
    assert!(said.stdout.contains("it did not run"), "{}", said.all());
    let ends = told(&scene, "x", "tool.finished")?;
    let real = scene.folder().canonicalize()?.join("one");
    let named = format!("leads from there to `{}`; name that", real.display());
    assert!(ends[0].to_string().contains(&named), "{ends:?}");
    assert_eq!(told(&scene, "x", "question.asked")?.len(), 0);
    Ok(())
}

#[test]
fn a_link_swapped_in_after_the_card_is_refused() -> io::Result<()> {
    for to in ["two", "corvid"] {
        let scene = writing("one")?;
        let (run, question) = waiting(&scene)?;
        fs::remove_dir(scene.folder().join("one"))?;
        symlink(to, scene.folder().join("one"))?;
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
        assert_eq!(names(&scene.folder().join("two"))?, [""; 0]);
        assert!(!names(&scene.state())?.contains(&"ran".to_owned()));
    }
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
