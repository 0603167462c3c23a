//! Inputs are admitted once, sessions opened once, and both are found again.
//! Invariant: a receipt names the first admission, whoever asks again and however.
//! It must not know lanes beyond what it takes to answer an input.

use corvid_core::wire::{EventBody, Mode, SessionId};
use corvid_core::{AppendError, ClaimSeen, Fence, Journal as _};
use corvid_store::SessionRow;

use crate::scene::{Lane, Scene, admission, open, open_session, opened, take};

#[tokio::test]
async fn the_same_input_again_gets_the_same_receipt_and_keeps_nothing() {
    let scene = Scene::new();
    let store = scene.open().await;
    let first = SessionId::new("first");
    let admitted = admission("k1", "hello");
    let events = vec![opened(), EventBody::InputAdmitted(admitted.clone())];
    store.append(open(&first, events)).await.expect("new");

    // Under another input id, for another session, with an opening, and under a fence that does not hold.
    let other = SessionId::new("second");
    let again = EventBody::InputAdmitted(admission("k1", "hello"));
    let owner = store.owner().clone();
    let claimed = EventBody::LaneClaimed { epoch: 8, owner };
    let seen = Some(ClaimSeen {
        owner: store.owner().clone(),
        epoch: 7,
    });
    let mut fenced = take(&store, &first, seen, 99);
    fenced.events = vec![claimed, again.clone()];
    for append in [open(&other, vec![opened(), again]), fenced] {
        match store.append(append).await {
            Err(AppendError::AlreadyAdmitted { session, input }) => {
                assert_eq!((session, input), (first.clone(), admitted.input.clone()));
            }
            outcome => panic!("expected the receipt, got {outcome:?}"),
        }
    }
    assert_eq!(store.session(&other).await, Ok(None));
    assert_eq!(store.read(&first, 0, 10).await.expect("reads").len(), 2);
}

#[tokio::test]
async fn an_id_is_not_used_for_another_message() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    lane.admit("k1", "hello").await;
    let other = EventBody::InputAdmitted(admission("k1", "hello!"));
    match lane.store.append(open(&lane.session, vec![other])).await {
        Err(AppendError::IdReused { external_id }) => assert_eq!(external_id, "k1"),
        outcome => panic!("expected a refusal, got {outcome:?}"),
    }
    assert_eq!(lane.events().await.len(), 3);
}

#[tokio::test]
async fn a_message_is_the_same_wherever_and_however_it_is_sent_again() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    let first = lane.admit("k1", "hello").await;
    let mut others = vec![admission("k1", "hello"); 3];
    others[0].working_dir = "/elsewhere".to_owned();
    others[1].mode = Mode::Queue;
    others[2].flags.max_steps = Some(3);
    for other in others {
        let append = open(&lane.session, vec![EventBody::InputAdmitted(other)]);
        match lane.store.append(append).await {
            Err(AppendError::AlreadyAdmitted { input, .. }) => assert_eq!(input, first),
            outcome => panic!("expected the receipt, got {outcome:?}"),
        }
    }
    assert_eq!(lane.events().await.len(), 3);
}

#[tokio::test]
async fn the_same_id_of_another_account_is_another_input() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    lane.admit("k1", "hello").await;
    let mut other = admission("k1", "hello");
    other.origin.account = "1001".to_owned();
    let append = open(&lane.session, vec![EventBody::InputAdmitted(other)]);
    assert!(lane.store.append(append).await.is_ok());
}

#[tokio::test]
async fn a_session_is_opened_once_and_first() {
    let scene = Scene::new();
    let store = scene.open().await;
    let session = SessionId::new("s");
    let input = || EventBody::InputAdmitted(admission("k1", "hello"));
    match store.append(open(&session, vec![input()])).await {
        Err(AppendError::NoSuchSession(missing)) => assert_eq!(missing, session),
        outcome => panic!("expected no session, got {outcome:?}"),
    }
    let late = store.append(open(&session, vec![input(), opened()])).await;
    assert!(matches!(late, Err(AppendError::Failed(_))), "{late:?}");
    assert!(open_session(&store, &session).await.is_ok());
    let again = open_session(&store, &session).await;
    assert!(
        matches!(again, Err(AppendError::Conflict { head: 1 })),
        "{again:?}"
    );
    let load = store.load(&SessionId::new("t"), 0).await;
    assert!(matches!(load, Err(AppendError::NoSuchSession(_))));
}

#[tokio::test]
async fn rows_follow_from_the_events() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = &mut Lane::begin(&store, "s").await;
    let input = lane.admit("k1", "what's in\nthis folder?").await;
    let open_row = store.input("terminal", "1000", "k1").await;
    let open_row = open_row.expect("reads").expect("admitted");
    assert_eq!(
        (open_row.input.clone(), open_row.seq, open_row.answered_by),
        (input.clone(), 3, None)
    );
    assert_eq!(store.reply(&input).await, Ok(None));

    lane.answer(input.clone(), "a file").await;
    let answered = store.input("terminal", "1000", "k1").await.expect("reads");
    assert_eq!(answered.and_then(|row| row.answered_by), Some(7));
    let (seq, reply) = store.reply(&input).await.expect("reads").expect("replied");
    assert_eq!((seq, reply.text.as_str()), (7, "a file"));

    lane.admit("k2", "and now?").await;
    let row = SessionRow {
        id: lane.session.clone(),
        working_dir: "/work".to_owned(),
        opened_at: 2,
        last_at: 3,
        head: 8,
        turns: 1,
        title: "what's in this folder?".to_owned(),
        open_inputs: 1,
    };
    assert_eq!(store.session(&lane.session).await, Ok(Some(row.clone())));
    assert_eq!(store.sessions(10).await, Ok(vec![row]));
    assert_eq!(store.sessions(0).await, Ok(vec![]));
}

#[tokio::test]
async fn the_latest_session_is_the_one_written_to_last() {
    let scene = Scene::new();
    let store = scene.open().await;
    assert_eq!(store.latest_session("terminal", "1000").await, Ok(None));
    for (at, name) in [(10, "old"), (30, "new"), (20, "middle")] {
        let session = SessionId::new(name);
        let input = EventBody::InputAdmitted(admission(name, "hello"));
        let mut append = open(&session, vec![opened(), input]);
        append.at = at;
        store.append(append).await.expect("a new session");
    }
    let latest = store.latest_session("terminal", "1000").await;
    assert_eq!(latest, Ok(Some(SessionId::new("new"))));
    assert_eq!(store.latest_session("terminal", "1").await, Ok(None));
    let names: Vec<String> = store
        .sessions(2)
        .await
        .expect("reads")
        .into_iter()
        .map(|row| row.id.to_string())
        .collect();
    assert_eq!(names, ["new", "middle"]);
}

#[tokio::test]
async fn what_only_a_lane_may_write_is_refused_without_a_claim() {
    let scene = Scene::new();
    let lane = &mut Lane::begin(&scene.open().await, "s").await;
    let timer = EventBody::TimerFired { due_at: 1 };
    let refused = lane.store.append(open(&lane.session, vec![timer])).await;
    assert!(
        matches!(refused, Err(AppendError::Failed(_))),
        "{refused:?}"
    );
    let mut empty = open(&lane.session, vec![]);
    empty.fence = Fence::Lane {
        epoch: lane.epoch,
        head: lane.head,
    };
    let refused = lane.store.append(empty).await;
    assert!(
        matches!(refused, Err(AppendError::Failed(_))),
        "{refused:?}"
    );
}
