//! Marks outlive the process that kept them.
//! Invariant: a part has one mark, the newest.
//! It must not know posts.

use corvid_core::{Mark, Marks as _};

use crate::scene::Scene;

fn mark(part: u32, external_id: &str) -> Mark {
    let external_id = external_id.to_owned();
    Mark { part, external_id }
}

#[tokio::test]
async fn the_newest_mark_of_each_part_is_kept_in_order() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert_eq!(store.marks("turn s 1 a b c").await, Ok(vec![]));
    for kept in [
        mark(u32::MAX, "z"),
        mark(1, "b"),
        mark(0, "a"),
        mark(1, "c"),
    ] {
        assert_eq!(store.mark("turn s 1 a b c", &kept).await, Ok(()));
    }
    assert_eq!(store.mark("turn s 1 a b d", &mark(0, "y")).await, Ok(()));
    drop(store);
    scene.tasks.shutdown().await;
    let kept = scene.open().await.marks("turn s 1 a b c").await;
    let expect = vec![mark(0, "a"), mark(1, "c"), mark(u32::MAX, "z")];
    assert_eq!(kept, Ok(expect));
}

#[tokio::test]
async fn a_mark_goes_after_a_month() {
    let scene = Scene::new();
    let store = scene.open().await;
    for post in ["old", "young"] {
        assert_eq!(store.mark(post, &mark(0, "a")).await, Ok(()));
    }
    scene
        .execute("UPDATE mark SET at = at - 31 * 24 * 3600000 WHERE post = 'old'")
        .await;
    assert_eq!(store.marks("old").await, Ok(vec![mark(0, "a")]));
    assert_eq!(store.mark("new", &mark(0, "b")).await, Ok(()));
    assert_eq!(store.marks("old").await, Ok(vec![]));
    assert_eq!(store.marks("young").await, Ok(vec![mark(0, "a")]));
}
