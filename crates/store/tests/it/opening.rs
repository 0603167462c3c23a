//! Opening: fresh, again, and everything that can be wrong with a file or its disk.
//! Invariant: each refusal names the file and what to do; nothing that was there is changed.
//! It must not know the tables.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use corvid_core::wire::{EventBody, SessionId};
use corvid_core::{AppendError, Journal as _, Tasks};
use corvid_store::{Config, OpenError, Store};
use tokio::task::JoinSet;

use crate::mounts::SmallDisk;
use crate::scene::{Lane, Scene, admission, execute, open, open_session};

fn mode(path: &Path) -> Option<u32> {
    let found = fs::metadata(path).ok()?;
    Some(found.permissions().mode() & 0o777)
}

/// What opening says, which must name the file.
async fn refusal(path: &Path) -> (OpenError, String) {
    let path = path.to_owned();
    let shown = path.display().to_string();
    match Store::open(&Config { path }, &Tasks::default()).await {
        Ok(_) => panic!("{shown} was opened"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&shown), "{text}");
            (error, text)
        }
    }
}

#[tokio::test]
async fn a_fresh_store_is_this_users_alone() {
    let scene = Scene::new();
    let lane = Lane::begin(&scene.open().await, "s").await;
    let file = scene.path();
    let folder = file.parent().unwrap();
    assert_eq!(mode(folder), Some(0o700));
    assert_eq!(mode(&folder.join("owners")), Some(0o700));
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_eq!(mode(&path), Some(0o600), "{}", path.display());
        }
    }
    let health = lane.store.check().await.unwrap();
    assert_eq!((health.sessions, health.events), (1, 2));
    assert_eq!((health.version, health.problems), (2, vec![]));
}

#[tokio::test]
async fn opening_again_writes_nothing() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert!(open_session(&store, &SessionId::new("s")).await.is_ok());
    let file = scene.path();
    let log = file.with_extension("db-wal");
    let before = [fs::read(&file).unwrap(), fs::read(&log).unwrap()];
    let again = scene.open().await;
    assert_eq!(again.sessions(9).await.unwrap().len(), 1);
    assert_eq!([fs::read(&file).unwrap(), fs::read(&log).unwrap()], before);
    assert_eq!(again.commits(), 0);
    let owners = file.with_file_name("owners");
    assert!(!owners.exists(), "who claims nothing needs no lock");
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let scene = Scene::new();
    drop(scene.open().await);
    execute(&scene.path(), "PRAGMA user_version = 99").await;
    let (error, text) = refusal(&scene.path()).await;
    assert!(matches!(
        error,
        OpenError::Newer {
            found: 99,
            known: 2,
            ..
        }
    ));
    assert!(text.contains("update Corvid"), "{text}");
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let scene = Scene::new();
    let file = scene.path();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = "# a note of mine, longer than a header\n".repeat(100);
    fs::write(&file, &text).unwrap();
    let (error, _) = refusal(&file).await;
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    let other = file.with_file_name("other.db");
    execute(&other, "CREATE TABLE recipe (name TEXT)").await;
    let (error, _) = refusal(&other).await;
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    execute(&other, "PRAGMA user_version = 1").await;
    let (error, _) = refusal(&other).await;
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    execute(&other, "SELECT name FROM recipe").await;

    let folder = file.with_file_name("folder.db");
    fs::create_dir(&folder).unwrap();
    let (error, text) = refusal(&folder).await;
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error:?}");
    assert!(text.contains("it is a folder"), "{text}");
}

#[tokio::test]
async fn a_damaged_event_is_named_by_its_file_and_what_to_do() {
    for sql in [
        "UPDATE event SET payload = '{}' WHERE kind = 'lane.claimed'",
        "UPDATE event SET payload = CAST(x'ff' AS TEXT) WHERE kind = 'lane.claimed'",
    ] {
        let scene = Scene::new();
        let store = scene.open().await;
        let lane = Lane::begin(&store, "s").await;
        execute(&scene.path(), sql).await;
        let read = store.read(&lane.session, 0, 10).await;
        let text = read.map_err(|error| error.to_string()).unwrap_err();
        let path = scene.path().display().to_string();
        for part in [&*path, "damaged", "keep a copy", "agent doctor"] {
            assert!(text.contains(part), "`{part}` is not in `{text}`");
        }
    }
}

