//! What `file.write` and `file.edit` change.

use super::*;
use crate::checkpoint::tree::Tree;
use crate::checkpoint::{CheckpointError, DiffBody, DiffKind, FileDiff, TurnChanges};

#[tokio::test]
async fn a_turn_is_taken_back_file_by_file() {
    let mut scene = Scene::new();
    scene.file("kept.txt", "one\ntwo\n");
    scene.set_mode("kept.txt", 0o750);
    scene.edit("kept.txt", "two", "2").await.unwrap();
    scene.write("kept.txt", "all new\n").await.unwrap();
    scene.write("a/b/made.txt", "made\n").await.unwrap();
    let turns = scene.checkpoints.turns(&Scene::session()).unwrap();
    let turn = TurnChanges {
        turn: 1,
        files: 2,
        lost: Vec::new(),
        undone: false,
    };
    assert_eq!(turns, std::slice::from_ref(&turn));
    let report = scene.undo();
    assert_eq!(told(&report).0, ["a/b/made.txt", "kept.txt"]);
    assert!(
        report.left.is_empty() && report.lost.is_empty(),
        "{report:?}"
    );
    assert_eq!(scene.content("kept.txt").as_deref(), Some("one\ntwo\n"));
    assert_eq!(scene.mode("kept.txt"), 0o750);
    assert!(
        !scene.path("a").exists(),
        "the folders that the turn made are gone"
    );
    assert_eq!(scene.undo(), UndoReport::default(), "twice does it once");
    let turns = scene.checkpoints.turns(&Scene::session()).unwrap();
    assert_eq!(
        turns,
        [TurnChanges {
            undone: true,
            ..turn
        }]
    );
}

#[tokio::test]
async fn what_a_person_changed_since_stays() {
    let mut scene = Scene::new();
    for name in ["changed", "gone", "same", "during"] {
        scene.file(name, "before");
        scene.write(name, "after").await.unwrap();
    }
    scene.write("made", "after").await.unwrap();
    scene.file("during", "a person's");
    scene.write("during", "after that").await.unwrap();
    scene.file("changed", "a person's");
    scene.file("made", "a person's");
    fs::remove_file(scene.path("gone")).unwrap();
    scene.set_mode("same", 0o600);
    let report = scene.undo();
    let changed = "it has changed since".to_owned();
    let expect = [
        ("changed".to_owned(), changed.clone()),
        (
            "during".to_owned(),
            "somebody else changed it while the turn ran".to_owned(),
        ),
        ("gone".to_owned(), changed.clone()),
        ("made".to_owned(), changed),
    ];
    assert_eq!(report.left, expect);
    assert_eq!(report.restored, ["same"]);
    assert_eq!(scene.content("changed").as_deref(), Some("a person's"));
    assert_eq!(scene.content("made").as_deref(), Some("a person's"));
    assert_eq!(scene.content("same").as_deref(), Some("before"));
    assert_eq!(
        scene.mode("same"),
        0o600,
        "the permissions are the person's"
    );
}

#[tokio::test]
async fn an_older_turn_is_taken_back_where_no_newer_one_changed() {
    let mut scene = Scene::new();
    scene.file("one", "1\n");
    scene.file("two", "1\n");
    scene.write("one", "2\n").await.unwrap();
    scene.write("two", "2\n").await.unwrap();
    scene.turn = 2;
    scene.write("two", "3\n").await.unwrap();
    let diff = scene.checkpoints.diff(&Scene::session(), 1).unwrap();
    let text =
        |name: &str| DiffBody::Text(format!("--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-1\n+2\n"));
    let changed = |name: &str| FileDiff {
        path: name.to_owned(),
        kind: DiffKind::Changed,
        modes: None,
        body: text(name),
    };
    // What the first turn left of the second file is what the second turn found.
    assert_eq!(diff, [changed("one"), changed("two")]);
    let report = scene.undo_turn(1);
    assert_eq!(told(&report), (vec!["one".to_owned()], vec!["two"]));
    assert_eq!(scene.content("two").as_deref(), Some("3\n"));
}

