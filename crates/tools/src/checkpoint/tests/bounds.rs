//! How much is kept, and for how long.

use std::time::SystemTime;

use super::*;

const MB: usize = 1024 * 1024;

#[tokio::test]
async fn what_is_kept_is_kept_once() {
    let mut scene = Scene::new();
    for name in ["a", "b", "sub/c"] {
        scene.file(name, format!("{name} {}", "x".repeat(1000)));
    }
    scene.file("same", format!("a {}", "x".repeat(1000)));
    assert_eq!(scene.command(|_| ()).await, None);
    let once = packed(&scene);
    assert!((3_000..3_100).contains(&once), "{once}");
    for _ in 0..3 {
        assert_eq!(scene.command(|_| ()).await, None);
    }
    // Another process, and another session, in the same folder.
    scene.restart();
    scene.turn = 2;
    assert_eq!(
        scene
            .command(|work| fs::rename(work.join("a"), work.join("moved")).unwrap())
            .await,
        None
    );
    assert_eq!(scene.command(|_| ()).await, None);
    assert_eq!(packed(&scene), once);
    scene.file("b", "small");
    assert_eq!(scene.command(|_| ()).await, None);
    assert_eq!(packed(&scene), once + 5);
}

#[tokio::test]
async fn larger_files_are_kept_as_they_are() {
    let mut scene = Scene::new();
    // Around the sizes from which blocks are shared.
    let sizes = [0, 1, 131_071, 131_072, 131_073, 1_000_000, 4 * MB];
    let content = |size: usize| {
        (0..size)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect::<Vec<_>>()
    };
    for size in sizes {
        scene.file(&size.to_string(), content(size));
    }
    let emptied = scene.command(|work| {
        for size in sizes {
            fs::write(work.join(size.to_string()), "other").unwrap();
        }
    });
    assert_eq!(emptied.await, None);
    assert_eq!(scene.undo().restored.len(), sizes.len());
    for size in sizes {
        assert!(
            fs::read(scene.path(&size.to_string())).unwrap() == content(size),
            "{size}"
        );
    }
}

#[tokio::test]
async fn old_turns_go_and_what_they_kept_with_them() {
    let mut scene = Scene::new();
    for turn in 1..=3 {
        scene.turn = turn;
        scene.file("a", "x".repeat(100) + &turn.to_string());
        scene.write("a", "after").await.unwrap();
    }
    assert_eq!(turns(&scene), [1, 2, 3]);
    let now = now();
    let hours = |hours: i64| now + hours * 3_600_000;
    assert_eq!(
        scene.checkpoints.prune(now).unwrap(),
        0,
        "counted for the first time"
    );
    age(&scene, 1, 25);
    assert_eq!(
        scene.checkpoints.prune(hours(1)).unwrap(),
        0,
        "that was counted an hour ago"
    );
    assert!(scene.checkpoints.prune(hours(7)).unwrap() > 101);
    assert_eq!(turns(&scene), [2, 3]);
    assert_eq!(packed(&scene), 202);
    assert!(scene.checkpoints.undo(&Scene::session(), 1).is_err());
    scene.checkpoints.prune(hours(48)).unwrap();
    assert_eq!((turns(&scene).len(), packed(&scene)), (0, 0));
    assert!(!scene.config.root.join("turns/s-test").exists());
    assert!(scene.checkpoints.size().unwrap() < 1_000);
}

#[tokio::test]
async fn the_oldest_go_first_and_the_running_turn_never() {
    let mut scene = Scene::with_max(3 * MB as u64);
    for turn in 1..=4 {
        scene.turn = turn;
        scene.file("a", (turn.to_string()).repeat(MB));
        scene.write("a", "after").await.unwrap();
        age(&scene, turn, 5 - u64::from(turn));
    }
    // Making room for the fourth let the first go.
    assert_eq!(turns(&scene), [2, 3, 4]);
    age(&scene, 4, 0);
    scene.file("a", "5".repeat(2 * MB));
    scene.write("a", "after").await.unwrap();
    assert_eq!(turns(&scene), [3, 4]);
    scene.checkpoints.prune(now()).unwrap();
    assert_eq!(turns(&scene), [4], "more than fits, but it may still run");
    assert_eq!(
        told(&scene.undo()).1,
        ["a"],
        "a person changed it meanwhile"
    );
}

