//! Claims, epochs and heads: who may write to a session.
//! Invariant: of two processes that both believe they own a session, one is told that it does not.
//! It must not know what a lane writes.

use corvid_core::wire::{EventBody, OwnerId};
use corvid_core::{AppendError, ClaimSeen, Fence, Journal as _};

use crate::scene::{Lane, Scene, admission, open, take};

fn timer() -> Vec<EventBody> {
    vec![EventBody::TimerFired { due_at: 1 }]
}

#[tokio::test]
async fn a_lane_writes_at_the_head_it_knows() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    lane.append(timer()).await.expect("the head is known");
    let known = lane.head;
    lane.admit("k1", "hello").await;
    lane.head = known;
    match lane.append(timer()).await {
        Err(AppendError::Conflict { head }) => assert_eq!(head, known + 1),
        outcome => panic!("expected a conflict, got {outcome:?}"),
    }
    lane.head = known + 1;
    assert!(lane.append(timer()).await.is_ok());
}

#[tokio::test]
async fn a_stale_epoch_cannot_write() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    let seen = ClaimSeen {
        owner: lane.store.owner().clone(),
        epoch: 1,
    };
    // The same process starts the lane anew; its earlier lane may still be at work somewhere.
    lane.claim(Some(seen)).await.expect("its own claim");
    lane.epoch = 1;
    assert!(matches!(
        lane.append(timer()).await,
        Err(AppendError::Fenced)
    ));
    lane.epoch = 2;
    assert!(lane.append(timer()).await.is_ok());
}

#[tokio::test]
async fn another_process_cannot_write_under_the_same_epoch() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    lane.store = scene.open().await;
    assert!(matches!(
        lane.append(timer()).await,
        Err(AppendError::Fenced)
    ));
}

#[tokio::test]
async fn a_claim_is_taken_from_the_dead_only() {
    let scene = Scene::new();
    let first = &mut Lane::begin(&scene.open().await, "s").await;
    let owner = first.store.owner().clone();
    let seen = Some(ClaimSeen {
        owner: owner.clone(),
        epoch: 1,
    });
    let second = scene.open().await;
    assert!(second.is_alive(&owner));
    let attempt = take(&second, &first.session, seen, first.head);
    let refused = second.append(attempt.clone()).await;
    assert!(matches!(refused, Err(AppendError::Fenced)), "{refused:?}");

    // The last handle of the first process goes, as all do when it ends.
    let session = first.session.clone();
    first.store = second.clone();
    scene.tasks.shutdown().await;
    assert!(!second.is_alive(&owner));
    let taken = second.append(attempt).await.expect("its owner is dead");
    let loaded = second.load(&session, 0).await.expect("loads");
    let claim = ClaimSeen {
        owner: second.owner().clone(),
        epoch: 2,
    };
    assert_eq!((loaded.claim, loaded.head), (Some(claim), taken.head));
}

#[tokio::test]
async fn a_claim_passes_only_as_it_was_seen() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = Lane::begin(&store, "s").await;
    let seen = |epoch| {
        Some(ClaimSeen {
            owner: store.owner().clone(),
            epoch,
        })
    };
    for (claim, head, fenced) in [(None, 2, true), (seen(9), 2, true), (seen(1), 1, false)] {
        let outcome = store.append(take(&store, &lane.session, claim, head)).await;
        match outcome {
            Err(AppendError::Fenced) => assert!(fenced),
            Err(AppendError::Conflict { head: 2 }) => assert!(!fenced),
            outcome => panic!("expected a refusal, got {outcome:?}"),
        }
    }
    let mut wrong = take(&store, &lane.session, seen(1), 2);
    wrong.events = vec![EventBody::LaneClaimed {
        epoch: 7,
        owner: store.owner().clone(),
    }];
    let refused = store.append(wrong).await;
    assert!(
        matches!(refused, Err(AppendError::Failed(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_never_was_is_dead_and_the_dead_leave_nothing() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert!(!store.is_alive(&OwnerId::new("o-nobody")));
    assert!(store.is_alive(store.owner()));
    let lane = Lane::begin(&store, "s").await;
    let owners = scene.path().with_file_name("owners");
    let dead = owners.join("o-dead.lock");
    std::fs::write(&dead, "").expect("a dead process's lock");
    std::fs::write(dead.with_extension("sock"), "").expect("and its socket");

    let other = scene.open().await;
    let begun = Lane::begin(&other, "t").await;
    let mut left: Vec<String> = std::fs::read_dir(&owners)
        .expect("the owners' folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    left.sort();
    let mut alive = [lane, begun].map(|lane| format!("{}.lock", lane.store.owner()));
    alive.sort();
    assert_eq!(left, alive);
}

#[tokio::test]
async fn an_open_append_numbers_itself() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    let other = scene.open().await;
    for (key, seq) in [("k1", 3), ("k2", 4)] {
        let input = EventBody::InputAdmitted(admission(key, "hello"));
        let append = open(&lane.session, vec![input]);
        assert_eq!(append.fence, Fence::Open);
        let appended = other.append(append).await.expect("no claim is needed");
        assert_eq!((appended.first, appended.head), (seq, seq));
    }
}
