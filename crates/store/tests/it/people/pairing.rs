//! Strangers, their codes, and who tries to guess them.
//! Invariant: of everything that is tried, only the right code within its hour lets anybody in, and once.
//! It must not know how a code is shown.

use std::collections::HashSet;

use corvid_core::wire::{Millis, Role};
use corvid_store::{DeliveryEnd, Offer, Paired, Pairing, PendingRow, PersonRow, Store};
use tokio::task::JoinSet;

use super::{chat, person, told};
use crate::scene::Scene;

const HOUR: Millis = 3_600_000;

fn stranger(id: &str, now: Millis) -> Pairing {
    Pairing {
        person: person(id),
        name: format!("name of {id}"),
        at: chat(id),
        now,
    }
}

async fn offer(store: &Store, id: &str, now: Millis) -> Offer {
    store.offer_pairing(&stranger(id, now), told).await.unwrap()
}

async fn code(store: &Store, id: &str, now: Millis) -> String {
    match offer(store, id, now).await {
        Offer::Code(code) => code,
        other => panic!("expected a code for {id}, got {other:?}"),
    }
}

async fn approve(store: &Store, code: &str, now: Millis) -> Paired {
    store.approve_pairing(code, None, now).await.unwrap()
}

async fn waiting(store: &Store, now: Millis) -> Vec<String> {
    let pending = store.pairings(now).await.unwrap();
    pending.into_iter().map(|row| row.person.id).collect()
}

fn paired(id: &str, role: Role, since: Millis) -> Paired {
    let row = PersonRow {
        person: person(id),
        role,
        name: format!("name of {id}"),
        zone: None,
        since,
    };
    Paired::In(row, chat(id))
}

#[tokio::test]
async fn the_first_is_an_owner_and_the_next_a_member() {
    let scene = Scene::new();
    let store = scene.open().await;
    let first = code(&store, "1", 10).await;
    let row = PendingRow {
        person: person("1"),
        name: "name of 1".to_owned(),
        at: chat("1"),
        offered_at: 10,
        expires_at: 10 + HOUR,
    };
    assert_eq!(store.pairings(10).await, Ok(vec![row]));
    let spoken = first.to_lowercase().replace('-', " ");
    assert_eq!(
        approve(&store, &spoken, 20).await,
        paired("1", Role::Owner, 20)
    );
    let second = code(&store, "2", 30).await;
    assert_eq!(
        approve(&store, &second, 40).await,
        paired("2", Role::Member, 40)
    );
    let third = code(&store, "3", 50).await;
    let let_in = store.approve_pairing(&third, Some(Role::Owner), 60).await;
    assert_eq!(let_in, Ok(paired("3", Role::Owner, 60)));
    assert_eq!(store.pairings(60).await, Ok(vec![]));
    assert_eq!(store.people().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_code_is_long_random_and_kept_as_a_hash_alone() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut codes = HashSet::new();
    for number in 0..3 {
        let code = code(&store, &number.to_string(), 0).await;
        let letters: Vec<char> = code.chars().filter(|letter| *letter != '-').collect();
        assert!(letters.len() >= 8, "{code}");
        let plain = |letter: &char| letter.is_ascii_digit() || letter.is_ascii_uppercase();
        assert!(letters.iter().all(plain), "{code}");
        assert!(codes.insert(code), "a code comes twice");
    }
    // The lines that tell them are kept until they are sent, and no longer.
    for line in store.open_outbox("telegram", "777").await.unwrap() {
        let id = line.delivery.id;
        assert_eq!(store.begin_delivery(&id).await, Ok(true));
        let sent = DeliveryEnd::Sent("1".to_owned());
        assert!(store.end_delivery(&id, sent).await.is_ok());
    }
    // Folds the log, in which they stood.
    store.forget(&person("nobody")).await.unwrap();
    let files = ["corvid.db", "corvid.db-wal"].map(|name| scene.path().with_file_name(name));
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for code in &codes {
            assert!(!text.contains(code) && !text.contains(&code.replace('-', "")));
        }
    }
}

#[tokio::test]
async fn a_person_is_told_of_one_code_an_hour() {
    let scene = Scene::new();
    let store = scene.open().await;
    let old = code(&store, "1", 0).await;
    for now in [0, 1, HOUR - 1] {
        assert_eq!(offer(&store, "1", now).await, Offer::Quiet);
    }
    let new = code(&store, "1", HOUR).await;
    assert_ne!(new, old);
    assert_eq!(
        approve(&store, &old, HOUR).await,
        Paired::Wrong { left: 4 },
        "an old code is nobody's"
    );
    let let_in = approve(&store, &new, 2 * HOUR - 1).await;
    assert_eq!(let_in, paired("1", Role::Owner, 2 * HOUR - 1));
    assert_eq!(offer(&store, "1", 9 * HOUR).await, Offer::Quiet);
}

#[tokio::test]
async fn a_code_is_void_after_its_hour() {
    let scene = Scene::new();
    let store = scene.open().await;
    let code = code(&store, "1", 0).await;
    assert_eq!(waiting(&store, HOUR - 1).await, ["1"]);
    assert!(waiting(&store, HOUR).await.is_empty());
    assert_eq!(approve(&store, &code, HOUR).await, Paired::NonePending);
    assert_eq!(store.people().await, Ok(vec![]));
}

