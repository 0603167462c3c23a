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
    let own =
        [home.clone(), state, home.join("config.toml")].map(|path| path.display().to_string());
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
        assert!(told(&scene, session, "question.asked")?.is_empty());
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

/// Paths that lead out, all of them to what belongs to the scene.
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
    // Of these, looking is all that is tried.
    let looked_at = [
        paths.clone(),
        vec!["environ".to_owned(), "shadow".to_owned()],
    ]
    .concat();
    let calls = |paths: &[String], call: fn(&String) -> Value| paths.iter().map(call).collect();
    let tries: [(&str, Vec<Value>); 4] = [
        (
            "file.write",
            calls(&paths, |path| json!({ "path": path, "content": "x" })),
        ),
        (
            "file.edit",
            calls(
                &paths,
                |path| json!({ "path": path, "old": "nobody", "new": "somebody" }),
            ),
        ),
        (
            "file.read",
            calls(&looked_at, |path| json!({ "path": path })),
        ),
        (
            "file.search",
            calls(
                &looked_at,
                |path| json!({ "path": path, "pattern": "business" }),
            ),
        ),
    ];
    let mut scene = scene;
    for (tool, calls) in tries {
        let count = calls.len();
        scene = scene.with_model(calling(tool, calls))?;
        let said = scene.run(["-s", tool, "--yes", "-e", "go"])?;
        assert_eq!(said.code, Some(0), "{}", said.all());
        let ends = told(&scene, tool, "tool.finished")?;
        assert_eq!(ends.len(), count, "{tool}");
        for end in ends {
            let text = end["outcome"]["text"].as_str().unwrap_or_default();
            assert_eq!(end["outcome"]["status"], "failed", "{tool}: {text}");
            assert!(!text.contains("4417"), "{tool}: {text}");
        }
    }
    assert_as_it_was(&beside(&scene))
}

/// Whatever a command could do with what a path leads to.
fn trying(path: &String) -> Value {
    let tries = [
        format!("cat '{path}' && echo it was read"),
        format!("echo x >> '{path}' && echo it was written"),
        format!("ln -L '{path}' hard && cat hard && echo it was linked"),
        format!("cp '{path}' copy && echo it was copied"),
        format!("chmod 777 '{path}' && echo it was opened"),
        format!("mv '{path}' moved && test ! -L moved && echo it was moved"),
    ];
    json!({ "command": tries.join("; ") })
}

#[test]
fn no_command_leads_out_of_the_folder() -> io::Result<()> {
    let scene = with_ways_out()?;
    let script = calling("system.run", outside(&scene).iter().map(trying));
    let scene = scene.with_model(script)?;
    let said = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    let verdicts = verdicts(&scene, "x")?;
    assert!(verdicts.iter().all(|verdict| verdict == "allow"));
    for outcome in outcomes(&scene, "x")? {
        assert!(!outcome.contains("it was "), "{outcome}");
        assert!(!outcome.contains("4417"), "{outcome}");
    }
    assert_as_it_was(&beside(&scene))
}

/// Where there is no sandbox the same commands get out: the ones above are tries that could succeed.
#[cfg(feature = "faults")]
#[test]
fn without_a_sandbox_commands_do_lead_out() -> io::Result<()> {
    let scene = with_ways_out()?.with_variable("CORVID_ISOLATION", "none");
    let beside: Vec<_> = outside(&scene)
        .into_iter()
        .filter(|path| ["link.txt", "folder/new.txt"].contains(&path.as_str()))
        .collect();
    let scene = scene.with_model(calling("system.run", beside.iter().map(trying)))?;
    scene.run(["-s", "x", "--yes", "-e", "go"])?;
    let outcomes = outcomes(&scene, "x")?.concat();
    let expected = [
        "4417",
        "it was read",
        "it was written",
        "it was linked",
        "it was copied",
        "it was opened",
        "it was moved",
    ];
    for way in expected {
        assert!(outcomes.contains(way), "`{way}` is not in {outcomes}");
    }
    Ok(())
}
