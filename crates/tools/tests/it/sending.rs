//! What is sent to the person beside the reply, and what is not.

use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::sync::Mutex;

use async_trait::async_trait;
use corvid_core::wire::{Address, CallKey};
use corvid_core::{FileToSend, Posts, Sent};
use serde_json::json;

use crate::scene::{Scene, told};

/// A file that was handed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    key: CallKey,
    to: Address,
    name: String,
    caption: String,
    content: Vec<u8>,
}

/// Takes files for a scene.
#[derive(Default)]
pub(crate) struct FakePosts {
    posted: Mutex<Vec<Posted>>,
    /// What is said of a file in place of keeping it.
    says: Mutex<Option<Result<Sent, String>>>,
}

#[async_trait]
impl Posts for FakePosts {
    async fn send_file(&self, file: FileToSend) -> Result<Sent, String> {
        if let Some(says) = self.says.lock().expect("lock").clone() {
            return says;
        }
        let FileToSend {
            key,
            to,
            mut file,
            name,
            caption,
        } = file;
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("a readable file");
        self.posted.lock().expect("lock").push(Posted {
            key,
            to,
            name,
            caption,
            content,
        });
        Ok(Sent::OnItsWay)
    }
}

fn posted(scene: &Scene) -> Vec<Posted> {
    std::mem::take(&mut scene.posts.posted.lock().expect("lock"))
}

#[tokio::test]
async fn a_file_goes_to_where_the_turn_came_from() {
    let scene = Scene::new();
    scene.file("out/plan \u{7}b.pdf", "%PDF");
    symlink("out", scene.path("linked")).expect("a link");
    let arguments = json!({ "path": "linked/plan \u{7}b.pdf", "caption": "*The* plan" });
    let call = scene.invocation("send_file", 3, arguments.clone());
    let origin = call.expect("valid").origin;
    let output = scene.call_at("send_file", 3, arguments).await;
    assert_eq!(
        output.expect("it is sent").text,
        "`plan b.pdf` (4 bytes) is on its way to the person"
    );
    let expect = Posted {
        key: CallKey::new("key-3"),
        to: origin,
        name: "plan b.pdf".to_owned(),
        caption: "*The* plan".to_owned(),
        content: b"%PDF".to_vec(),
    };
    assert_eq!(posted(&scene), [expect]);
}

#[tokio::test]
async fn what_may_not_be_read_is_not_sent() {
    let scene = Scene::new();
    scene.file("secrets/key", "x");
    scene.file("empty", "");
    let outside = scene.beside("outside");
    std::fs::write(&outside, "x").expect("a file");
    symlink("secrets/key", scene.path("innocent")).expect("a link");
    symlink(&outside, scene.path("out")).expect("a link");
    symlink("/proc/self/environ", scene.path("environ")).expect("a link");
    for path in [
        "secrets/key",
        "innocent",
        "out",
        "../outside",
        "environ",
        "none",
        ".",
    ] {
        let arguments = json!({ "path": path });
        let read = scene.error("file.read", arguments.clone()).await;
        assert_eq!(scene.error("send_file", arguments).await, read, "{path}");
    }
    let empty = scene.error("send_file", json!({ "path": "empty" })).await;
    assert_eq!(empty, "`empty` is empty; there is nothing to send");
    assert_eq!(posted(&scene), []);
}

#[tokio::test]
async fn a_file_that_no_messenger_takes_is_not_begun() {
    let scene = Scene::new();
    let large = std::fs::File::create(scene.path("large")).expect("a file");
    large
        .set_len(FileToSend::MAX_BYTES + 1)
        .expect("a sparse file");
    assert_eq!(
        scene.error("send_file", json!({ "path": "large" })).await,
        "`large` has 50000001 bytes, and at most 50000000 can be sent; send a smaller part or an archive of it"
    );
    let long = json!({ "path": "large", "caption": "ä".repeat(1_001) });
    assert_eq!(
        scene.error("send_file", long).await,
        "argument `caption` has 1001 characters; it may have 1000, so say the rest in your answer"
    );
    let marked = json!({ "path": "large", "caption": "[redacted:KEY]" });
    let marked = scene.error("send_file", marked).await;
    assert!(marked.contains("the mark `[redacted`"), "{marked}");
    assert_eq!(posted(&scene), []);
}

#[tokio::test]
async fn the_model_is_told_where_nothing_had_to_be_or_could_be_sent() {
    let scene = Scene::new();
    scene.file("out/a", "x");
    let arguments = json!({ "path": "out/a" });
    *scene.posts.says.lock().expect("lock") = Some(Ok(Sent::SeenThere));
    assert_eq!(
        scene.text("send_file", arguments.clone()).await,
        "nothing was sent, since the person has the working folder before them; tell them that the file is `out/a`"
    );
    *scene.posts.says.lock().expect("lock") = Some(Err("the disk is full".to_owned()));
    assert_eq!(
        scene.error("send_file", arguments).await,
        "the disk is full"
    );
}

#[tokio::test]
async fn a_card_is_bound_to_the_bytes() {
    let scene = Scene::new();
    scene.file("a", "one");
    let card = async || {
        let arguments = json!({ "path": "a", "caption": "Look" });
        let call = scene.invocation("send_file", 0, arguments).expect("valid");
        let preview = scene.tool("send_file").preview(&call).await;
        preview.map_err(told).expect("a card")
    };
    let first = card().await;
    assert_eq!(first.card.title, "send a file to this conversation");
    assert_eq!(first.card.body, "Look");
    assert_eq!(first.card.facts[1], ("file".to_owned(), "a".to_owned()));
    assert_eq!(first.card.facts[2], ("bytes".to_owned(), "3".to_owned()));
    assert_eq!(card().await.binding, first.binding);
    scene.file("a", "two");
    assert_ne!(card().await.binding, first.binding);
    assert_eq!(posted(&scene), [], "nothing is sent to be looked at");
}
