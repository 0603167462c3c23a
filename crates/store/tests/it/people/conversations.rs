//! A conversation goes on in one session, wherever the messenger puts it.
//! Invariant: two first messages at once get one session, and an old address is as good as the new one.
//! It must not know why a conversation is bound or moved.

use corvid_core::wire::SessionId;
use tokio::task::JoinSet;

use super::{admit, answer, asked, chat, post, said};
use crate::scene::Scene;

fn session(name: &str) -> SessionId {
    SessionId::new(name)
}

#[tokio::test]
async fn two_first_messages_get_one_session() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut set = JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        let session = session(&format!("s{number}"));
        set.spawn(async move { store.bind_new(&chat("1"), &session, 1).await.unwrap() });
    }
    let bound = set.join_all().await;
    assert!(
        bound.iter().all(|session| *session == bound[0]),
        "{bound:?}"
    );
    let binding = stores[0].binding(&chat("1")).await;
    assert_eq!(binding, Ok(Some(bound[0].clone())));
}

#[tokio::test]
async fn several_conversations_go_on_in_one_session() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert_eq!(store.binding(&chat("1")).await, Ok(None));
    let old = store.bind_new(&chat("1"), &session("old"), 1).await;
    assert_eq!(old, Ok(session("old")));
    assert_eq!(store.bind(&chat("2"), &session("s"), 3).await, Ok(()));
    assert_eq!(store.bind(&chat("1"), &session("s"), 2).await, Ok(()));
    assert_eq!(store.binding(&chat("1")).await, Ok(Some(session("s"))));
    let bound = store.bound_to(&session("s")).await;
    assert_eq!(bound, Ok(vec![chat("1"), chat("2")]));
    assert_eq!(store.bound_to(&session("old")).await, Ok(vec![]));
}

#[tokio::test]
async fn a_moved_conversation_takes_everything_along() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (mut lane, input) = asked(&store, "s", "-1", "11").await;
    store.bind(&chat("-1"), &lane.session, 1).await.unwrap();
    store
        .bind(&chat("-100"), &session("young"), 2)
        .await
        .unwrap();
    store.post(&post("k", "-1", "notice")).await.unwrap();
    let unmoved = asked(&store, "t", "-2", "11").await.0;
    assert_eq!(
        store.move_conversation(&chat("-1"), &chat("-100")).await,
        Ok(())
    );

    for at in ["-1", "-100"] {
        let binding = other.binding(&chat(at)).await;
        assert_eq!(binding, Ok(Some(lane.session.clone())), "{at}");
    }
    // The turn was begun before, so its reply names the old address; so does an update that comes late.
    answer(&mut lane, input, "-1", "reply").await;
    let update = said("-1", "11", "late", "late");
    let waiting = admit(&store, &lane.session, update).await;
    store.post(&post("l", "-1", "later")).await.unwrap();
    let outbox = other.open_outbox("telegram", "777").await.unwrap();
    let to: Vec<_> = outbox.iter().map(|row| &row.delivery.to).collect();
    assert_eq!(to, [&chat("-100"); 3]);
    let deliveries = other.deliveries(&lane.session).await.unwrap();
    assert_eq!(deliveries[0].delivery.to, chat("-100"));
    let open = other.open_inputs("telegram", "777").await.unwrap();
    let origins: Vec<_> = open.iter().map(|row| (&row.input, &row.origin)).collect();
    assert_eq!(origins.len(), 2);
    assert!(origins.contains(&(&waiting, &chat("-100"))));
    let here = other.session_open_inputs(&unmoved.session).await.unwrap();
    assert_eq!(here[0].origin, chat("-2"));
}

#[tokio::test]
async fn a_move_to_another_account_is_refused() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut elsewhere = chat("1");
    elsewhere.account = "778".to_owned();
    let moved = store.move_conversation(&chat("1"), &elsewhere).await;
    assert!(moved.is_err());
    assert_eq!(
        store.move_conversation(&chat("1"), &chat("1")).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_dead_conversation_is_revived_by_hand_alone() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    assert_eq!(store.is_dead(&chat("1")).await, Ok(false));
    let before = store.commits();
    assert_eq!(store.revive_conversation(&chat("1")).await, Ok(()));
    assert_eq!(store.commits(), before, "it was not dead");
    let killed = store.kill_conversation(&chat("1"), "blocked", 5).await;
    assert_eq!(killed, Ok(()));
    assert_eq!(other.is_dead(&chat("1")).await, Ok(true));
    assert_eq!(other.is_dead(&chat("2")).await, Ok(false));
    let again = other.kill_conversation(&chat("1"), "thrown out", 6).await;
    assert_eq!(again, Ok(()));
    assert_eq!(other.revive_conversation(&chat("1")).await, Ok(()));
    assert_eq!(store.is_dead(&chat("1")).await, Ok(false));
}
