//! Somebody swaps, links and forges what checkpoints go by.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, Mode, RenameFlags};

use super::*;
use crate::checkpoint::tree::file_time;

/// How often a link is swapped (SECURITY: "a link swapped 10,000 times").
const SWAPS: u32 = 10_000;

/// How many turns are made and undone meanwhile, at least.
const ROUNDS: u32 = 20;

#[tokio::test]
async fn a_link_swapped_all_the_time_leads_nowhere() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    scene.file("d/f", "inside");
    symlink(&outside, scene.path("link")).unwrap();
    let swaps = Arc::new(AtomicU32::new(0));
    let end = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (swaps, end) = (Arc::clone(&swaps), Arc::clone(&end));
        let (folder, link, outside) = (scene.path("d"), scene.path("link"), outside.clone());
        move || {
            while !end.load(Ordering::Relaxed) || swaps.load(Ordering::Relaxed) < SWAPS {
                // To a command's picture the swapping is the command's, so undoing may take one of the two away.
                let how = RenameFlags::EXCHANGE;
                if rustix::fs::renameat_with(CWD, &folder, CWD, &link, how).is_ok() {
                    swaps.fetch_add(1, Ordering::Relaxed);
                } else {
                    drop(fs::create_dir(&folder));
                    drop(symlink(&outside, &link));
                }
            }
        }
    });
    for round in 0..ROUNDS {
        scene.turn = round + 1;
        // Whether any of these succeeds is the swapper's affair.
        drop(scene.write("d/f", &format!("turn {round}")).await);
        drop(scene.write(&format!("d/new {round}"), "made").await);
        scene
            .command(|work| drop(fs::write(work.join("link/g"), format!("turn {round}"))))
            .await;
        fs::write(outside.join("g"), "outside").unwrap();
        drop(scene.checkpoints.diff(&Scene::session(), scene.turn));
        drop(scene.checkpoints.undo(&Scene::session(), scene.turn));
    }
    end.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(swaps.load(Ordering::Relaxed) >= SWAPS);
    let mut names: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["f", "g"], "nothing was made outside");
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"outside");
    assert_eq!(fs::read(outside.join("g")).unwrap(), b"outside");
    assert!(
        !kept(&scene).contains("outside"),
        "nothing outside was kept"
    );
}

#[tokio::test]
async fn a_folder_that_became_a_link_is_not_gone_through() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    scene.file("d/f", "before");
    scene.file("d/gone", "before");
    let changed = scene.command(|work| {
        fs::write(work.join("d/f"), "outside").unwrap();
        fs::remove_file(work.join("d/gone")).unwrap();
        fs::write(work.join("d/g"), "outside").unwrap();
    });
    assert_eq!(changed.await, None);
    fs::rename(scene.path("d"), scene.path("d2")).unwrap();
    symlink(&outside, scene.path("d")).unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    let left: Vec<_> = report.left.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        (report.restored.as_slice(), left),
        (&[][..], vec!["d/f", "d/gone"])
    );
    let names: Vec<_> = fs::read_dir(&outside).unwrap().collect();
    assert_eq!(names.len(), 2, "neither removed nor made");
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"outside");
}

#[tokio::test]
async fn a_working_folder_that_became_a_link_is_left() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    scene.file("f", "before");
    scene.write("f", "outside").await.unwrap();
    let work = scene.path("");
    fs::rename(
        scene.root.path().join("work"),
        scene.root.path().join("moved"),
    )
    .unwrap();
    symlink(&outside, scene.root.path().join("work")).unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    assert_eq!(report.restored, Vec::<String>::new());
    assert!(
        report.left[0].1.ends_with("is now a link"),
        "{report:?} {work:?}"
    );
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"outside");
}

#[tokio::test]
async fn a_forged_log_leads_nowhere_outside() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    scene.file("f", "before");
    scene.write("f", "outside").await.unwrap();
    let log = scene.config.root.join("turns/s-test/1");
    let honest = fs::read_to_string(&log).unwrap();
    for path in [
        "../outside/f",
        &outside.join("f").to_string_lossy(),
        "d/../../outside/f",
    ] {
        fs::write(
            &log,
            honest.replace("\"path\":\"f\"", &format!("\"path\":\"{path}\"")),
        )
        .unwrap();
        let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
        assert_eq!((report.restored.len(), report.left.len()), (0, 1), "{path}");
        assert_eq!(fs::read(outside.join("f")).unwrap(), b"outside", "{path}");
    }
    // Nor to another content.
    let log_of_other = honest.replace("\"at\":0", "\"at\":1");
    fs::write(&log, log_of_other).unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    assert_eq!(
        report.left[0].1,
        "it cannot be restored: its former content is not kept any more"
    );
}

