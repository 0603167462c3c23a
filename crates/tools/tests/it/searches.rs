//! `file.search`.

use serde_json::{Value, json};

use crate::scene::Scene;

async fn check(scene: &Scene, arguments: Value, expect: &str) {
    let text = scene.text("file.search", arguments.clone()).await;
    assert_eq!(text, expect, "{arguments}");
}

#[tokio::test]
async fn matching_lines_are_found_in_order() {
    let scene = Scene::new();
    scene.file("b.rs", "fn b() {}\n\nfn c() {}\n");
    scene.file("a/z.rs", "fn a() {}\r\n");
    scene.file("a/note.txt", "fn n");
    scene.file(".github/ci.yml", "run: fn\n");
    check(
        &scene,
        json!({ "pattern": r"^fn \w" }),
        "a/note.txt:1: fn n\na/z.rs:1: fn a() {}\nb.rs:1: fn b() {}\nb.rs:3: fn c() {}\n",
    )
    .await;
    check(
        &scene,
        json!({ "pattern": "(?i)RUN:" }),
        ".github/ci.yml:1: run: fn\n",
    )
    .await;
    check(
        &scene,
        json!({ "pattern": "fn", "path": "a/z.rs" }),
        "a/z.rs:1: fn a() {}\n",
    )
    .await;
    check(
        &scene,
        json!({ "pattern": "zebra" }),
        "no match in 4 files\n",
    )
    .await;
}

#[tokio::test]
async fn a_glob_narrows_the_files() {
    let scene = Scene::new();
    for path in ["src/a.rs", "src/deep/b.rs", "c.rs", "src/d.txt"] {
        scene.file(path, "x\n");
    }
    let check = async |glob: &str, expect: &str| {
        check(&scene, json!({ "pattern": "x", "glob": glob }), expect).await;
    };
    check("*.rs", "c.rs:1: x\nsrc/a.rs:1: x\nsrc/deep/b.rs:1: x\n").await;
    check("src/*.rs", "src/a.rs:1: x\n").await;
    check("./src/**/*.rs", "src/a.rs:1: x\nsrc/deep/b.rs:1: x\n").await;
    check("*.{txt,md}", "src/d.txt:1: x\n").await;
}

#[tokio::test]
async fn ignore_files_are_honoured() {
    let scene = Scene::new();
    scene.file(".gitignore", "/target\n*.log\n!keep.log\n");
    scene.file(".ignore", "!shown.log\n");
    for path in [
        "target/x",
        "src/target/y",
        "a.log",
        "keep.log",
        "shown.log",
        "sub/b.log",
        "sub/c.txt",
        ".git/config",
    ] {
        scene.file(path, "needle\n");
    }
    scene.file("sub/.gitignore", "c.txt\n!b.log\n");
    let found =
        "keep.log:1: needle\nshown.log:1: needle\nsrc/target/y:1: needle\nsub/b.log:1: needle\n";
    check(&scene, json!({ "pattern": "needle" }), found).await;
    // Patterns of the folders above hold below.
    check(
        &scene,
        json!({ "pattern": "needle", "path": "sub" }),
        "sub/b.log:1: needle\n",
    )
    .await;
    // What is named itself is searched all the same.
    check(
        &scene,
        json!({ "pattern": "needle", "path": "target" }),
        "target/x:1: needle\n",
    )
    .await;
}

#[tokio::test]
async fn ignore_files_outside_the_working_folder_do_not_count() {
    let scene = Scene::new();
    std::fs::write(scene.beside(".gitignore"), "*\n").expect("a file");
    scene.file("a", "needle\n");
    check(&scene, json!({ "pattern": "needle" }), "a:1: needle\n").await;
}

#[tokio::test]
async fn results_are_bounded() {
    let scene = Scene::new();
    scene.file("many", "x\n".repeat(1_000));
    let text = scene.text("file.search", json!({ "pattern": "x" })).await;
    assert_eq!(text.lines().count(), 201);
    assert!(text.ends_with(
        "many:200: x\n[… more than 200 lines match; narrow `pattern`, `path` or `glob` …]\n"
    ));
    scene.file("many", format!("{}\n", "x".repeat(500)).repeat(1_000));
    let text = scene.text("file.search", json!({ "pattern": "x" })).await;
    assert!(text.chars().count() < 10_100, "{}", text.chars().count());
}

#[tokio::test]
async fn strange_files_are_passed_by_or_shown_in_part() {
    let scene = Scene::new();
    scene.file("binary", b"needle\0\nneedle\n");
    scene.file("latin", b"caf\xe9 needle\n");
    scene.file(
        "long",
        format!("{}needle{}\n", "a".repeat(5_000), "b".repeat(5_000)),
    );
    scene.file("esc", "\x1b[31mneedle\n");
    // A line longer than the memory that one may take ends the search of its file.
    scene.file(
        "endless",
        format!("needle\n{}\nneedle", "x".repeat(3 << 20)),
    );
    let long = format!("long:1: …{}needle{}…\n", "a".repeat(60), "b".repeat(134));
    check(
        &scene,
        json!({ "pattern": "needle" }),
        &format!(
            "endless:1: needle\nesc:1: needle\nlatin:1: caf\u{fffd} needle\n{long}[… 1 files could not be read to their end …]\n"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_costly_expression_is_refused_and_a_stopped_search_ends() {
    let scene = Scene::new();
    let error = scene
        .error("file.search", json!({ "pattern": r"(?:\w{1000}){1000}" }))
        .await;
    assert!(error.starts_with("argument `pattern` is no regular expression: "));
    scene.file("a", "x");
    scene.cancel.cancel();
    let error = scene.error("file.search", json!({ "pattern": "x" })).await;
    assert_eq!(error, "stopped");
}
