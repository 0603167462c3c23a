//! `file.write` and `file.edit`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use corvid_core::{Reconciled, ToolOutput};
use serde_json::json;

use crate::scene::{Scene, told};

#[tokio::test]
async fn a_file_is_made_with_its_folders() {
    let scene = Scene::new();
    let made = scene
        .text(
            "file.write",
            json!({ "path": "a/b/c.txt", "content": "grüße\n" }),
        )
        .await;
    assert_eq!(made, "made a/b/c.txt, 8 bytes");
    assert_eq!(scene.content("a/b/c.txt"), "grüße\n".as_bytes());
}

#[tokio::test]
async fn a_replaced_file_keeps_its_permissions_and_line_ends() {
    let scene = Scene::new();
    scene.file("run.bat", "one\r\ntwo\r\n");
    let path = scene.path("run.bat");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).expect("permissions");
    let changed = scene
        .text(
            "file.write",
            json!({ "path": "run.bat", "content": "one\n2\n" }),
        )
        .await;
    assert_eq!(
        changed,
        "its lines end with CRLF as before\nchanged run.bat: lines: +1 -1\n@@ -1,2 +1,2 @@\n one\n-two\n+2"
    );
    assert_eq!(scene.content("run.bat"), b"one\r\n2\r\n");
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    let folder = fs::read_dir(scene.path("")).expect("the folder");
    assert_eq!(folder.count(), 1, "no scratch file stays behind");
}

#[tokio::test]
async fn writing_what_is_there_changes_nothing() {
    let scene = Scene::new();
    scene.file("a", "same");
    let text = scene
        .text("file.write", json!({ "path": "a", "content": "same" }))
        .await;
    assert_eq!(text, "a has this content already; nothing changed");
}

#[tokio::test]
async fn a_passage_is_replaced_and_shown() {
    let scene = Scene::new();
    scene.file("a.rs", "fn a() {\n    one();\n}\n");
    let edit =
        json!({ "path": "a.rs", "old": "    one();\n", "new": "    two();\n    three();\n" });
    let text = scene.text("file.edit", edit).await;
    let expect = "\
changed a.rs: lines: +2 -1
@@ -1,3 +1,4 @@
 fn a() {
-    one();
+    two();
+    three();
 }";
    assert_eq!(text, expect);
    assert_eq!(
        scene.content("a.rs"),
        b"fn a() {\n    two();\n    three();\n}\n"
    );
    let all = json!({ "path": "a.rs", "old": "    t", "new": "t", "all": true });
    let text = scene.text("file.edit", all).await;
    assert!(
        text.starts_with("replaced at 2 places\nchanged a.rs: "),
        "{text}"
    );
}

#[tokio::test]
async fn an_edit_that_cannot_be_made_says_why() {
    let scene = Scene::new();
    scene.file("a", "x\ny\nx\n");
    let check = async |arguments, expect: &str| {
        assert_eq!(scene.error("file.edit", arguments).await, expect);
        assert_eq!(scene.content("a"), b"x\ny\nx\n");
    };
    check(
        json!({ "path": "a", "old": "x", "new": "z" }),
        "`old` is in the file 2 times (lines 1, 3); add lines around it until it is there once, or set `all`",
    )
    .await;
    check(
        json!({ "path": "a", "old": "zebra", "new": "z" }),
        "`old` is not in the file; it must match exactly, white space included; read the file again",
    )
    .await;
    check(
        json!({ "path": "b", "old": "x", "new": "z" }),
        "there is no `b`; make it with `file.write`",
    )
    .await;
    check(
        json!({ "path": ".", "old": "x", "new": "z" }),
        "`.` is a folder, not a file",
    )
    .await;
}

#[tokio::test]
async fn large_files_are_neither_read_nor_changed() {
    let scene = Scene::with(|config| corvid_tools::Config {
        max_file_bytes: 100,
        ..config
    });
    fs::File::create(scene.path("big"))
        .and_then(|file| file.set_len(1 << 43))
        .expect("a sparse file");
    let error = scene
        .error(
            "file.edit",
            json!({ "path": "big", "old": "x", "new": "y" }),
        )
        .await;
    let refused = "`big` has more than 100 bytes; change it with a command";
    assert_eq!(error, refused);
    let error = scene
        .error("file.write", json!({ "path": "big", "content": "small" }))
        .await;
    assert_eq!(error, refused);
    let write = json!({ "path": "big", "content": "small" });
    fs::remove_file(scene.path("big")).expect("the file");
    let became = scene
        .after_crash("file.write", write, |scene| {
            // So large that nobody could read it in this test's time.
            let file = fs::File::create(scene.path("big")).expect("a file");
            file.set_len(1 << 43).expect("a sparse file");
        })
        .await;
    assert!(matches!(became, Reconciled::Unknown(_)), "{became:?}");
    let error = scene
        .error(
            "file.write",
            json!({ "path": "big", "content": "x".repeat(101) }),
        )
        .await;
    assert_eq!(
        error,
        "argument `content` has 101 bytes; at most 100 are written at once"
    );
}

