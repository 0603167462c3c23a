//! Appends that arrive together share a transaction and nothing else.
//! Invariant: what one of them meets changes nothing for its neighbours.
//! It must not know how the group is formed.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use corvid_core::wire::{EventBody, SessionId};
use corvid_core::{Append, AppendError, Appended, Fence, Journal as _};
use corvid_store::Store;
use tokio::task::JoinSet;

use crate::scene::{Lane, Scene, admission, open, open_session};

const WRITERS: u64 = 50;

fn admit(session: &str, key: &str) -> Append {
    let input = EventBody::InputAdmitted(admission(key, "hello"));
    open(&SessionId::new(session), vec![input])
}

/// Appends in one task each; the outcomes in the order of the appends.
async fn together(store: &Store, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
    let mut set = JoinSet::new();
    for (index, append) in appends.into_iter().enumerate() {
        let store = store.clone();
        set.spawn(async move { (index, store.append(append).await) });
    }
    let mut outcomes = set.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn seqs(store: &Store, session: &str) -> Vec<u64> {
    let events = store.read(&SessionId::new(session), 0, u32::MAX).await;
    events.map_or_else(
        |error| panic!("the journal cannot be read: {error}"),
        |events| events.iter().map(|event| event.seq).collect(),
    )
}

#[tokio::test]
async fn fifty_writers_share_one_commit() {
    let scene = Scene::new();
    let store = scene.open().await;
    let names: Vec<String> = (0..WRITERS).map(|number| format!("s{number}")).collect();
    for name in &names {
        let opened = open_session(&store, &SessionId::new(name)).await;
        assert!(opened.is_ok());
    }
    let before = store.commits();
    let appends = names.iter().map(|name| admit(name, name)).collect();
    for outcome in together(&store, appends).await {
        assert_eq!(outcome.map(|appended| appended.head).ok(), Some(2));
    }
    assert_eq!(store.commits() - before, 1);
}

#[tokio::test]
async fn each_of_a_group_has_its_own_outcome() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = Lane::begin(&store, "s").await;
    lane.admit("old", "hello").await;
    let at = |epoch, head| Append {
        session: lane.session.clone(),
        fence: Fence::Lane { epoch, head },
        at: 3,
        events: vec![EventBody::TimerFired { due_at: 1 }],
    };
    let appends = vec![
        admit("s", "a"),
        at(1, 3),
        admit("s", "a"),
        at(1, 4),
        admit("nowhere", "b"),
        at(2, 5),
        admit("s", "old"),
        admit("s", "c"),
    ];
    let before = store.commits();
    let outcomes = together(&store, appends).await;
    assert_eq!(store.commits() - before, 1, "they came as one group");
    let told: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(appended) => format!("at {}", appended.first),
            Err(AppendError::Conflict { head }) => format!("conflict at {head}"),
            Err(AppendError::Fenced) => "fenced".to_owned(),
            Err(AppendError::AlreadyAdmitted { .. }) => "known".to_owned(),
            Err(AppendError::NoSuchSession(_)) => "no session".to_owned(),
            Err(error) => panic!("unexpected: {error}"),
        })
        .collect();
    let expected = [
        "at 4",
        "conflict at 4",
        "known",
        "at 5",
        "no session",
        "fenced",
        "known",
        "at 6",
    ];
    assert_eq!(told, expected);
    assert_eq!(seqs(&store, "s").await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn one_that_cannot_be_written_leaves_its_neighbours() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = &mut Lane::begin(&store, "s").await;
    let input = lane.admit("old", "hello").await;
    let mut clash = admission("new", "hello");
    clash.input = input;
    let clash = open(&lane.session, vec![EventBody::InputAdmitted(clash)]);
    let before = store.commits();
    let outcomes = together(&store, vec![admit("s", "a"), clash, admit("s", "b")]).await;
    assert_eq!(store.commits() - before, 1, "they came as one group");
    let told: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(appended) => format!("at {}", appended.first),
            Err(AppendError::Failed(_)) => "failed".to_owned(),
            Err(error) => panic!("unexpected: {error}"),
        })
        .collect();
    assert_eq!(told, ["at 4", "failed", "at 5"]);
    assert_eq!(seqs(&store, "s").await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_nothing() {
    let scene = Scene::new();
    let store = scene.open().await;
    let opened = open_session(&store, &SessionId::new("s")).await;
    assert!(opened.is_ok());
    {
        let mut left = pin!(store.append(admit("s", "a")));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(left.as_mut().poll(&mut context), Poll::Pending));
    }
    // Whoever ends the program waits for what was queued.
    scene.tasks.shutdown().await;
    assert_eq!(seqs(&store, "s").await, [1, 2]);
    let late = store.append(admit("s", "b")).await;
    assert!(
        late.is_ok(),
        "what a lane writes while it ends is kept: {late:?}"
    );
}

#[tokio::test]
async fn positions_are_gapless_among_many_writers_of_two_processes() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    for session in ["s", "t"] {
        let opened = open_session(&stores[0], &SessionId::new(session)).await;
        assert!(opened.is_ok());
    }
    let mut set = JoinSet::new();
    for writer in 0..WRITERS {
        let store = stores[usize::from(writer % 2 == 1)].clone();
        set.spawn(async move {
            let mut firsts = Vec::new();
            for round in 0..4 {
                let session = if (writer + round) % 3 == 0 { "s" } else { "t" };
                let append = admit(session, &format!("{writer}-{round}"));
                firsts.push((session, store.append(append).await.map(|done| done.first)));
            }
            firsts
        });
    }
    let mut places = HashSet::new();
    for (session, first) in set.join_all().await.into_iter().flatten() {
        let first = first.unwrap_or_else(|error| panic!("an append failed: {error}"));
        assert!(
            places.insert((session, first)),
            "{session} has two of {first}"
        );
    }
    assert_eq!(places.len() as u64, WRITERS * 4);
    for session in ["s", "t"] {
        let found = seqs(&stores[0], session).await;
        assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>());
    }
}
