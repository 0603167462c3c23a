//! Places that no tool reaches and that nobody is asked about: Corvid's own, private ones, the system's; and the way
//! out of the working folder through links and `..`.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use corvid_testkit::Scene;
use corvid_testkit::model_server::Script;
use serde_json::{Value, json};

use super::{calling, names, scene_with, told, verdicts};
use crate::asking::beside;

/// A name that nothing else on a machine has.
const MARK: &str = "corvid-was-here-2b9f";

/// What the outcomes of a session's calls say, in the order of their ends.
fn outcomes(scene: &Scene, session: &str) -> io::Result<Vec<String>> {
    let ends = told(scene, session, "tool.finished")?;
    let text = |end: &Value| end["outcome"]["text"].as_str().map(str::to_owned);
    Ok(ends.iter().filter_map(text).collect())
}

/// Places that must not be granted, as a model could write them, and whether a mark could be left in each.
fn closed(scene: &Scene) -> io::Result<Vec<String>> {
    let (home, state, user) = (scene.home(), scene.state(), scene.user_home());
    let links = scene.folder().join("links");
    for folder in [&state, &user.join(".ssh"), &links] {
        fs::create_dir_all(folder)?;
    }
    fs::write(home.join("config.toml"), "")?;
    fs::write(user.join(".ssh/authorized_keys"), "")?;
    symlink(&state, links.join("state"))?;
    symlink("../corvid", links.join("home"))?;
    symlink(links.join("home"), links.join("twice"))?;
    symlink(user.join(".ssh"), links.join("keys"))?;
    symlink("/etc", links.join("etc"))?;
    symlink(&state, scene.work().join("inside"))?;
    let links = links.display();
    let own = [home.clone(), state, home.join("config.toml")].map(|path| path.display().to_string());
    let others = [
        format!("{}/.ssh", user.display()),
        format!("{}/.ssh/authorized_keys", user.display()),
        "~/.ssh".to_owned(),
        "~".to_owned(),
        "../corvid".to_owned(),
        "../corvid/state".to_owned(),
        "../work/../corvid".to_owned(),
        "..".to_owned(),
        format!("{}", scene.folder().display()),
        format!("{links}/state"),
        format!("{links}/home"),
        format!("{links}/twice/state"),
        format!("{links}/keys"),
        format!("{links}/etc"),
        format!("{links}/../corvid/state"),
        "/".to_owned(),
        "/etc".to_owned(),
        "/etc/passwd".to_owned(),
        "/usr/bin".to_owned(),
        "/bin/sh".to_owned(),
        "/dev".to_owned(),
        "/dev/null".to_owned(),
        "/proc".to_owned(),
        "/proc/self".to_owned(),
        "/sys".to_owned(),
        "/var".to_owned(),
        "/home".to_owned(),
        "/var/spool/cron".to_owned(),
    ];
    Ok(own.into_iter().chain(others).collect())
}

fn granting(places: &[String]) -> Script {
    let call = |place: &String| {
        let target = place.replace('~', "$HOME");
        json!({
            "command": format!("touch {target}/{MARK} || : >> {target}"),
            "escalate": { "reason": "to leave a mark", "writes": [place] },
        })
    };
    calling("system.run", places.iter().map(call))
}

fn assert_untouched(scene: &Scene) -> io::Result<()> {
    let (home, user) = (scene.home(), scene.user_home());
    let folders = [
        home.clone(),
        scene.state(),
        user.clone(),
        user.join(".ssh"),
        scene.folder().to_owned(),
        "/etc".into(),
        "/".into(),
    ];
    for folder in folders {
        assert!(
            !names(&folder)?.contains(&MARK.to_owned()),
            "{}",
            folder.display()
        );
    }
    Ok(())
}