#[tokio::test]
async fn a_stopped_change_is_not_made() {
    let scene = Scene::new();
    scene.cancel.cancel();
    let error = scene
        .error("file.write", json!({ "path": "a", "content": "x" }))
        .await;
    assert_eq!(error, "stopped; nothing was changed");
    assert!(!scene.path("a").exists());
}

#[tokio::test]
async fn an_edit_is_made_on_the_file_as_it_is() {
    let scene = Scene::new();
    scene.file("a", "one\ntwo\n");
    let edit = json!({ "path": "a", "old": "one", "new": "1" });
    let call = scene.invocation("file.edit", 0, edit).expect("valid");
    let tool = scene.tool("file.edit");
    tool.prepare(&call).await.expect("prepared");
    // Somebody else edits another line between the look and the change: theirs stays.
    scene.file("a", "one\n2\n");
    tool.run(&call).await.expect("changed");
    assert_eq!(scene.content("a"), b"1\n2\n");
    // And once the passage is gone, the edit is refused.
    let refused = tool.run(&call).await.map_err(told);
    assert!(refused.is_err_and(|text| text.starts_with("`old` is not in the file")));
}

#[tokio::test]
async fn edits_of_one_file_by_several_lanes_all_stay() {
    let scene = Scene::new();
    let lines: Vec<_> = (10..30).map(|number| format!("line {number}\n")).collect();
    scene.file("a", lines.concat());
    let edits = (10..30).map(|number| {
        // The same file under several spellings of its path.
        let absolute = scene.path("a").to_string_lossy().into_owned();
        let path = ["a", "./a", &absolute][number % 3].to_owned();
        let (old, new) = (format!("line {number}\n"), format!("row {number}\n"));
        scene.call("file.edit", json!({ "path": path, "old": old, "new": new }))
    });
    for edited in futures_util::future::join_all(edits).await {
        edited.expect("nobody else changes the file");
    }
    let expect: Vec<_> = (10..30).map(|number| format!("row {number}\n")).collect();
    assert_eq!(scene.content("a"), expect.concat().as_bytes());
}

#[tokio::test]
async fn after_a_crash_the_file_tells_what_happened() {
    let write = json!({ "path": "a", "content": "after" });
    let edit = json!({ "path": "a", "old": "before", "new": "after" });
    let done = |text: &str| Reconciled::Done(ToolOutput::text(text));
    for (tool, arguments) in [("file.write", write), ("file.edit", edit)] {
        let scene = Scene::new();
        let became = async |now: &'static str| {
            scene.file("a", "before");
            let arguments = arguments.clone();
            scene
                .after_crash(tool, arguments, |scene| scene.file("a", now))
                .await
        };
        assert_eq!(became("before").await, Reconciled::NotDone);
        assert_eq!(
            became("after").await,
            done("a was written; the process was interrupted just after that")
        );
        let Reconciled::Interrupted(output) = became("something else").await else {
            panic!("{tool}: what is neither was not told");
        };
        assert!(output.text.contains("neither as before nor as asked"));
    }
}

#[tokio::test]
async fn after_a_crash_a_new_file_is_known_too() {
    let scene = Scene::new();
    let write = json!({ "path": "new/a", "content": "after" });
    let became = scene.after_crash("file.write", write.clone(), |_| {}).await;
    assert_eq!(became, Reconciled::NotDone);
    let became = scene
        .after_crash("file.write", write, |scene| scene.file("new/a", "after"))
        .await;
    assert!(matches!(became, Reconciled::Done(_)), "{became:?}");
}

#[tokio::test]
async fn a_killed_change_leaves_nothing_behind() {
    let scene = Scene::new();
    let write = json!({ "path": "a", "content": "after" });
    let became = scene
        .after_crash("file.write", write, |scene| {
            scene.file(".corvid-key-0.tmp", "aft");
        })
        .await;
    assert_eq!(became, Reconciled::NotDone);
    assert!(!scene.path(".corvid-key-0.tmp").exists());
}

#[tokio::test]
async fn without_proof_nothing_is_claimed() {
    let scene = Scene::new();
    let write = json!({ "path": "a", "content": "x" });
    let call = scene.invocation("file.write", 0, write).expect("valid");
    let became = scene.tool("file.write").reconcile(&call, None).await;
    assert_eq!(
        became,
        Reconciled::Unknown("the journal holds no hashes of the file".to_owned())
    );
}
