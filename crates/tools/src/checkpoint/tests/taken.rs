//! What undoing replaces or removes is kept aside, as long as checkpoints are.

use std::os::unix::fs::symlink;

use super::*;
use crate::checkpoint::taken::Taken;
use crate::checkpoint::tree::Tree;

const MB: usize = 1024 * 1024;

#[tokio::test]
async fn an_edit_made_while_the_turn_ran_is_found_again() {
    let mut scene = Scene::new();
    scene.file("sub/edited", "before");
    scene.file("only its mode", "as it is");
    symlink("before", scene.path("link")).unwrap();
    let size = scene.checkpoints.size().unwrap();
    scene
        .command(|work| {
            fs::write(work.join("sub/edited"), "a person's work").unwrap();
            fs::write(work.join("made"), "a person's too").unwrap();
            fs::remove_file(work.join("link")).unwrap();
            symlink("after", work.join("link")).unwrap();
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(work.join("only its mode"), mode).unwrap();
        })
        .await;
    let report = scene.undo();
    let restored = ["link", "made", "only its mode", "sub/edited"];
    assert_eq!(
        told(&report),
        (restored.map(str::to_owned).to_vec(), vec![])
    );
    assert_eq!(scene.content("sub/edited").as_deref(), Some("before"));
    let kept = report.kept.unwrap();
    assert!(kept.starts_with(scene.config.root.join("taken/s-test")));
    assert_eq!(names(&kept), ["link", "made", "sub"]);
    assert_eq!(
        fs::read(kept.join("sub/edited")).unwrap(),
        b"a person's work"
    );
    assert_eq!(fs::read(kept.join("made")).unwrap(), b"a person's too");
    assert_eq!(
        fs::read_link(kept.join("link")).unwrap(),
        Path::new("after")
    );
    for (path, expect) in [("", 0o700), ("sub", 0o700), ("sub/edited", 0o600)] {
        let mode = fs::metadata(kept.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, expect, "{path}");
    }
    assert!(scene.checkpoints.size().unwrap() > size + 30);
    assert_eq!(scene.undo().kept, None, "nothing was there any more");
}

#[tokio::test]
async fn two_undoings_do_not_collide() {
    let mut scene = Scene::new();
    let mut folders = Vec::new();
    for content in ["one", "two"] {
        scene.write("made", content).await.unwrap();
        folders.push(scene.undo().kept.unwrap());
        scene.turn += 1;
    }
    let kept: Vec<_> = folders
        .iter()
        .map(|folder| fs::read(folder.join("made")).unwrap())
        .collect();
    assert_eq!(kept, [b"one", b"two"]);
    // Nor do two in the same moment, each before the other is done.
    let tree = Tree::open(&scene.path("")).unwrap();
    scene.file("f", "content");
    let seen = tree.state(Path::new("f")).unwrap();
    let mut both = [(); 2].map(|()| taken(&scene));
    for one in &mut both {
        one.keep(&tree, Path::new("f"), &seen).unwrap();
    }
    assert_ne!(both[0].folder(), both[1].folder());
}

#[tokio::test]
async fn what_is_kept_expires() {
    let mut scene = Scene::new();
    scene.write("made", &"x".repeat(10_000)).await.unwrap();
    let kept = scene.undo().kept.unwrap();
    let now = crate::checkpoint::tree::file_time() / 1_000_000;
    let hours = |hours: i64| now + hours * 3_600_000;
    scene.checkpoints.prune(hours(7)).unwrap();
    assert!(kept.join("made").exists());
    assert!(scene.checkpoints.size().unwrap() > 10_000, "it is counted");
    assert!(scene.checkpoints.prune(hours(25)).unwrap() > 10_000);
    assert!(!kept.exists());
    assert_eq!(names(&scene.config.root.join("taken")), [""; 0]);
    assert!(scene.checkpoints.size().unwrap() < 1_000);
}

