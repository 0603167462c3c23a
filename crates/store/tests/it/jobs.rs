//! Jobs: begun once, ended once, the end told once.
//! Invariant: an end and the input that tells of it are kept together or not at all.
//! It must not know what a job does.

use corvid_core::wire::{CallStatus, EventBody, JobEnd, JobId, SessionId};
use corvid_core::{AppendError, Appended, Journal as _};
use corvid_store::{JobRow, Store};

use crate::hands::{job_end, job_start};
use crate::scene::{Lane, Scene, admission, open};

fn started(id: &str) -> EventBody {
    EventBody::JobStarted(Box::new(job_start(id)))
}

fn refusal(outcome: Result<Appended, AppendError>) -> String {
    match outcome {
        Err(error @ AppendError::JobNotOpen { .. }) => error.to_string(),
        outcome => panic!("expected a refusal, got {outcome:?}"),
    }
}

async fn begin(store: &Store, session: &str, job: &str) -> Lane {
    let lane = Lane::begin(store, session).await;
    let begun = store.append(open(&lane.session, vec![started(job)])).await;
    begun.expect("a new job");
    lane
}

#[tokio::test]
async fn a_job_is_open_until_its_end_is_told() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = begin(&store, "s", "j-1").await;
    let row = JobRow {
        start: job_start("j-1"),
        session: lane.session.clone(),
        owner: store.owner().clone(),
        started_at: 2,
        ended: None,
    };
    assert_eq!(store.jobs(None).await, Ok(vec![row.clone()]));
    assert_eq!(
        store.open_jobs(Some(&lane.session)).await,
        Ok(vec![row.clone()])
    );
    assert_eq!(
        store.open_jobs(Some(&SessionId::new("t"))).await,
        Ok(vec![])
    );

    let mut told = open(&lane.session, job_end("j-1", "make: done"));
    told.at = 9;
    lane.head = store.append(told).await.expect("its end").head;
    let end = JobEnd {
        job: JobId::new("j-1"),
        status: CallStatus::Ok,
        cancelled_by: None,
    };
    let row = JobRow {
        ended: Some((9, end)),
        ..row
    };
    assert_eq!(store.jobs(Some(&lane.session)).await, Ok(vec![row.clone()]));
    assert_eq!(store.job(&JobId::new("j-1")).await, Ok(Some(row)));
    assert_eq!(store.open_jobs(None).await, Ok(vec![]));
    assert_eq!(store.job_ids("j-", 9).await, Ok(vec![JobId::new("j-1")]));
    let session = store
        .session(&lane.session)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!((session.open_inputs, session.title.as_str()), (1, ""));

    lane.admit("k1", "a person's").await;
    let inputs = store.open_job_inputs(&lane.session).await.expect("reads");
    let [row] = inputs.as_slice() else {
        panic!("expected the job's input alone, got {inputs:?}");
    };
    assert_eq!(row.admission.job, Some(JobId::new("j-1")));
    assert_eq!(row.owner, *store.owner());
    lane.answer(row.admission.input.clone(), "it is made").await;
    let left = store.open_job_inputs(&lane.session).await;
    assert_eq!(left, Ok(vec![]), "it is answered");
    let answered = store.job_input(&row.admission.input).await;
    assert_eq!(answered, Ok(Some(row.clone())));
    let said = store.input("terminal", "1000", "k1").await.expect("reads");
    let said = said.expect("a person's input").input;
    assert_eq!(store.job_input(&said).await, Ok(None));
}

#[tokio::test]
async fn a_job_begins_once_and_ends_once_whoever_tries() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let lane = begin(&stores[0], "s", "j-1").await;
    let other = Lane::begin(&stores[0], "other").await;
    for session in [&lane.session, &other.session] {
        let again = stores[1].append(open(session, vec![started("j-1")])).await;
        assert_eq!(refusal(again), "job `j-1` is there already");
    }
    let elsewhere = stores[1]
        .append(open(&other.session, job_end("j-1", "done")))
        .await;
    assert_eq!(refusal(elsewhere), "job `j-1` is not one of this session's");
    let unknown = stores[1]
        .append(open(&lane.session, job_end("j-2", "done")))
        .await;
    assert_eq!(refusal(unknown), "job `j-2` is not known");

    let mut tries = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = stores[number / 8].clone();
        let append = open(&lane.session, job_end("j-1", &format!("told by {number}")));
        tries.spawn(async move { store.append(append).await });
    }
    let outcomes = tries.join_all().await;
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "one of them tells");
    for outcome in refused {
        assert_eq!(refusal(outcome), "job `j-1` has ended already");
    }
    let kinds: Vec<&str> = lane
        .events()
        .await
        .iter()
        .map(|event| event.body.kind())
        .collect();
    let expected = [
        "session.opened",
        "lane.claimed",
        "job.started",
        "job.finished",
        "input.admitted",
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn an_end_is_never_kept_without_its_input_nor_an_input_without_its_end() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = begin(&store, "s", "j-1").await;
    let pair = job_end("j-1", "done");
    for half in pair.clone() {
        match store.append(open(&lane.session, vec![half])).await {
            Err(AppendError::Failed(reason)) => assert!(reason.contains("do not come together")),
            outcome => panic!("expected a refusal, got {outcome:?}"),
        }
    }
    // Somebody took the key for a message before: nothing of the pair is kept.
    let taken = EventBody::InputAdmitted(admission("job:j-1", "mine"));
    store
        .append(open(&lane.session, vec![taken]))
        .await
        .expect("a message");
    let outcome = store.append(open(&lane.session, pair)).await;
    assert!(
        matches!(outcome, Err(AppendError::IdReused { .. })),
        "{outcome:?}"
    );
    assert_eq!(store.open_jobs(None).await.map(|jobs| jobs.len()), Ok(1));
}

#[tokio::test]
async fn a_session_with_an_open_job_is_at_rest_all_the_same() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = &mut begin(&store, "s", "j-1").await;
    lane.head += 1;
    for key in ["k1", "k2"] {
        let input = lane.admit(key, "question").await;
        lane.answer(input, "answer").await;
    }
    let loaded = store.load(&lane.session, 0).await.expect("loads");
    assert_eq!(loaded.events.len(), 5, "the last turn alone");
}

#[tokio::test]
async fn the_end_of_a_job_does_not_make_its_session_the_latest() {
    let scene = Scene::new();
    let store = scene.open().await;
    let early = &mut begin(&store, "early", "j-1").await;
    early.head += 1;
    early.admit("k1", "question").await;
    let late = Lane::begin(&store, "late").await;
    for (session, events, at) in [
        (
            &late.session,
            vec![EventBody::InputAdmitted(admission("k2", "question"))],
            10,
        ),
        (&early.session, job_end("j-1", "done"), 20),
    ] {
        let mut append = open(session, events);
        append.at = at;
        store.append(append).await.expect("admitted");
    }
    let latest = store.latest_session("terminal", "1000").await;
    assert_eq!(latest, Ok(Some(late.session)));
}
