//! Notices share the outbox with replies.
//! Invariant: a key is one notice, whoever posts it; a notice is in one hand at a time.
//! It must not know what a notice is about.

use corvid_core::wire::{DeliveryId, SessionId};
use corvid_core::{Content, Delivery, Tasks};
use corvid_store::{Config, DeliveryEnd, DeliveryState, OutboxRow, PostFile, Store, StoreError};
use tokio::task::JoinSet;

use super::{answer, asked, chat, post};
use crate::mounts::SmallDisk;
use crate::scene::Scene;

async fn texts(store: &Store) -> Vec<String> {
    let open = store.open_outbox("telegram", "777").await.unwrap();
    open.into_iter().map(|row| row.delivery.text).collect()
}

#[tokio::test]
async fn a_key_is_one_notice() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (id, new) = store.post(&post("k", "1", "first")).await.unwrap();
    assert!(new && id.as_str().starts_with("n-"));
    let again = other.post(&post("k", "2", "second")).await;
    assert_eq!(again, Ok((id.clone(), false)));
    let row = OutboxRow {
        delivery: Delivery {
            id: id.clone(),
            to: chat("1"),
            text: "first".to_owned(),
            content: Content::Notice,
            maybe_sent: false,
            late: false,
        },
        state: DeliveryState::Prepared,
        owner: Some(store.owner().clone()),
        session: None,
        at: 1000,
    };
    assert_eq!(other.open_outbox("telegram", "777").await, Ok(vec![row]));
    assert_eq!(other.open_outbox("telegram", "778").await, Ok(vec![]));

    assert_eq!(store.begin_delivery(&id).await, Ok(true));
    let sent = DeliveryEnd::Sent("m1".to_owned());
    assert_eq!(store.end_delivery(&id, sent).await, Ok(()));
    assert_eq!(store.open_outbox("telegram", "777").await, Ok(vec![]));
    let after = store.post(&post("k", "1", "first")).await;
    assert_eq!(after, Ok((id, false)), "what was sent is not sent again");
    assert_eq!(store.open_outbox("telegram", "777").await, Ok(vec![]));
}

#[tokio::test]
async fn of_many_who_post_a_key_at_once_one_does() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut set = JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        set.spawn(async move { store.post(&post("k", "1", "text")).await.unwrap() });
    }
    let posted = set.join_all().await;
    assert_eq!(posted.iter().filter(|(_, new)| *new).count(), 1);
    assert!(posted.iter().all(|(id, _)| *id == posted[0].0));
    assert_eq!(texts(&stores[0]).await, ["text"]);
}

#[tokio::test]
async fn replies_and_notices_come_in_their_order() {
    let scene = Scene::new();
    let store = scene.open().await;
    let (mut lane, input) = asked(&store, "s", "1", "11").await;
    for number in 0..9 {
        let key = number.to_string();
        store.post(&post(&key, "1", &key)).await.unwrap();
    }
    let id = answer(&mut lane, input, "1", "reply").await;
    store.post(&post("9", "2", "9")).await.unwrap();
    let order = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "reply", "9"];
    assert_eq!(texts(&store).await, order);

    let open = store.open_outbox("telegram", "777").await.unwrap();
    let row = &open[9];
    assert_eq!((&row.delivery.id, row.at), (&id, 3));
    assert_eq!(row.session, Some(SessionId::new("s")));
    let of_session = store.open_deliveries(&lane.session).await.unwrap();
    assert_eq!(of_session.len(), 1);
    assert_eq!(of_session[0].delivery, row.delivery);
}

#[tokio::test]
async fn a_file_goes_with_its_caption() {
    let scene = Scene::new();
    let store = scene.open().await;
    let file = PostFile {
        path: "/state/files/1".into(),
        name: "report.pdf".to_owned(),
    };
    let (path, name) = (file.path.clone(), file.name.clone());
    let mut caption = post("f", "1", "the report");
    caption.file = Some(file);
    store.post(&caption).await.unwrap();
    let open = store.open_outbox("telegram", "777").await.unwrap();
    assert_eq!(open[0].delivery.content, Content::File { path, name });
    assert_eq!(open[0].delivery.text, "the report");
}

