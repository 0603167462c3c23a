//! Deliveries pass from hand to hand one at a time.
//! Invariant: of all who try to begin a delivery, one succeeds.
//! It must not know channels.

use corvid_core::wire::{DeliveryId, Ending, EventBody, InputId, SessionId};
use corvid_core::{AppendError, Appended, Content, Delivery, Journal as _, Reply};
use corvid_store::{DeliveryEnd, DeliveryRow, DeliveryState, Store};

use crate::scene::{Lane, Scene, open, terminal};

async fn answered(store: &Store) -> (Lane, InputId, DeliveryId) {
    let mut lane = Lane::begin(store, "s").await;
    let input = lane.admit("k1", "hello").await;
    let delivery = lane.answer(input.clone(), "hi").await;
    (lane, input, delivery)
}

async fn state(store: &Store) -> DeliveryState {
    let rows = store.deliveries(&SessionId::new("s")).await;
    match rows.as_deref() {
        Ok([row]) => row.state.clone(),
        rows => panic!("expected one delivery, got {rows:?}"),
    }
}

#[tokio::test]
async fn a_reply_prepares_its_deliveries() {
    let scene = Scene::new();
    let store = scene.open().await;
    let (lane, input, id) = answered(&store).await;
    let row = DeliveryRow {
        delivery: Delivery {
            id,
            to: terminal(),
            text: "hi".to_owned(),
            content: Content::Reply(Reply {
                session: lane.session.clone(),
                turn: 1,
                inputs: vec![input],
                ending: Ending::Answered,
                notices: vec![],
                unapproved: vec![],
                took_ms: 0,
                unasked: false,
            }),
            maybe_sent: false,
            late: false,
        },
        state: DeliveryState::Prepared,
        owner: Some(store.owner().clone()),
        session: lane.session.clone(),
    };
    assert_eq!(store.deliveries(&lane.session).await, Ok(vec![row.clone()]));
    assert_eq!(store.open_deliveries(&lane.session).await, Ok(vec![row]));
    assert_eq!(store.deliveries(&SessionId::new("t")).await, Ok(vec![]));
}

#[tokio::test]
async fn a_delivery_is_begun_once_and_ended_by_who_began_it() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (lane, _, id) = answered(&store).await;
    assert_eq!(store.begin_delivery(&id).await, Ok(true));
    assert_eq!(store.begin_delivery(&id).await, Ok(false));
    assert_eq!(other.begin_delivery(&id).await, Ok(false));
    assert_eq!(other.take_delivery(&id, store.owner()).await, Ok(false));
    assert_eq!(state(&other).await, DeliveryState::Sending);

    let sent = || DeliveryEnd::Sent("m7".to_owned());
    assert!(other.end_delivery(&id, sent()).await.is_err());
    assert_eq!(store.end_delivery(&id, DeliveryEnd::Again).await, Ok(()));
    assert_eq!(state(&other).await, DeliveryState::Prepared);
    assert!(store.end_delivery(&id, sent()).await.is_err());

    assert_eq!(other.begin_delivery(&id).await, Ok(true));
    assert_eq!(other.end_delivery(&id, sent()).await, Ok(()));
    let external_id = "m7".to_owned();
    assert_eq!(state(&store).await, DeliveryState::Sent { external_id });
    assert_eq!(store.begin_delivery(&id).await, Ok(false));
    assert_eq!(store.open_deliveries(&lane.session).await, Ok(vec![]));
    assert_eq!(
        store.begin_delivery(&DeliveryId::new("d-no")).await,
        Ok(false)
    );
}

#[tokio::test]
async fn what_a_dead_process_began_can_be_taken_over() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (lane, _, id) = answered(&store).await;
    let dead = store.owner().clone();
    assert_eq!(store.begin_delivery(&id).await, Ok(true));
    drop((store, lane));
    scene.tasks.shutdown().await;
    assert_eq!(other.begin_delivery(&id).await, Ok(false));
    assert_eq!(other.take_delivery(&id, &dead).await, Ok(true));
    let end = DeliveryEnd::Sent("m7".to_owned());
    assert_eq!(other.end_delivery(&id, end).await, Ok(()));
}

/// Gives the delivery up for good, as the process that began it would.
async fn fail(store: &Store, delivery: &DeliveryId) -> Result<Appended, AppendError> {
    let failed = EventBody::DeliveryFailed {
        delivery: delivery.clone(),
        reason: "the chat is gone".to_owned(),
    };
    store.append(open(&SessionId::new("s"), vec![failed])).await
}

#[tokio::test]
async fn a_final_failure_and_its_event_are_one() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (lane, _, id) = answered(&store).await;
    let before = lane.events().await.len();
    assert!(fail(&store, &id).await.is_err(), "nobody has begun it");
    assert_eq!(store.begin_delivery(&id).await, Ok(true));
    assert!(fail(&other, &id).await.is_err(), "another has begun it");
    assert_eq!(state(&store).await, DeliveryState::Sending);
    assert_eq!(lane.events().await.len(), before);

    fail(&store, &id).await.expect("it is in our hands");
    let reason = "the chat is gone".to_owned();
    assert_eq!(state(&store).await, DeliveryState::Failed { reason });
    assert!(fail(&store, &id).await.is_err(), "it failed already");
    let events = lane.events().await;
    let failures = events
        .iter()
        .filter(|event| event.body.kind() == "delivery.failed");
    assert_eq!(failures.count(), 1);
}
