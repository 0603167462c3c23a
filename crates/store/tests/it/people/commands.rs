//! Commands act at most once and are answered.
//! Invariant: a command is done exactly when its answer is kept.
//! It must not know what a command does.

use corvid_store::{CommandState, Store};
use tokio::task::JoinSet;

use super::post;
use crate::scene::Scene;

async fn begin(store: &Store, id: &str) -> CommandState {
    let state = store.begin_command("telegram", "777", id, 1000).await;
    state.unwrap()
}

#[tokio::test]
async fn a_command_that_was_begun_or_done_is_known_again() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    assert_eq!(begin(&store, "1:1").await, CommandState::Fresh);
    assert_eq!(begin(&other, "1:1").await, CommandState::Begun);
    assert_eq!(begin(&store, "1:2").await, CommandState::Fresh);
    let answer = post("command 1:1", "1", "done");
    let ended = other.end_command("telegram", "777", "1:1", Some(&answer));
    assert_eq!(ended.await, Ok(()));
    assert_eq!(begin(&store, "1:1").await, CommandState::Done);
    assert_eq!(begin(&store, "1:2").await, CommandState::Begun);
    let ended = store.end_command("telegram", "777", "1:2", None).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(begin(&store, "1:2").await, CommandState::Done);
    let open = store.open_outbox("telegram", "777").await.unwrap();
    let texts: Vec<_> = open.iter().map(|row| &*row.delivery.text).collect();
    assert_eq!(texts, ["done"]);

    let ended = store.end_command("telegram", "777", "1:1", Some(&answer));
    assert_eq!(ended.await, Ok(()), "ending again answers once");
    let open = store.open_outbox("telegram", "777").await.unwrap();
    assert_eq!(open.len(), 1);
}

#[tokio::test]
async fn what_was_not_begun_is_not_answered() {
    let scene = Scene::new();
    let store = scene.open().await;
    let answer = post("command 1:1", "1", "done");
    let ended = store.end_command("telegram", "777", "1:1", Some(&answer));
    assert!(ended.await.is_err());
    assert!(
        store
            .end_command("telegram", "777", "1:1", None)
            .await
            .is_err()
    );
    assert_eq!(store.open_outbox("telegram", "777").await, Ok(vec![]));
}

#[tokio::test]
async fn of_many_who_begin_a_command_one_may_act() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut set = JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        set.spawn(async move { begin(&store, "1:1").await });
    }
    let states = set.join_all().await;
    let fresh = states.iter().filter(|state| **state == CommandState::Fresh);
    assert_eq!(fresh.count(), 1);
}