#[tokio::test]
async fn three_wait_in_a_channel_and_a_fourth_is_told_nothing() {
    let scene = Scene::new();
    let store = scene.open().await;
    for id in ["1", "2", "3"] {
        code(&store, id, 0).await;
    }
    assert_eq!(offer(&store, "4", 1).await, Offer::Full);
    let mut elsewhere = stranger("4", 1);
    elsewhere.person.channel = "discord".to_owned();
    elsewhere.at.channel = "discord".to_owned();
    let offered = store.offer_pairing(&elsewhere, told).await.unwrap();
    assert!(matches!(offered, Offer::Code(_)), "{offered:?}");
    assert_eq!(store.refuse_pairing(&person("2")).await, Ok(true));
    assert_eq!(store.refuse_pairing(&person("2")).await, Ok(false));
    assert_eq!(offer(&store, "2", 2).await, Offer::Quiet, "who was refused");
    code(&store, "4", 2).await;
    assert_eq!(offer(&store, "5", 3).await, Offer::Full);
    code(&store, "5", HOUR).await;
}

#[tokio::test]
async fn of_a_crowd_that_asks_at_once_three_wait() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut set = JoinSet::new();
    for number in 0..40_usize {
        let store = stores[number % 2].clone();
        set.spawn(async move { offer(&store, &number.to_string(), 0).await });
    }
    let offers = set.join_all().await;
    let codes = offers
        .iter()
        .filter(|offer| matches!(offer, Offer::Code(_)));
    assert_eq!(codes.count(), 3);
    assert_eq!(waiting(&stores[1], 0).await.len(), 3);
}

#[tokio::test]
async fn five_wrong_codes_make_all_that_wait_void() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert_eq!(approve(&store, "0000-0000", 0).await, Paired::NonePending);
    let early = code(&store, "1", 0).await;
    for left in [4, 3, 2] {
        let wrong = approve(&store, "0000-0000", 1).await;
        assert_eq!(wrong, Paired::Wrong { left });
    }
    let late = code(&store, "2", 2).await;
    for left in [4, 3] {
        let wrong = approve(&store, "", 3).await;
        assert_eq!(
            wrong,
            Paired::Wrong { left },
            "who came last has most tries"
        );
    }
    assert_eq!(waiting(&store, 3).await, ["2"]);
    assert_eq!(approve(&store, &early, 3).await, Paired::Wrong { left: 2 });
    assert_eq!(
        offer(&store, "1", 4).await,
        Offer::Quiet,
        "not within the hour"
    );
    assert_eq!(approve(&store, "0", 4).await, Paired::Wrong { left: 1 });
    assert_eq!(approve(&store, "0", 4).await, Paired::Wrong { left: 0 });
    assert_eq!(approve(&store, &late, 4).await, Paired::NonePending);
    assert_eq!(store.people().await, Ok(vec![]));
    code(&store, "1", HOUR).await;
}

#[tokio::test]
async fn of_many_approvals_at_once_one_lets_in() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let code = code(&stores[0], "1", 0).await;
    let mut set = JoinSet::new();
    for number in 0..20 {
        let (store, code) = (stores[number % 2].clone(), code.clone());
        set.spawn(async move { approve(&store, &code, 1).await });
    }
    let outcomes = set.join_all().await;
    let let_in = outcomes
        .iter()
        .filter(|paired| matches!(paired, Paired::In(..)));
    assert_eq!(let_in.count(), 1);
    let late = outcomes
        .iter()
        .filter(|paired| **paired == Paired::NonePending);
    assert_eq!(late.count(), 19);
    assert_eq!(stores[1].people().await.unwrap().len(), 1);
}

#[tokio::test]
async fn guesses_at_once_are_all_counted() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let code = code(&stores[0], "1", 0).await;
    let mut set = JoinSet::new();
    for number in 0..5 {
        let store = stores[number % 2].clone();
        set.spawn(async move { approve(&store, "0000-0000", 1).await });
    }
    let outcomes = set.join_all().await;
    for left in 0..5 {
        assert!(outcomes.contains(&Paired::Wrong { left }), "{outcomes:?}");
    }
    assert_eq!(approve(&stores[0], &code, 1).await, Paired::NonePending);
}

#[tokio::test]
async fn a_code_comes_with_the_line_that_tells_it() {
    let scene = Scene::new();
    let store = scene.open().await;
    let Offer::Code(code) = offer(&store, "7", 0).await else {
        panic!("the first stranger is offered a code");
    };
    let lines = |rows: Vec<corvid_store::OutboxRow>| {
        let texts = rows.into_iter().map(|row| row.delivery.text);
        texts.collect::<Vec<_>>()
    };
    let open = store.open_outbox("telegram", "777").await.unwrap();
    assert_eq!(lines(open), [format!("your code is {code}")]);
    // Who is told nothing new leaves no line behind.
    assert_eq!(offer(&store, "7", 1).await, Offer::Quiet);
    assert_eq!(store.open_outbox("telegram", "777").await.unwrap().len(), 1);
}