#[tokio::test]
async fn a_notice_is_begun_once_and_may_have_been_sent_by_who_died() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (id, _) = store.post(&post("k", "1", "text")).await.unwrap();
    assert_eq!(store.begin_delivery(&id).await, Ok(true));
    assert_eq!(other.begin_delivery(&id).await, Ok(false));
    assert_eq!(other.take_delivery(&id, store.owner()).await, Ok(false));
    let dead = store.owner().clone();
    drop(store);
    scene.tasks.shutdown().await;
    let found = other.open_outbox("telegram", "777").await.unwrap();
    assert_eq!(found[0].owner, Some(dead.clone()));
    assert!(found[0].delivery.maybe_sent);
    assert_eq!(other.take_delivery(&id, &dead).await, Ok(true));
    assert_eq!(other.end_delivery(&id, DeliveryEnd::Again).await, Ok(()));
    let found = other.open_outbox("telegram", "777").await.unwrap();
    assert_eq!(found[0].state, DeliveryState::Prepared);
}

#[tokio::test]
async fn a_notice_is_given_up_by_who_has_it_in_hand() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (begun, _) = store.post(&post("begun", "1", "text")).await.unwrap();
    let (prepared, _) = store.post(&post("prepared", "1", "text")).await.unwrap();
    assert_eq!(store.begin_delivery(&begun).await, Ok(true));
    assert!(other.fail_notice(&begun, "blocked").await.is_err());
    assert_eq!(store.fail_notice(&begun, "blocked").await, Ok(()));
    assert!(store.fail_notice(&begun, "blocked").await.is_err());
    assert_eq!(other.fail_notice(&prepared, "blocked").await, Ok(()));
    assert_eq!(store.open_outbox("telegram", "777").await, Ok(vec![]));

    let (mut lane, input) = asked(&store, "s", "1", "11").await;
    let reply = answer(&mut lane, input, "1", "reply").await;
    let failed = store.fail_notice(&reply, "blocked").await;
    assert!(failed.is_err(), "a reply fails by an event");
    assert_eq!(texts(&store).await, ["reply"]);
    let unknown = DeliveryId::new("n-no");
    assert!(store.fail_notice(&unknown, "blocked").await.is_err());
}

#[tokio::test]
async fn a_month_after_its_end_a_notice_is_gone() {
    let month = 30 * 24 * 3_600_000;
    let scene = Scene::new();
    let store = scene.open().await;
    let (open, _) = store.post(&post("open", "1", "open")).await.unwrap();
    let (ended, _) = store.post(&post("ended", "1", "ended")).await.unwrap();
    assert_eq!(store.fail_notice(&ended, "blocked").await, Ok(()));
    let mut later = post("later", "1", "later");
    later.at = 1000 + month;
    store.post(&later).await.unwrap();
    let same = store.post(&post("ended", "1", "ended")).await;
    assert_eq!(same, Ok((ended.clone(), false)), "not a month yet");
    later.at += 1;
    store.post(&later).await.unwrap();
    let (again, new) = store.post(&post("ended", "1", "ended")).await.unwrap();
    assert!(new && again != ended);
    let same = store.post(&post("open", "1", "open")).await;
    assert_eq!(same, Ok((open, false)), "what is open stays");
}

#[tokio::test]
async fn a_full_disk_takes_no_notice_twice_and_heals() {
    let Some(disk) = SmallDisk::mount(16 << 20) else {
        return;
    };
    let path = disk.path().join("state/corvid.db");
    let store = Store::open(&Config { path }, &Tasks::default())
        .await
        .unwrap();
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 12 << 20]).unwrap();
    let text = "x".repeat(1 << 18);
    let mut kept = 0;
    let refused = loop {
        match store.post(&post(&kept.to_string(), "1", &text)).await {
            Ok((_, new)) => assert!(new),
            Err(error) => break error,
        }
        kept += 1;
    };
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert_eq!(texts(&store).await.len(), kept);
    std::fs::remove_file(ballast).unwrap();
    let (_, new) = store
        .post(&post(&kept.to_string(), "1", &text))
        .await
        .unwrap();
    assert!(new, "what was refused was not kept");
    assert_eq!(texts(&store).await.len(), kept + 1);
}
