//! What `file.*` must never do, whatever the folder looks like.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode};
use serde_json::json;

use crate::scene::Scene;

/// A scene with a file beside the working folder that nobody may touch.
fn scene() -> Scene {
    let scene = Scene::new();
    fs::write(scene.beside("outside.txt"), "untouched needle\n").expect("a file");
    fs::create_dir(scene.beside("out")).expect("a folder");
    scene
}

fn untouched(scene: &Scene) {
    let outside = fs::read_to_string(scene.beside("outside.txt")).expect("the file");
    assert_eq!(outside, "untouched needle\n");
    let mut out = fs::read_dir(scene.beside("out")).expect("the folder");
    assert!(out.next().is_none(), "something was written outside");
}

#[tokio::test]
async fn no_name_leads_outside() {
    let scene = scene();
    let outside = scene.beside("outside.txt");
    symlink(&outside, scene.path("link")).expect("a link");
    symlink("../out", scene.path("folder")).expect("a link");
    let absolute = outside.to_string_lossy().into_owned();
    let escapes = [
        "../outside.txt",
        "a/../../outside.txt",
        "link",
        &absolute,
        "folder/new",
        "/etc/shadow",
        "/proc/self/environ",
        "/proc/1/root/etc/passwd",
    ];
    for path in escapes {
        let read = scene.call("file.read", json!({ "path": path })).await;
        assert!(read.is_err(), "{path} was read: {read:?}");
        let search = json!({ "pattern": ".", "path": path });
        let found = scene.call("file.search", search).await;
        assert!(found.is_err(), "{path} was searched: {found:?}");
        let write = json!({ "path": path, "content": "gotcha" });
        let written = scene.call("file.write", write).await;
        assert!(written.is_err(), "{path} was written: {written:?}");
        let edit = json!({ "path": path, "old": "untouched", "new": "gotcha" });
        let edited = scene.call("file.edit", edit).await;
        assert!(edited.is_err(), "{path} was edited: {edited:?}");
    }
    let listed = scene.call("file.list", json!({ "path": ".." })).await;
    assert!(listed.is_err(), "{listed:?}");
    untouched(&scene);
}

#[tokio::test]
async fn what_may_be_read_may_not_be_written() {
    let scene = scene();
    fs::create_dir(scene.beside("toolchain")).expect("a folder");
    fs::write(scene.beside("toolchain/a"), "readable\n").expect("a file");
    let path = scene.beside("toolchain/a").to_string_lossy().into_owned();
    let text = scene.text("file.read", json!({ "path": path })).await;
    assert_eq!(text, "readable\n");
    let error = scene
        .error("file.write", json!({ "path": path, "content": "x" }))
        .await;
    assert!(error.contains("is outside the working folder"), "{error}");
}

#[tokio::test]
async fn private_folders_are_not_there() {
    let scene = scene();
    scene.file("secrets/key", "needle\n");
    scene.file("open", "needle\n");
    symlink("secrets/key", scene.path("alias")).expect("a link");
    let found = scene
        .text("file.search", json!({ "pattern": "needle" }))
        .await;
    assert_eq!(found, "open:1: needle\n");
    for path in ["secrets/key", "alias", "secrets/../secrets/key"] {
        let error = scene.error("file.read", json!({ "path": path })).await;
        assert!(error.contains("is private"), "{error}");
        let error = scene
            .error("file.write", json!({ "path": path, "content": "x" }))
            .await;
        assert!(error.contains("is private"), "{error}");
    }
    let error = scene
        .error(
            "file.write",
            json!({ "path": "secrets/new", "content": "x" }),
        )
        .await;
    assert!(error.contains("is private"), "{error}");
    assert_eq!(scene.content("secrets/key"), b"needle\n");
}

#[tokio::test]
async fn a_working_folder_in_a_private_one_is_refused() {
    let scene = Scene::with(|config| corvid_tools::Config {
        private: vec!["/".into()],
        ..config
    });
    scene.file("a", "x");
    for (tool, arguments) in [
        ("file.read", json!({ "path": "a" })),
        ("file.list", json!({})),
        ("file.search", json!({ "pattern": "x" })),
        ("file.write", json!({ "path": "a", "content": "y" })),
    ] {
        let error = scene.error(tool, arguments).await;
        assert!(
            error.contains("lies in a private folder"),
            "{tool}: {error}"
        );
    }
}

#[tokio::test]
async fn pipes_and_devices_hang_nothing() {
    let scene = scene();
    // A pipe where an ignore file is looked for, and links to endless devices.
    for name in ["pipe", ".gitignore"] {
        let path = scene.path(name);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .expect("a pipe");
    }
    symlink("/dev/zero", scene.path(".ignore")).expect("a link");
    symlink("/dev/zero", scene.path("zero")).expect("a link");
    scene.file("text", "needle\n");
    for path in ["pipe", "zero", "/dev/zero", "/dev/stdin"] {
        for (tool, arguments) in [
            ("file.read", json!({ "path": path })),
            ("file.search", json!({ "pattern": "x", "path": path })),
            ("file.write", json!({ "path": path, "content": "x" })),
            ("file.edit", json!({ "path": path, "old": "x", "new": "y" })),
        ] {
            let result = scene.call(tool, arguments).await;
            assert!(result.is_err(), "{tool} {path}: {result:?}");
        }
    }
    let found = scene
        .text("file.search", json!({ "pattern": "needle" }))
        .await;
    assert_eq!(found, "text:1: needle\n");
    let listed = scene.text("file.list", json!({})).await;
    assert!(
        listed.contains("pipe  (pipe, socket or device)\n"),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_swapped_during_writes_leads_nowhere() {
    let scene = Arc::new(scene());
    fs::create_dir(scene.path("inside")).expect("a folder");
    symlink("inside", scene.path("swap")).expect("a link");
    let over = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (scene, over) = (Arc::clone(&scene), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut swaps = 0_u64;
            while !over.load(Ordering::Relaxed) {
                for target in ["../out", "inside"] {
                    let fresh = scene.path(".fresh");
                    symlink(target, &fresh).expect("a link");
                    fs::rename(&fresh, scene.path("swap")).expect("a swap");
                    swaps += 1;
                }
            }
            swaps
        })
    };
    let (mut made, mut refused) = (0, 0);
    for round in 0..1_000 {
        let write = json!({ "path": format!("swap/f{round}"), "content": "gotcha" });
        match scene.call("file.write", write).await {
            Ok(_) => made += 1,
            Err(_) => refused += 1,
        }
    }
    over.store(true, Ordering::Relaxed);
    let swaps = swapper.join().expect("the swapper ends");
    untouched(&scene);
    assert!(
        made > 0 && refused > 0,
        "{made} made, {refused} refused, {swaps} swaps"
    );
}
