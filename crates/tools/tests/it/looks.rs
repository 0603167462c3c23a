//! `file.read` and `file.list`.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::scene::Scene;

async fn read(scene: &Scene, path: &str) -> String {
    scene.text("file.read", json!({ "path": path })).await
}

#[tokio::test]
async fn a_small_file_is_shown_as_it_is() {
    let scene = Scene::new();
    scene.file("a.txt", "grüße\n\tdone\n");
    scene.file("crlf.txt", "a\r\nb");
    scene.file("empty.txt", "");
    scene.file("odd.txt", b"\x1b[2Jcaf\xe9\n");
    assert_eq!(read(&scene, "a.txt").await, "grüße\n\tdone\n");
    assert_eq!(read(&scene, "./crlf.txt").await, "a\nb\n");
    assert_eq!(read(&scene, "empty.txt").await, "(the file is empty)");
    assert_eq!(
        read(&scene, "odd.txt").await,
        "␛[2Jcaf\u{fffd}\n[… what is no valid UTF-8 is shown as \u{fffd} …]\n"
    );
    let absolute = scene.path("a.txt");
    assert_eq!(
        read(&scene, &absolute.to_string_lossy()).await,
        "grüße\n\tdone\n"
    );
}

#[tokio::test]
async fn a_window_of_lines_says_how_to_go_on() {
    let scene = Scene::new();
    scene.file("a.txt", "1\n2\n3\n4\n5\n");
    let window = |offset: Value, limit: Value| {
        let arguments = json!({ "path": "a.txt", "offset": offset, "limit": limit });
        scene.call("file.read", arguments)
    };
    let text = |result: Result<corvid_core::ToolOutput, String>| result.map(|output| output.text);
    assert_eq!(
        text(window(json!(2), json!(2)).await),
        Ok("2\n3\n[… lines 2 to 3 of a file of 10 bytes; go on with offset 4 …]\n".to_owned())
    );
    assert_eq!(
        text(window(json!(4), json!(2)).await),
        Ok("4\n5\n".to_owned())
    );
    assert_eq!(
        text(window(json!(6), Value::Null).await),
        Err("argument `offset` is 6, but `a.txt` has 5 lines".to_owned())
    );
}

#[tokio::test]
async fn what_is_shown_is_bounded() {
    let scene = Scene::new();
    let line = "x".repeat(999);
    scene.file("many.txt", format!("{line}\n").repeat(100));
    let text = read(&scene, "many.txt").await;
    let (shown, marker) = text.split_at(10_000);
    assert!(shown.ends_with("x\n"));
    assert_eq!(
        marker,
        "[… lines 1 to 10 of a file of 100000 bytes; go on with offset 11 …]\n"
    );
    scene.file("long.txt", format!("{}\nnext\n", "ü".repeat(50_000)));
    let text = read(&scene, "long.txt").await;
    let expect = format!(
        "{}[… 96001 bytes more in this line]\nnext\n",
        "ü".repeat(2_000)
    );
    assert_eq!(text, expect);
}

/// A file of 4 GiB that takes no room on the disk.
fn huge(scene: &Scene, head: &[u8], tail: &[u8]) {
    let mut file = File::create(scene.path("huge")).expect("a file");
    file.write_all(head).expect("written");
    file.set_len(4 << 30).expect("sparse");
    let mut file = File::options()
        .append(true)
        .open(scene.path("huge"))
        .expect("a file");
    file.write_all(tail).expect("written");
}

#[tokio::test]
async fn a_huge_file_is_read_in_part_or_given_up_in_time() {
    let mut scene = Scene::new();
    huge(&scene, "first\n".repeat(2_000).as_bytes(), b"\nlast\n");
    let arguments = json!({ "path": "huge", "limit": 1 });
    assert_eq!(
        scene.text("file.read", arguments).await,
        "first\n[… lines 1 to 1 of a file of 4294967302 bytes; go on with offset 2 …]\n"
    );
    // Beyond the first lines there is one of 4 GiB, which cannot be passed within the time.
    scene.timeout_ms = Some(20);
    let arguments = json!({ "path": "huge", "offset": 3_000 });
    let error = scene.error("file.read", arguments).await;
    assert!(error.ends_with("was given up; ask for less"), "{error}");
}

#[tokio::test]
async fn a_stopped_call_ends() {
    let scene = Scene::new();
    huge(&scene, "first\n".repeat(2_000).as_bytes(), b"");
    scene.cancel.cancel();
    let arguments = json!({ "path": "huge", "offset": 3_000 });
    assert_eq!(scene.error("file.read", arguments).await, "stopped");
}

#[tokio::test]
async fn what_is_no_text_file_is_told() {
    let scene = Scene::new();
    scene.file("image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    scene.file("folder/x", "");
    let error = |path: &'static str| scene.error("file.read", json!({ "path": path }));
    assert_eq!(
        error("image").await,
        "`image` is a binary file of 16 bytes; look at it with a command"
    );
    assert_eq!(error("nowhere").await, "there is no `nowhere`");
    assert_eq!(error("folder").await, "`folder` is a folder, not a file");
}

#[tokio::test]
async fn a_folder_is_listed_sorted_and_marked() {
    let scene = Scene::new();
    scene.file("src/lib.rs", "");
    scene.file("b.txt", "12345");
    scene.file(".hidden", "x".repeat(1_500));
    scene.file("secrets/key", "private");
    scene.file("esc\x1b[31m.txt", "");
    symlink("src", scene.path("inside")).expect("a link");
    symlink("/root", scene.path("outside")).expect("a link");
    symlink("nowhere", scene.path("broken")).expect("a link");
    let listed = scene.text("file.list", json!({})).await;
    let expect = "\
.hidden  1.5 kB
b.txt  5 B
broken -> (nothing)
esc.txt  0 B
inside -> src/
outside -> (what cannot be read)
src/
";
    assert_eq!(listed, expect);
    assert_eq!(
        scene.text("file.list", json!({ "path": "src" })).await,
        "lib.rs  0 B\n"
    );
    fs::create_dir(scene.path("empty")).expect("a folder");
    assert_eq!(
        scene.text("file.list", json!({ "path": "empty" })).await,
        "(the folder is empty)"
    );
}

#[tokio::test]
async fn a_large_folder_is_listed_in_part() {
    let scene = Scene::new();
    for number in 0..600 {
        scene.file(&format!("many/{number:03}"), "");
    }
    let listed = scene.text("file.list", json!({ "path": "many" })).await;
    let mut lines = listed.lines();
    assert_eq!(lines.next(), Some("000  0 B"));
    assert_eq!(
        lines.next_back(),
        Some("[… 500 of 600 entries; list a folder in it or use `file.search` …]")
    );
    assert_eq!(lines.count(), 499);
}
