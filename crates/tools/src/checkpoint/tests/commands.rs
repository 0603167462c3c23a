//! What commands change.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;
use crate::checkpoint::TurnChanges;

#[tokio::test]
async fn whatever_a_command_did_is_taken_back() {
    let mut scene = Scene::new();
    scene.file("changed", "before");
    scene.file("gone", "before");
    scene.file("moved", "content");
    scene.file("folder/deep/x", "x");
    scene.file("was-file", "file");
    scene.file("was-folder/y", "y");
    scene.file("mode", "same");
    symlink("gone", scene.path("link")).unwrap();
    fs::create_dir(scene.path("empty")).unwrap();
    scene.set_mode("folder/deep", 0o750);
    scene.set_mode("mode", 0o644);
    let notice = scene.command(|work| {
        fs::write(work.join("changed"), "after").unwrap();
        fs::remove_file(work.join("gone")).unwrap();
        fs::rename(work.join("moved"), work.join("elsewhere")).unwrap();
        fs::remove_dir_all(work.join("folder")).unwrap();
        fs::remove_dir(work.join("empty")).unwrap();
        fs::remove_file(work.join("was-file")).unwrap();
        fs::create_dir(work.join("was-file")).unwrap();
        fs::write(work.join("was-file/in"), "in").unwrap();
        fs::remove_dir_all(work.join("was-folder")).unwrap();
        fs::write(work.join("was-folder"), "file").unwrap();
        fs::remove_file(work.join("link")).unwrap();
        symlink("changed", work.join("link")).unwrap();
        symlink("changed", work.join("new-link")).unwrap();
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(work.join("mode"), executable).unwrap();
        fs::create_dir_all(work.join("made/deep")).unwrap();
        fs::write(work.join("made/deep/z"), "z").unwrap();
    });
    assert_eq!(notice.await, None);
    let report = scene.undo();
    assert!(
        report.left.is_empty() && report.lost.is_empty(),
        "{report:?}"
    );
    for (path, content) in [
        ("changed", "before"),
        ("gone", "before"),
        ("moved", "content"),
        ("folder/deep/x", "x"),
        ("was-file", "file"),
        ("was-folder/y", "y"),
    ] {
        assert_eq!(scene.content(path).as_deref(), Some(content), "{path}");
    }
    assert_eq!(
        fs::read_link(scene.path("link")).unwrap(),
        Path::new("gone")
    );
    assert_eq!(
        (scene.mode("folder/deep"), scene.mode("mode")),
        (0o750, 0o644)
    );
    let mut names: Vec<_> = fs::read_dir(scene.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    let expect = [
        "changed",
        "empty",
        "folder",
        "gone",
        "link",
        "mode",
        "moved",
        "was-file",
        "was-folder",
    ];
    assert_eq!(names, expect);
    assert_eq!(scene.undo(), UndoReport::default());
}

#[tokio::test]
async fn commands_and_file_tools_of_a_turn_come_to_one_change() {
    let mut scene = Scene::new();
    scene.file("a", "1");
    scene.write("a", "2").await.unwrap();
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("a"), "3").unwrap())
            .await,
        None
    );
    scene.write("a", "4").await.unwrap();
    scene.write("b", "made").await.unwrap();
    assert_eq!(
        scene
            .command(|work| fs::remove_file(work.join("b")).unwrap())
            .await,
        None
    );
    assert_eq!(scene.command(|_| ()).await, None);
    let report = scene.undo();
    assert_eq!(told(&report), (vec!["a".to_owned()], vec![]));
    assert_eq!(scene.content("a").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_command_that_changes_nothing_leaves_nothing() {
    let mut scene = Scene::new();
    scene.file("a", "1");
    for _ in 0..3 {
        let notice = scene.command(|work| {
            // Touching is no change.
            fs::write(work.join("a"), "1").unwrap();
        });
        assert_eq!(notice.await, None);
    }
    assert_eq!(scene.checkpoints.turns(&Scene::session()).unwrap(), []);
    let open = fs::read_dir(scene.config.root.join("open")).unwrap();
    assert_eq!(open.count(), 0, "no picture of an ended command stays");
}

#[tokio::test]
async fn what_is_ignored_stays_out_of_it_whatever_ignore_files_become() {
    let mut scene = Scene::new();
    scene.file(".gitignore", "/target\n*.log\n.gitignore\n");
    scene.file("target/out", "built before");
    scene.file("sub/.gitignore", "*\n");
    scene.file("sub/data", "precious");
    scene.file("old.log", "precious");
    scene.file(".git/HEAD", "ref");
    scene.file("secrets/key", "private");
    scene.file("a.rs", "before");
    let notice = scene.command(|work| {
        // Now nothing says any more that these are left out; some of them are changed as well.
        fs::remove_file(work.join(".gitignore")).unwrap();
        fs::remove_file(work.join("sub/.gitignore")).unwrap();
        fs::write(work.join("sub/data"), "changed").unwrap();
        fs::write(work.join("old.log"), "changed").unwrap();
        fs::write(work.join(".git/HEAD"), "changed").unwrap();
        fs::write(work.join("secrets/key"), "changed").unwrap();
        fs::write(work.join("target/out"), "built after").unwrap();
        // And now these would be.
        fs::write(work.join(".ignore"), "a.rs\nb.rs\n").unwrap();
        fs::write(work.join("a.rs"), "after").unwrap();
        fs::write(work.join("b.rs"), "made").unwrap();
    });
    assert_eq!(notice.await, None);
    let report = scene.undo();
    let expect = [".gitignore", ".ignore", "a.rs", "b.rs", "sub/.gitignore"];
    assert_eq!(told(&report), (expect.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(scene.content("sub/data").as_deref(), Some("changed"));
    assert_eq!(scene.content("old.log").as_deref(), Some("changed"));
    assert_eq!(scene.content("target/out").as_deref(), Some("built after"));
    assert_eq!(scene.content("secrets/key").as_deref(), Some("changed"));
    assert_eq!(scene.content(".git/HEAD").as_deref(), Some("changed"));
    assert_eq!(scene.content("a.rs").as_deref(), Some("before"));
    assert!(!scene.path("b.rs").exists());
    assert!(
        !stored(&scene).contains("private"),
        "nothing private is kept"
    );
}

#[tokio::test]
async fn names_of_any_bytes_are_taken_back() {
    let mut scene = Scene::new();
    let name = OsStr::from_bytes(b"a\xff%41\n\x1b");
    fs::write(scene.path("").join(name), "before").unwrap();
    assert_eq!(
        scene
            .command(|work| fs::write(work.join(name), "after").unwrap())
            .await,
        None
    );
    scene.restart();
    let report = scene.undo();
    assert_eq!(report.restored.len(), 1);
    assert!(!report.restored[0].contains('\x1b'), "{report:?}");
    assert_eq!(fs::read(scene.path("").join(name)).unwrap(), b"before");
}

#[tokio::test]
async fn a_large_file_is_said_not_to_be_undone_only_if_it_changed() {
    let mut scene = Scene::new();
    scene.file("large.bin", vec![b'x'; 5 * 1024 * 1024]);
    scene.file("small", "before");
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("small"), "after").unwrap())
            .await,
        None
    );
    let notice = scene.command(|work| {
        fs::write(work.join("large.bin"), "cut").unwrap();
        fs::write(work.join("larger.bin"), vec![b'y'; 5 * 1024 * 1024]).unwrap();
    });
    let notice = notice.await.unwrap();
    assert!(
        notice.starts_with("changes of `large.bin` cannot be undone: "),
        "{notice}"
    );
    let report = scene.undo();
    // The one that was made may be the other by another name.
    assert_eq!(
        told(&report),
        (vec!["small".to_owned()], vec!["large.bin", "larger.bin"])
    );
    assert_eq!(report.lost, [notice]);
    assert_eq!(scene.content("large.bin").as_deref(), Some("cut"));
    scene.turn = 2;
    let made = scene.command(|work| {
        fs::write(work.join("made.bin"), vec![b'z'; 5 * 1024 * 1024]).unwrap();
    });
    assert_eq!(made.await, None);
    assert_eq!(told(&scene.undo()), (vec!["made.bin".to_owned()], vec![]));
}

