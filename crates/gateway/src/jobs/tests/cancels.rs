//! Jobs that are ended before their time: by a person, with their process, or because they do not listen.
//! Invariant: a job that never began has done nothing.
//! It must not know the journal's tables.

use corvid_core::redact::Redactor;
use corvid_core::wire::{CallStatus, SessionId};
use corvid_core::{Adoption, JobView, Jobs as _, job_run};
use tokio_util::sync::CancellationToken;

use super::world::{Did, World};
use super::{ONE, Process, adoption, home, job_id, somebody};

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_waits_never_begins() {
    let (home, world) = (home(), World::default());
    let process = Process::with(home.path(), &world, ONE, Redactor::default()).await;
    let session = process.open("s").await;
    let may_end = CancellationToken::new();
    for number in 0..2 {
        let job = world.job(&session, number, may_end.clone());
        process.desk.adopt(job).await.expect("a new job");
    }
    let third = process.desk.adopt(adoption(&session, 2)).await;
    let refusal = "2 jobs run or wait already; wait until some have ended, or cancel some";
    assert_eq!(third, Err(refusal.to_owned()));
    process.until(&world, 0, Did::Begin).await;

    let view = cancel(&process, &session, 1).await;
    let status = view.map(|view| view.ended.map(|(_, status)| status));
    assert_eq!(status, Ok(Some(CallStatus::Stopped)));
    assert_eq!(world.did(1), None);
    let told = process.told(&session).await;
    assert!(
        told.only().contains("was cancelled before it began"),
        "{told:?}"
    );
    assert_eq!(told.ended[0].cancelled_by, Some(somebody()));

    may_end.cancel();
    for _ in 0..2 {
        assert!(process.desk.next_ended().await.is_some());
    }
    assert_eq!(process.desk.next_ended().await, None);
}

async fn cancel(process: &Process, session: &SessionId, job: u32) -> Result<JobView, String> {
    let job = job_id(session, job);
    process.desk.cancel(session, &job, &somebody()).await
}

#[tokio::test]
async fn a_running_job_hears_that_it_is_cancelled_and_says_what_it_did() {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let job = world.job(&session, 0, CancellationToken::new());
    process.desk.adopt(job).await.expect("a new job");
    process.until(&world, 0, Did::Begin).await;
    assert!(process.desk.cancel_here(&job_id(&session, 0), &somebody()));
    assert!(process.desk.next_ended().await.is_some());
    let told = process.told(&session).await;
    assert!(
        told.only()
            .ends_with("was cancelled after 0 s: make 0]\n\ncut short"),
        "{told:?}"
    );
    assert!(!process.desk.cancel_here(&job_id(&session, 0), &somebody()));
    let again = cancel(&process, &session, 0).await;
    assert!(again.is_ok_and(|view| view.ended.is_some()));
    let unknown = cancel(&process, &session, 9).await;
    assert!(unknown.is_err_and(|reason| reason.starts_with("no job")));
}

#[tokio::test]
async fn a_job_that_ends_as_it_is_cancelled_from_elsewhere_has_ended() {
    let (home, world) = (home(), World::default());
    let (one, two) = (
        Process::start(home.path(), &world).await,
        Process::start(home.path(), &world).await,
    );
    let session = one.open("s").await;
    let may_end = CancellationToken::new();
    let job = world.job(&session, 0, may_end.clone());
    one.desk.adopt(job).await.expect("a new job");
    let id = job_id(&session, 0);
    let looked_up = two.store.job(&id).await.expect("reads").expect("a job");
    may_end.cancel();
    assert!(one.desk.next_ended().await.is_some());
    // Nobody listens there, as if its process had just gone.
    let cancelled = two.desk.cancel_there(&looked_up, &somebody()).await;
    assert_eq!(cancelled, Ok(()));
    assert_eq!(one.told(&session).await.ended.len(), 1);
}

#[tokio::test]
async fn a_job_that_does_not_listen_is_dropped_after_a_while() {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let (held, dropped) = tokio::sync::oneshot::channel::<()>();
    let job = Adoption {
        run: job_run(async move {
            let _held = held;
            std::future::pending().await
        }),
        ..adoption(&session, 0)
    };
    process.desk.adopt(job).await.expect("a new job");
    process.desk.cancel_all();
    process.clock.next_wait().await;
    process.clock.advance(60_000);
    assert!(process.desk.next_ended().await.is_some());
    assert!(dropped.await.is_err(), "its work is gone");
    let told = process.told(&session).await;
    assert!(
        told.only()
            .ends_with("was ended with its process after 1 min 0 s: make 0]"),
        "{told:?}"
    );
}

#[tokio::test]
async fn jobs_end_with_their_process_and_their_sessions_hear_of_it() {
    let (home, world) = (home(), World::default());
    let process = Process::with(home.path(), &world, ONE, Redactor::default()).await;
    let session = process.open("s").await;
    for number in 0..2 {
        let job = world.job(&session, number, CancellationToken::new());
        process.desk.adopt(job).await.expect("a new job");
    }
    process.until(&world, 0, Did::Begin).await;
    process.shut_down().await;
    let next = Process::start(home.path(), &world).await;
    next.desk.recover(&session).await.expect("recovers");
    let told = next.told(&session).await;
    let said: Vec<&str> = told.said.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter()
            .any(|text| text.contains("was ended with its process")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|text| text.contains("never began")),
        "{said:?}"
    );
    assert_eq!(world.did(1), None);
}