/// Neither asked about, so that nobody can allow it by mistake, nor let through by `--yes`.
#[test]
fn private_and_system_places_are_refused_and_never_asked() -> io::Result<()> {
    let scene = scene_with(Script::new())?;
    let places = closed(&scene)?;
    let scene = scene.with_model(granting(&places))?;
    let said = scene.run(["-s", "asked", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    let let_through = scene.run(["-s", "yes", "--yes", "-e", "go"])?;
    assert_eq!(let_through.code, Some(0), "{}", let_through.all());
    for session in ["asked", "yes"] {
        assert_eq!(told(&scene, session, "question.asked")?, [json!({}); 0]);
        let outcomes = outcomes(&scene, session)?;
        assert_eq!(outcomes.len(), places.len());
        for (place, outcome) in places.iter().zip(outcomes) {
            assert!(
                outcome.contains("cannot be granted") || outcome.contains("to the system"),
                "{session}: {place}: {outcome}"
            );
        }
    }
    assert_untouched(&scene)
}

/// A working folder into which an enemy put ways out, and what lies outside.
fn with_ways_out() -> io::Result<Scene> {
    let scene = scene_with(Script::new())?.with_file("inside.txt", "inside\n")?;
    let (beside, work) = (beside(&scene), scene.work());
    fs::create_dir_all(beside.join("folder"))?;
    fs::create_dir_all(scene.state())?;
    fs::write(beside.join("secret.txt"), "nobody's business 4417\n")?;
    symlink(beside.join("secret.txt"), work.join("link.txt"))?;
    symlink("../beside/secret.txt", work.join("relative.txt"))?;
    symlink(&beside, work.join("folder"))?;
    symlink(beside.join("new.txt"), work.join("dangling.txt"))?;
    symlink(scene.state(), work.join("state"))?;
    symlink("/proc/self/environ", work.join("environ"))?;
    symlink("/etc/shadow", work.join("shadow"))?;
    Ok(scene)
}

fn outside(scene: &Scene) -> Vec<String> {
    let beside = beside(scene).display().to_string();
    let state = scene.state().display().to_string();
    [
        "link.txt",
        "relative.txt",
        "folder/secret.txt",
        "folder/new.txt",
        "folder/folder/new.txt",
        "dangling.txt",
        "state/corvid.db",
        "state/new.txt",
        "environ",
        "shadow",
        "../beside/secret.txt",
        "folder/../../beside/secret.txt",
        "sub/../../beside/new.txt",
        "../corvid/config.toml",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("{beside}/secret.txt"),
        format!("{beside}/new.txt"),
        format!("{state}/corvid.db"),
        "/etc/passwd-corvid".to_owned(),
    ])
    .collect()
}

fn assert_as_it_was(folder: &Path) -> io::Result<()> {
    assert_eq!(names(folder)?, ["folder", "secret.txt"]);
    assert_eq!(names(&folder.join("folder"))?, [""; 0]);
    let secret = fs::read_to_string(folder.join("secret.txt"))?;
    assert_eq!(secret, "nobody's business 4417\n");
    Ok(())
}

#[test]
fn no_file_tool_leads_out_of_the_folder() -> io::Result<()> {
    let scene = with_ways_out()?;
    let paths = outside(&scene);
    let tries: [(&str, fn(&String) -> Value); 4] = [
        ("file.write", |path| json!({ "path": path, "content": "x" })),
        (
            "file.edit",
            |path| json!({ "path": path, "old": "nobody", "new": "somebody" }),
        ),
        ("file.read", |path| json!({ "path": path })),
        (
            "file.search",
            |path| json!({ "path": path, "pattern": "business" }),
        ),
    ];
    let mut scene = scene;
    for (tool, call) in tries {
        scene = scene.with_model(calling(tool, paths.iter().map(call)))?;
        let said = scene.run(["-s", tool, "--yes", "-e", "go"])?;
        assert_eq!(said.code, Some(0), "{}", said.all());
        let ends = told(&scene, tool, "tool.finished")?;
        assert_eq!(ends.len(), paths.len(), "{tool}");
        for end in ends {
            let text = end["outcome"]["text"].as_str().unwrap_or_default();
            assert_eq!(end["outcome"]["status"], "failed", "{tool}: {text}");
            assert!(!text.contains("4417"), "{tool}: {text}");
        }
    }
    assert_as_it_was(&beside(&scene))
}

#[test]
fn no_command_leads_out_of_the_folder() -> io::Result<()> {
    let scene = with_ways_out()?;
    let commands = outside(&scene).into_iter().flat_map(|path| {
        [
            json!({ "command": format!("cat '{path}' && echo it was read") }),
            json!({ "command": format!("echo x > '{path}' && echo it was written") }),
            json!({ "command": format!("ln '{path}' hard && cat hard && echo it was linked") }),
            json!({ "command": format!("mv '{path}' moved-$$ && test ! -L moved-$$ && echo it was moved") }),
        ]
    });
    let scene = scene.with_model(calling("system.run", commands))?;
    let said = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        verdicts(&scene, "x")?
            .iter()
            .all(|verdict| verdict == "allow")
    );
    for outcome in outcomes(&scene, "x")? {
        assert!(!outcome.contains("it was "), "{outcome}");
        assert!(!outcome.contains("4417"), "{outcome}");
    }
    assert_as_it_was(&beside(&scene))
}