#[tokio::test]
async fn a_full_store_is_said_and_holds_nothing_up() {
    let mut scene = Scene::with_max(MB as u64);
    scene.file("a", "1".repeat(MB));
    scene.write("a", "2").await.unwrap();
    // The only turn may still run, so nothing can go.
    let output = scene.write("a", "3").await.unwrap();
    let notice = output.notice.unwrap();
    assert!(
        notice.starts_with("the change of `a` cannot be undone: "),
        "{notice}"
    );
    let notice = scene
        .command(|work| fs::write(work.join("a"), "4").unwrap())
        .await
        .unwrap();
    assert!(
        notice.contains("checkpoints take more than `checkpoints.max_mb` allows"),
        "{notice}"
    );
    let report = scene.undo();
    assert_eq!(
        (report.restored.len(), report.left.len(), report.lost.len()),
        (0, 1, 2)
    );
    assert_eq!(scene.content("a").as_deref(), Some("4"));
}

#[tokio::test]
async fn an_empty_store_is_pruned_without_being_made() {
    let scene = Scene::new();
    assert_eq!(scene.checkpoints.prune(now()).unwrap(), 0);
    assert_eq!(scene.checkpoints.size().unwrap(), 0);
    assert!(!scene.config.root.exists());
}

#[tokio::test]
async fn only_the_owner_may_read_what_is_kept() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    scene.write("a", "after").await.unwrap();
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("a"), "later").unwrap())
            .await,
        None
    );
    let mut pending = vec![scene.config.root.clone()];
    while let Some(path) = pending.pop() {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{path:?}");
            pending.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            assert_eq!(mode, 0o600, "{path:?}");
        }
    }
}

/// What is too large to be kept may have been moved or packed into what the turn made.
#[tokio::test]
async fn what_may_be_all_that_is_left_is_not_taken_away() {
    for packed in [false, true] {
        let mut scene = Scene::new();
        let large = "x".repeat(5 * MB);
        scene.file("large", &large);
        scene.file("small", "before");
        let lost = scene.command(|work| {
            if packed {
                fs::write(work.join("large.gz"), "5 MB of x").unwrap();
                fs::remove_file(work.join("large")).unwrap();
            } else {
                fs::rename(work.join("large"), work.join("moved")).unwrap();
            }
            fs::write(work.join("small"), "after").unwrap();
            fs::write(work.join("empty"), "").unwrap();
        });
        let lost = lost.await.unwrap();
        assert!(lost.contains("`large`") && !lost.contains("  "), "{lost}");
        let report = scene.undo();
        let made = if packed { "large.gz" } else { "moved" };
        let restored = ["empty", "small"].map(str::to_owned).to_vec();
        assert_eq!(told(&report), (restored, vec!["large", made]));
        let why = &report.left[1].1;
        assert!(why.contains("all that is left of `large`"), "{why}");
        let expect = if packed { "5 MB of x" } else { large.as_str() };
        assert!(scene.content(made).as_deref() == Some(expect));
        assert_eq!(scene.content("small").as_deref(), Some("before"));
    }
}

/// Bytes of content in the store.
fn packed(scene: &Scene) -> u64 {
    let packs = fs::read_dir(scene.config.root.join("contents")).unwrap();
    packs
        .map(|pack| pack.unwrap().metadata().unwrap().len())
        .sum()
}

fn turns(scene: &Scene) -> Vec<u32> {
    let turns = scene.checkpoints.turns(&Scene::session()).unwrap();
    turns.iter().map(|turn| turn.turn).collect()
}

/// Makes a turn older.
fn age(scene: &Scene, turn: u32, hours: u64) {
    let log = scene
        .config
        .root
        .join("turns/s-test")
        .join(turn.to_string());
    let time = system_now() - Duration::from_hours(hours);
    fs::File::options()
        .append(true)
        .open(log)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn now() -> i64 {
    let since = system_now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "files are stamped by the system's clock"
)]
fn system_now() -> SystemTime {
    SystemTime::now()
}