#[tokio::test]
async fn a_folder_with_too_many_files_does_not_fit_and_that_is_said() {
    let mut scene = Scene::new();
    fs::create_dir(scene.path("many")).unwrap();
    for index in 0..=10_000 {
        fs::File::create(scene.path("many").join(index.to_string())).unwrap();
    }
    let notice = scene
        .command(|work| fs::write(work.join("a"), "x").unwrap())
        .await;
    let expect = "what the commands of this turn change cannot be undone: the working folder has more than 10000 \
                  files and folders";
    assert_eq!(notice.as_deref(), Some(expect));
    assert_eq!(
        scene.command(|_| ()).await.as_deref(),
        Some(expect),
        "equal, so that it is said once"
    );
    let turn = TurnChanges {
        turn: 1,
        files: 0,
        lost: vec![expect.to_owned()],
        undone: false,
    };
    assert_eq!(scene.checkpoints.turns(&Scene::session()).unwrap(), [turn]);
    let report = scene.undo();
    assert_eq!((report.restored.len(), report.lost.len()), (0, 1));
    // What is ignored does not count.
    scene.turn = 2;
    scene.file(".gitignore", "many\n");
    assert_eq!(
        scene
            .command(|work| fs::write(work.join("a"), "y").unwrap())
            .await,
        None
    );
    assert_eq!(scene.undo().restored, ["a"]);
}

#[tokio::test]
async fn writes_elsewhere_are_said_not_to_be_undone() {
    let mut scene = Scene::new();
    let wider = |writes: &[&str], hosts: &[&str], lacking: &[&str]| Wider {
        reason: String::new(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        writes: writes.iter().map(ToString::to_string).collect(),
        lacking: lacking.iter().map(ToString::to_string).collect(),
    };
    let lost = "what was written outside the working folder cannot be undone".to_owned();
    let expect = Some(lost.clone());
    let reaching = wider(&[], &["crates.io"], &[]);
    assert_eq!(scene.wider_command(Some(&reaching), |_| ()).await, None);
    let writing = wider(&["/opt/x"], &[], &[]);
    assert_eq!(scene.wider_command(Some(&writing), |_| ()).await, expect);
    let unconfined = wider(&[], &[], &["nothing is enforced"]);
    assert_eq!(scene.wider_command(Some(&unconfined), |_| ()).await, expect);
    assert_eq!(scene.undo().lost, [lost]);
}

/// Everything that the store holds, as text.
fn stored(scene: &Scene) -> String {
    let mut text = String::new();
    let mut pending = vec![scene.config.root.clone()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            text += &String::from_utf8_lossy(&fs::read(path).unwrap());
        }
    }
    text
}
