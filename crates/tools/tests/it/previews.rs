//! What a person is shown before a file is changed, and what is not changed at all.

use corvid_core::wire::CardForm;
use corvid_core::{Preview, ToolError};
use serde_json::{Value, json};

use crate::scene::{Scene, told};

async fn preview(scene: &Scene, name: &str, arguments: Value) -> Result<Preview, String> {
    let call = scene.invocation(name, 0, arguments).expect("valid");
    let preview: Result<Preview, ToolError> = scene.tool(name).preview(&call).await;
    preview.map_err(told)
}

#[tokio::test]
async fn the_whole_change_is_shown_and_nothing_changed() {
    let scene = Scene::new();
    scene.file("sub/a", "one\ntwo\n");
    std::os::unix::fs::symlink("sub", scene.path("linked")).expect("a link");
    let edit = json!({ "path": "linked/a", "old": "two", "new": "\u{1b}2" });
    let shown = preview(&scene, "file.edit", edit.clone())
        .await
        .expect("a preview");
    assert_eq!(shown.card.title, "change a file");
    assert_eq!(shown.card.form, CardForm::Diff);
    assert_eq!(shown.card.facts[1], ("file".to_owned(), "sub/a".to_owned()));
    assert_eq!(shown.card.body, "@@ -1,2 +1,2 @@\n one\n-two\n+\u{1b}2\n");
    assert_eq!(scene.content("sub/a"), b"one\ntwo\n");
    let again = preview(&scene, "file.edit", edit.clone())
        .await
        .expect("a preview");
    assert_eq!(again.binding, shown.binding, "the same change");
    let made = json!({ "path": "new", "content": "x\n" });
    let made = preview(&scene, "file.write", made)
        .await
        .expect("a preview");
    assert_eq!(made.card.title, "make a file");
    assert_eq!(made.card.body, "@@ -0,0 +1 @@\n+x\n");
    // Every line of the change stands in a row of its own, whatever ends it.
    scene.file("returns", "old\rkept");
    let evil = json!({ "path": "returns", "content": "evil\rkept" });
    let evil = preview(&scene, "file.write", evil)
        .await
        .expect("a preview");
    let rows: Vec<_> = evil.card.body.split('\n').collect();
    let expect = [
        "@@ -1,2 +1,2 @@",
        "-old\r",
        "+evil\r",
        " kept",
        "\\ No newline at end of file",
        "",
    ];
    assert_eq!(rows, expect);
    // The same arguments on another file are another change.
    scene.file("sub/a", "one\nand two\n");
    let other = preview(&scene, "file.edit", edit).await.expect("a preview");
    assert_ne!(other.binding, shown.binding);
}

#[tokio::test]
async fn a_change_too_large_to_be_read_is_refused() {
    let scene = Scene::new();
    let fits = json!({ "path": "a", "content": "line\n".repeat(10_000) });
    let shown = preview(&scene, "file.write", fits)
        .await
        .expect("a preview");
    assert_eq!(shown.card.body.matches("+line").count(), 10_000);
    let large = json!({ "path": "a", "content": "line\n".repeat(20_000) });
    let refused = preview(&scene, "file.write", large)
        .await
        .expect_err("too large");
    assert_eq!(
        refused,
        "a person must allow the change of `a`, and 120020 bytes are too many to read; make it in parts of less \
         than 65536 bytes"
    );
}

#[tokio::test]
async fn what_stands_for_a_secret_is_not_written() {
    let scene = Scene::new();
    for (name, arguments) in [
        (
            "file.write",
            json!({ "path": "a", "content": "key=[redacted:OPENAI_API_KEY]" }),
        ),
        (
            "file.edit",
            json!({ "path": "a", "old": "x", "new": "[redacted" }),
        ),
        (
            "file.edit",
            json!({ "path": "a", "old": "[redacted:X]", "new": "" }),
        ),
    ] {
        let refused = scene.error(name, arguments).await;
        assert!(refused.contains("stands for a secret"), "{refused}");
    }
}

/// Whoever may write there could lead the link elsewhere while a person reads the card.
#[tokio::test]
async fn a_command_begins_where_its_card_says_whatever_a_link_does() {
    let scene = Scene::new();
    for file in ["one/x", "two/x", "-/x"] {
        scene.file(file, "");
    }
    let link = scene.path("link");
    let begins = |arguments: Value| {
        let scene = &scene;
        async move {
            let shown = preview(scene, "system.run", arguments).await;
            let shown = shown.expect("a preview");
            (shown.card.facts[0].clone(), shown.binding)
        }
    };
    let real = |name: &str| {
        let path = scene.path(name).canonicalize().expect("a folder");
        ("folder".to_owned(), path.display().to_string())
    };
    let mut bindings = Vec::new();
    for name in ["one", "two"] {
        std::os::unix::fs::symlink(name, &link).expect("a link");
        let asked = json!({ "command": "pwd", "working_dir": "link" });
        let (shown, binding) = begins(asked).await;
        assert_eq!(shown, real(name));
        assert!(!bindings.contains(&binding), "{name}");
        bindings.push(binding);
        std::fs::remove_file(&link).expect("no link");
    }
    // A shell takes this name for the folder that it was in before.
    let (shown, _) = begins(json!({ "command": "pwd", "working_dir": "-" })).await;
    assert_eq!(shown, real("-"));
}