#[tokio::test]
async fn a_folder_in_the_files_place_is_refused() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path()).unwrap();
    refusal(&scene.path()).await;
}

#[tokio::test]
async fn a_store_that_breaks_says_so() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    for number in 0..40 {
        let input = lane
            .admit(&format!("k{number}"), &"text ".repeat(400))
            .await;
        lane.answer(input, "answer").await;
    }
    execute(&scene.path(), "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut bytes = fs::read(scene.path()).unwrap();
    let pages = bytes.len() / 4096;
    // The first pages hold the names of the tables, without which nothing would open.
    for page in pages / 2..pages {
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
    }
    let broken = scene.path().with_file_name("broken.db");
    fs::write(&broken, bytes).unwrap();
    let config = Config { path: broken };
    let store = Store::open(&config, &Tasks::default()).await.unwrap();
    let read = store.read(&lane.session, 0, 1000).await;
    let text = read.map_or_else(|error| error.to_string(), |_| String::new());
    assert!(
        text.contains("damaged") && text.contains("broken.db"),
        "{text}"
    );
    let health = store.check().await;
    assert!(
        health
            .as_ref()
            .map_or(true, |health| !health.problems.is_empty()),
        "{health:?}"
    );
}

#[tokio::test]
async fn a_read_only_disk_is_named() {
    let Some(disk) = SmallDisk::mount(16 << 20) else {
        return;
    };
    let path = disk.path().join("state/corvid.db");
    let config = Config { path: path.clone() };
    let tasks = Tasks::default();
    let store = Store::open(&config, &tasks).await.unwrap();
    assert!(open_session(&store, &SessionId::new("s")).await.is_ok());
    drop(store);
    disk.make_read_only();
    for path in [path, disk.path().join("new/corvid.db")] {
        let (error, text) = refusal(&path).await;
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
        assert!(text.contains("writable"), "{text}");
    }
}

/// Fills a small disk with groups of ten inputs of that many bytes, and frees it again.
async fn fill_and_heal(bytes: usize) {
    let Some(disk) = SmallDisk::mount(16 << 20) else {
        return;
    };
    let path = disk.path().join("state/corvid.db");
    let tasks = Tasks::default();
    let store = Store::open(&Config { path }, &tasks).await.unwrap();
    let session = SessionId::new("s");
    assert!(open_session(&store, &session).await.is_ok());
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 12 << 20]).unwrap();
    let input = |key: &str| {
        let admitted = admission(key, &"x".repeat(bytes));
        open(&session, vec![EventBody::InputAdmitted(admitted)])
    };

    let (mut kept, mut refused) = (1, 0);
    while refused == 0 {
        let mut set = JoinSet::new();
        for writer in 0..10 {
            let (store, append) = (store.clone(), input(&format!("{kept}-{writer}")));
            set.spawn(async move { store.append(append).await });
        }
        for outcome in set.join_all().await {
            match outcome {
                Ok(_) => kept += 1,
                Err(AppendError::Full(text)) => {
                    refused += 1;
                    assert!(text.contains("corvid.db") && text.contains("free some space"));
                }
                Err(error) => panic!("expected a full disk, got {error:?}"),
            }
        }
    }
    assert_eq!(store.read(&session, 0, 1000).await.unwrap().len(), kept);

    fs::remove_file(ballast).unwrap();
    let healed = store.append(input("after")).await;
    assert_eq!(healed.map(|done| done.first).ok(), Some(kept as u64 + 1));
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_disk_that_is_full_at_a_commit_loses_nothing_and_heals() {
    fill_and_heal(1 << 16).await;
}

#[tokio::test]
async fn a_disk_that_is_full_within_a_transaction_loses_nothing_and_heals() {
    // Larger than what is kept in memory, so that it is written before the commit.
    fill_and_heal(3 << 20).await;
}

#[tokio::test]
async fn a_disk_without_room_for_a_store_is_named() {
    let Some(disk) = SmallDisk::mount(64 << 10) else {
        return;
    };
    fs::write(disk.path().join("ballast"), vec![0; 52 << 10]).unwrap();
    let (error, text) = refusal(&disk.path().join("corvid.db")).await;
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
    assert!(text.contains("free some space"), "{text}");
}