#[tokio::test]
async fn paths_outside_are_neither_kept_nor_written() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    symlink(outside.join("f"), scene.path("linked-file")).unwrap();
    symlink(&outside, scene.path("linked")).unwrap();
    for path in ["../outside/f", "linked-file", "linked/f", "linked/new"] {
        assert!(scene.write(path, "written").await.is_err(), "{path}");
    }
    assert_eq!(scene.command(|_| ()).await, None);
    assert_eq!(scene.checkpoints.turns(&Scene::session()).unwrap(), []);
    assert!(!kept(&scene).contains("outside"));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 2);
}

#[tokio::test]
async fn the_other_name_of_a_file_is_not_written_through() {
    let mut scene = Scene::new();
    let outside = outside(&scene);
    fs::hard_link(outside.join("f"), scene.path("f")).unwrap();
    // In place, so that both names see it.
    let changed = scene.command(|work| fs::write(work.join("f"), "changed").unwrap());
    assert_eq!(changed.await, None);
    assert_eq!(scene.undo().restored, ["f"]);
    assert_eq!(scene.content("f").as_deref(), Some("outside"));
    assert_eq!(
        fs::read(outside.join("f")).unwrap(),
        b"changed",
        "only the name in the folder is ours"
    );
}

#[tokio::test]
async fn pipes_and_closed_folders_hold_nothing_up() {
    let mut scene = Scene::new();
    let pipe = |path: &Path| {
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    };
    pipe(&scene.path("pipe"));
    scene.file("file", "before");
    scene.file("closed/file", "x");
    scene.file("unreadable", "x");
    scene.set_mode("closed", 0);
    scene.set_mode("unreadable", 0);
    let changed = scene.command(|work| {
        fs::remove_file(work.join("file")).unwrap();
        pipe(&work.join("file"));
        pipe(&work.join("made-pipe"));
        fs::write(work.join("made"), "made").unwrap();
    });
    assert_eq!(changed.await, None);
    let replaced = scene.command(|work| {
        fs::remove_file(work.join("pipe")).unwrap();
        fs::write(work.join("pipe"), "now a file").unwrap();
    });
    let notice = replaced.await.unwrap();
    assert!(
        notice.starts_with("changes of `pipe` cannot be undone"),
        "{notice}"
    );
    let report = scene.undo();
    let expect = ["file", "made", "made-pipe"].map(str::to_owned).to_vec();
    assert_eq!(told(&report), (expect, vec!["pipe"]));
    assert_eq!(scene.content("file").as_deref(), Some("before"));
    scene.set_mode("closed", 0o700);
}

/// A folder beside the working folder with two files in it.
fn outside(scene: &Scene) -> PathBuf {
    let outside = scene.root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "outside").unwrap();
    fs::write(outside.join("g"), "outside").unwrap();
    outside
}

/// All content that is kept.
fn kept(scene: &Scene) -> String {
    let Ok(packs) = fs::read_dir(scene.config.root.join("contents")) else {
        return String::new();
    };
    let packs = packs.map(|pack| fs::read(pack.unwrap().path()).unwrap());
    packs
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .collect()
}

/// Nothing of what Git ignores is kept, so that what was moved from there is all that there is of it.
#[tokio::test]
async fn what_was_moved_out_of_what_is_ignored_stays() {
    let mut scene = Scene::new();
    scene.file(".gitignore", ".env\nbuild/\n");
    scene.file("kept", "content");
    scene.file("taken", "former");
    assert_eq!(scene.command(|_| ()).await, None);
    // The picture shows none of these, and so the next command begins with the same one.
    scene.file(".env", "mine");
    scene.file("build/deep/data", "mine too");
    scene.file("build/over", "mine as well");
    // The system stamps files only so finely.
    let made = file_time();
    while file_time() < made + 50_000_000 {
        std::thread::yield_now();
    }
    let said = scene.command(|work| {
        fs::rename(work.join(".env"), work.join("env.old")).unwrap();
        fs::rename(work.join("build/over"), work.join("taken")).unwrap();
        fs::rename(work.join("build"), work.join("built")).unwrap();
        fs::rename(work.join("kept"), work.join("renamed")).unwrap();
        fs::write(work.join("made"), "new").unwrap();
    });
    assert_eq!(said.await, None);
    let expect = ["kept", "made", "renamed"].map(str::to_owned).to_vec();
    assert_eq!(told(&scene.undo()), (expect, vec!["taken"]));
    assert_eq!(scene.content("taken").as_deref(), Some("mine as well"));
    assert_eq!(scene.content("env.old").as_deref(), Some("mine"));
    assert_eq!(
        scene.content("built/deep/data").as_deref(),
        Some("mine too")
    );
    assert_eq!(scene.content("kept").as_deref(), Some("content"));
}