#[tokio::test]
async fn a_change_that_fails_is_not_taken_back() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    fs::create_dir(scene.path("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", scene.path("dangling")).unwrap();
    assert!(scene.write("folder", "x").await.is_err());
    assert!(scene.write("dangling", "x").await.is_err());
    scene.write("a", "before").await.unwrap();
    let nothing = scene.checkpoints.undo(&Scene::session(), 1);
    assert!(
        matches!(nothing, Err(CheckpointError::Nothing { turn: 1, .. })),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn nothing_is_changed_that_cannot_be_kept() {
    let mut scene = Scene::new();
    scene.file("a", "before");
    // A file stands where the store is to be.
    fs::create_dir_all(scene.root.path().join("state")).unwrap();
    fs::write(scene.root.path().join("state/checkpoints"), "").unwrap();
    let error = scene.write("a", "after").await.unwrap_err();
    let ToolError::Tell(text) = error else {
        panic!("it ended the turn: {error}");
    };
    assert!(text.starts_with("nothing was changed: "), "{text}");
    assert_eq!(scene.content("a").as_deref(), Some("before"));
}

#[tokio::test]
async fn a_linked_file_is_taken_back_where_it_is() {
    let mut scene = Scene::new();
    scene.file("real/a", "before");
    std::os::unix::fs::symlink("real", scene.path("linked")).unwrap();
    scene.write("linked/../linked/a", "after").await.unwrap();
    scene.write("linked/new/b", "after").await.unwrap();
    let report = scene.undo();
    assert_eq!(told(&report).0, ["real/a", "real/new/b"]);
    assert_eq!(scene.content("real/a").as_deref(), Some("before"));
    assert!(!scene.path("real/new").exists());
}

#[tokio::test]
async fn a_diff_says_what_it_cannot_show() {
    let mut scene = Scene::new();
    scene.file("binary", b"\0\x01");
    scene.file("gone", "was\n");
    scene.write("binary", "text\n").await.unwrap();
    scene.write("gone", "is\n").await.unwrap();
    scene
        .write("made\u{1b}[31m", "new \u{202e}\n")
        .await
        .unwrap();
    scene.file("gone", "else");
    let diff = scene.checkpoints.diff(&Scene::session(), 1).unwrap();
    let bodies: Vec<_> = diff
        .iter()
        .map(|file| (file.path.as_str(), &file.body))
        .collect();
    let unknown =
        DiffBody::Unknown("it has changed since, and what the turn left was not kept".to_owned());
    assert_eq!(bodies[0], ("binary", &DiffBody::Binary(2, 5)));
    assert_eq!(bodies[1], ("gone", &unknown));
    let DiffBody::Text(text) = bodies[2].1 else {
        panic!("no text: {:?}", bodies[2]);
    };
    assert!(text.ends_with("@@ -0,0 +1 @@\n+new \u{fffd}\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(diff[2].kind, DiffKind::Made);
}

/// Between the last look at a file and the change of its name somebody may save it.
#[tokio::test]
async fn what_is_saved_in_that_moment_stays() {
    let scene = Scene::new();
    scene.file("a", "as the turn left it");
    let tree = Tree::open(&scene.path("")).unwrap();
    let seen = tree.state(Path::new("a")).unwrap();
    let saved = scene.path("saved");
    fs::write(&saved, "a person's").unwrap();
    fs::rename(saved, scene.path("a")).unwrap();
    let put = tree.put_file(Path::new("a"), b"before", 0o644, &seen);
    let removed = tree.remove(Path::new("a"), &seen);
    for refused in [put, removed] {
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, "it changed in that moment");
    }
    assert_eq!(scene.content("a").as_deref(), Some("a person's"));
    let now = tree.state(Path::new("a")).unwrap();
    tree.remove(Path::new("a"), &now).unwrap();
    assert_eq!(scene.content("a"), None);
}
