//! The process dies at some moment, or the disk forgets.

use super::*;
use crate::checkpoint::TurnChanges;

#[tokio::test]
async fn what_a_command_changed_before_its_process_died_is_known_afterwards() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    scene.file(".gitignore", "ignored\n");
    scene.file("ignored", "x");
    let call = scene.call(Value::Null);
    let begun = scene.checkpoints.before_command(&call, None).await;
    fs::write(scene.path("a"), "half").unwrap();
    fs::write(scene.path("made"), "half").unwrap();
    fs::remove_file(scene.path(".gitignore")).unwrap();
    drop(begun);
    scene.restart();
    let report = scene.undo();
    assert_eq!(report.restored, Vec::<String>::new());
    assert!(
        report.lost[0].starts_with("a command was cut off"),
        "{report:?}"
    );
    // Others work in the folder meanwhile.
    scene.turn = 2;
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("b"), "made").unwrap())
            .await,
        None
    );
    scene.turn = 1;
    fs::remove_file(scene.path("b")).unwrap();
    assert_eq!(scene.checkpoints.after_interrupted(&call).await, None);
    assert_eq!(
        scene.checkpoints.after_interrupted(&call).await,
        None,
        "again after a crash"
    );
    let report = scene.undo();
    assert_eq!(told(&report).0, [".gitignore", "a", "made"]);
    assert_eq!(scene.content("a").as_deref(), Some("before"));
    assert!(scene.path("ignored").exists());
    // A call that never began anything has nothing to tell.
    let other = scene.call(Value::Null);
    assert_eq!(scene.checkpoints.after_interrupted(&other).await, None);
}

#[tokio::test]
async fn a_change_that_was_kept_and_never_made_is_none() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    scene.write("a", "after").await.unwrap();
    // As if the process had died between keeping and changing; then the call runs after all.
    scene.file("a", "before");
    assert_eq!(scene.undo(), UndoReport::default());
    scene.calls -= 1;
    scene.write("a", "after").await.unwrap();
    assert_eq!(scene.undo().restored, ["a"]);
    assert_eq!(scene.content("a").as_deref(), Some("before"));
}

#[tokio::test]
async fn half_a_line_spoils_no_other() {
    let mut scene = Scene::new();
    scene.file("a", "1");
    scene.file("b", "1");
    scene.write("a", "2").await.unwrap();
    let log = scene.config.root.join("turns/s-test/1");
    let mut content = fs::read(&log).unwrap();
    content.extend_from_slice(b"{\"changed\":{\"key\":\"key-9\",\"fol");
    fs::write(&log, content).unwrap();
    scene.write("b", "2").await.unwrap();
    assert_eq!(told(&scene.undo()).0, ["a", "b"]);
}

#[tokio::test]
async fn content_that_is_damaged_or_gone_is_not_restored() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    scene.file("b", "bebore");
    let changed = scene.command(|work| {
        fs::write(work.join("a"), "after").unwrap();
        fs::write(work.join("b"), "after").unwrap();
    });
    assert_eq!(changed.await, None);
    let packs: Vec<_> = fs::read_dir(scene.config.root.join("contents"))
        .unwrap()
        .collect();
    let [Ok(pack)] = packs.as_slice() else {
        panic!("not one pack: {packs:?}");
    };
    let content = fs::read_to_string(pack.path()).unwrap();
    fs::write(pack.path(), content.replace("bebore", "beb0re")).unwrap();
    let report = scene.checkpoints.undo(&Scene::session(), 1).unwrap();
    assert_eq!(told(&report), (vec!["a".to_owned()], vec!["b"]));
    assert_eq!(scene.content("b").as_deref(), Some("after"));
}

#[tokio::test]
async fn a_spoilt_picture_is_taken_anew() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    assert_eq!(scene.command(|_| ()).await, None);
    for picture in fs::read_dir(scene.config.root.join("pictures")).unwrap() {
        fs::write(picture.unwrap().path(), "{").unwrap();
    }
    scene.restart();
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("a"), "after").unwrap())
            .await,
        None
    );
    assert_eq!(scene.undo().restored, ["a"]);
}

#[tokio::test]
async fn a_stopped_call_is_noted_all_the_same() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    let call = scene.call(Value::Null);
    let begun = scene.checkpoints.before_command(&call, None).await;
    fs::write(scene.path("a"), "half").unwrap();
    call.cancel.cancel();
    assert_eq!(scene.checkpoints.after_command(&call, begun).await, None);
    let turns = scene.checkpoints.turns(&Scene::session()).unwrap();
    assert!(
        matches!(turns.as_slice(), [TurnChanges { files: 1, .. }]),
        "{turns:?}"
    );
}
