//! Who was let in, and who is no longer.
//! Invariant: a person is an id of a channel; the name decides nothing.
//! It must not know pairing.

use corvid_core::wire::{Person, Role};
use corvid_store::{Offer, Pairing, PersonRow};

use super::{chat, person, told};
use crate::scene::Scene;

fn row(id: &str, role: Role, since: i64) -> PersonRow {
    PersonRow {
        person: person(id),
        role,
        name: "Ada".to_owned(),
        zone: None,
        since,
    }
}

#[tokio::test]
async fn a_revocation_counts_at_once_in_every_process() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (ada, bob) = (row("1", Role::Owner, 5), row("2", Role::Member, 4));
    assert_eq!(store.let_in(&ada).await, Ok(()));
    assert_eq!(other.let_in(&bob).await, Ok(()));
    let people = store.people().await;
    assert_eq!(people, Ok(vec![bob.clone(), ada.clone()]));
    assert_eq!(other.person(&ada.person).await, Ok(Some(ada)));
    let same_id = Person {
        channel: "discord".to_owned(),
        id: "1".to_owned(),
    };
    assert_eq!(store.person(&same_id).await, Ok(None));
    assert_eq!(store.person(&person("Ada")).await, Ok(None));

    assert_eq!(other.revoke(&person("1")).await, Ok(true));
    assert_eq!(store.person(&person("1")).await, Ok(None));
    assert_eq!(store.revoke(&person("1")).await, Ok(false));
    assert_eq!(store.people().await, Ok(vec![bob]));
}

#[tokio::test]
async fn a_zone_belongs_to_whoever_let_them_in() {
    let scene = Scene::new();
    let store = scene.open().await;
    let configured = person("9");
    assert_eq!(
        store.set_zone(&configured, Some("Asia/Tokyo")).await,
        Ok(())
    );
    let zone = Some("Asia/Tokyo".to_owned());
    assert_eq!(store.zone(&configured).await, Ok(zone.clone()));
    assert_eq!(store.person(&configured).await, Ok(None));

    assert_eq!(store.let_in(&row("9", Role::Member, 1)).await, Ok(()));
    let kept = store.person(&configured).await.unwrap().unwrap();
    assert_eq!(kept.zone, zone, "letting in changes no zone by silence");
    let mut moved = row("9", Role::Owner, 1);
    moved.zone = Some("Europe/Berlin".to_owned());
    assert_eq!(store.let_in(&moved).await, Ok(()));
    assert_eq!(store.person(&configured).await, Ok(Some(moved)));
    assert_eq!(store.set_zone(&configured, None).await, Ok(()));
    assert_eq!(store.zone(&configured).await, Ok(None));
}

#[tokio::test]
async fn who_was_let_in_waits_no_longer() {
    let scene = Scene::new();
    let store = scene.open().await;
    let pairing = Pairing {
        person: person("1"),
        name: "Ada".to_owned(),
        at: chat("1"),
        now: 0,
    };
    let offer = store.offer_pairing(&pairing, told).await.unwrap();
    assert!(matches!(offer, Offer::Code(_)));
    assert_eq!(store.let_in(&row("1", Role::Member, 1)).await, Ok(()));
    assert_eq!(store.pairings(1).await, Ok(vec![]));
    assert_eq!(store.offer_pairing(&pairing, told).await, Ok(Offer::Quiet));
}