#[tokio::test]
async fn what_is_kept_makes_room_for_what_comes() {
    let mut scene = Scene::with_max(3 * MB as u64);
    let mut folders = Vec::new();
    for turn in 1..=3 {
        scene.turn = turn;
        scene
            .write("made", &turn.to_string().repeat(MB + MB / 4))
            .await
            .unwrap();
        folders.push(scene.undo().kept.unwrap());
    }
    let there: Vec<_> = folders.iter().map(|folder| folder.exists()).collect();
    assert_eq!(there, [false, true, true], "the oldest went first");
    assert!(scene.checkpoints.size().unwrap() <= scene.config.max_bytes);
}

#[tokio::test]
async fn what_cannot_be_kept_is_left() {
    let mut scene = Scene::with_max(MB as u64);
    scene.write("large", &"x".repeat(MB + 1)).await.unwrap();
    scene.write("small", "made").await.unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    assert_eq!(told(&report), (vec!["small".to_owned()], vec!["large"]));
    let why = &report.left[0].1;
    assert!(
        why.contains("cannot be kept: ") && why.contains("`checkpoints.max_mb`"),
        "{why}"
    );
    assert_eq!(scene.content("large").unwrap().len(), MB + 1);
    assert_eq!(names(&report.kept.unwrap()), ["small"]);
}

/// The turn that is undone does not go to make room for what its undoing keeps, however old it is.
#[tokio::test]
async fn the_turn_that_is_undone_stays() {
    let mut scene = Scene::with_max(3 * MB as u64);
    scene.file("a", "1".repeat(2 * MB));
    scene.write("a", &"2".repeat(2 * MB)).await.unwrap();
    let log = scene.config.root.join("turns/s-test/1");
    let log = fs::File::options().append(true).open(log).unwrap();
    log.set_modified(std::time::UNIX_EPOCH).unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    assert_eq!(told(&report), (vec![], vec!["a"]));
    assert_eq!(scene.checkpoints.turns(&Scene::session()).unwrap().len(), 1);
    assert!(scene.content("a").unwrap().starts_with('2'));
}

#[tokio::test]
async fn nothing_is_kept_through_a_swapped_link() {
    let mut scene = Scene::new();
    scene.write("made", "kept").await.unwrap();
    scene.file("d/f", "inside");
    scene.file("g", "inside");
    let outside = scene.root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "secret").unwrap();
    let tree = Tree::open(&scene.path("")).unwrap();
    let seen = ["d/f", "g"].map(|path| (path, tree.state(Path::new(path)).unwrap()));
    fs::rename(scene.path("d"), scene.path("d2")).unwrap();
    symlink(&outside, scene.path("d")).unwrap();
    fs::remove_file(scene.path("g")).unwrap();
    symlink(outside.join("f"), scene.path("g")).unwrap();
    let mut taken = taken(&scene);
    for (path, seen) in &seen {
        assert!(taken.keep(&tree, Path::new(path), seen).is_err(), "{path}");
    }
    assert_eq!(taken.folder(), None);
    drop(taken);
    assert_eq!(names(&scene.config.root.join("taken/s-test")), [""; 0]);
    scene.checkpoints.make_room().unwrap();
    assert_eq!(names(&scene.config.root.join("taken")), [""; 0]);
    // Nor does a link among what is kept lead anywhere.
    let mut taken = self::taken(&scene);
    let link = tree.state(Path::new("d")).unwrap();
    taken.keep(&tree, Path::new("d"), &link).unwrap();
    fs::remove_file(scene.path("d")).unwrap();
    scene.file("d/new", "inside");
    let seen = tree.state(Path::new("d/new")).unwrap();
    assert!(taken.keep(&tree, Path::new("d/new"), &seen).is_err());
    assert_eq!(names(&outside), ["f"]);
}

fn taken(scene: &Scene) -> Taken<'_> {
    let store = (&scene.checkpoints.store, scene.config.max_bytes);
    Taken::new(store, &Scene::session(), 1)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
