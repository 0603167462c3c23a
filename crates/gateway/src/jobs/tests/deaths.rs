//! Processes that die with jobs in hand, at any moment, and those that come after them.
//! Invariant: a job that the journal has ends in it once, with one input, however many processes find it out.
//! It must not know in which order the desk does what it does.

use std::path::Path;

use corvid_core::Jobs as _;
use corvid_core::redact::Redactor;
use corvid_core::wire::{CallStatus, SessionId};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::world::{Did, World};
use super::{Process, Told, home, job_id, somebody};
use crate::jobs::JobLimits;

/// A runtime of a process's own. Dropped, it takes everything of the process with it at once.
fn life() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Two more processes find out at once what became of the jobs of a dead one, and then a third.
fn heirs(home: &Path, world: &World, session: &SessionId) -> Told {
    life().block_on(async {
        let one = Process::start(home, world).await;
        let two = Process::start(home, world).await;
        let both = tokio::join!(one.desk.recover(session), two.desk.recover(session));
        assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        let third = Process::start(home, world).await;
        third.desk.recover(session).await.expect("recovers");
        third.told(session).await
    })
}

/// What is told of two jobs, of which one may run, after their process died at that moment.
fn told_after(moment: impl AsyncFnOnce(&Process, &World)) -> Told {
    let (home, world) = (home(), World::default());
    let session = SessionId::new("s");
    let limits = JobLimits {
        parallel: 1,
        ..JobLimits::default()
    };
    let first = life();
    first.block_on(async {
        let process = Process::with(home.path(), &world, limits, Redactor::default()).await;
        let session = process.open("s").await;
        for number in 0..2 {
            let job = world.job(&session, number, CancellationToken::new());
            process.desk.adopt(job).await.expect("a new job");
        }
        process.until(&world, 0, Did::Begin).await;
        moment(&process, &world).await;
    });
    drop(first);
    heirs(home.path(), &world, &session)
}

#[test]
fn what_ran_was_cut_off_and_what_waited_never_began() {
    let told = told_after(async |_, _| {});
    let statuses: Vec<CallStatus> = told.ended.iter().map(|end| end.status).collect();
    assert_eq!(statuses, [CallStatus::Interrupted; 2]);
    let session = SessionId::new("s");
    let (one, two) = (job_id(&session, 0), job_id(&session, 1));
    let expected = [
        (
            one.clone(),
            format!(
                "[No person says this. Job {one} was cut off when its process ended: make 0]\n\nhalf of 0"
            ),
        ),
        (
            two.clone(),
            format!(
                "[No person says this. Job {two} never began, since its process ended: make 1]"
            ),
        ),
    ];
    assert_eq!(told.said, expected);
}

#[test]
fn what_ended_without_being_told_is_done() {
    let told = told_after(async |_, world| {
        // As its record says; the process never came to tell.
        world.lock().insert(super::call(0), Did::End);
    });
    assert_eq!(told.ended[0].status, CallStatus::Ok);
    assert!(
        told.said[0].1.ends_with("is done: make 0]\n\nmade 0"),
        "{told:?}"
    );
}

/// Lets a process live until the journal holds so many events, and a little longer; then it dies.
fn die_at(home: &Path, world: &World, head: u64, longer: u32) {
    let first = life();
    first.block_on(async {
        let process = Process::start(home, world).await;
        let session = process.open("s").await;
        let may_end = CancellationToken::new();
        may_end.cancel();
        let job = world.job(&session, 0, may_end);
        let live = async {
            process.desk.adopt(job).await.expect("a new job");
            process.desk.next_ended().await;
        };
        let die = async {
            loop {
                let row = process.store.session(&session).await.expect("reads");
                if row.is_some_and(|row| row.head >= head) {
                    break;
                }
            }
            for _ in 0..longer {
                tokio::task::yield_now().await;
            }
        };
        tokio::pin!(live);
        tokio::select! {
            biased;
            () = die => {}
            () = &mut live => {}
        }
    });
}

#[test]
fn whenever_a_process_dies_its_job_ends_once() {
    // The session is opened (1), the job noted (2), its end told (4).
    for head in [1, 2, 4] {
        for longer in [0, 1, 2, 3, 5, 8, 20, 50, 200, 1_000] {
            let (home, world) = (home(), World::default());
            die_at(home.path(), &world, head, longer);
            let told = heirs(home.path(), &world, &SessionId::new("s"));
            let counts = (told.began.len(), told.ended.len(), told.said.len());
            let whole = usize::from(head > 1 || !told.began.is_empty());
            assert_eq!(counts, (whole, whole, whole), "died at {head} and {longer}");
            if whole == 0 {
                assert_eq!(world.did(0), None, "it ran before it was noted");
            }
        }
    }
}

#[test]
fn a_living_process_keeps_its_jobs_and_a_dead_ones_are_cancelled_by_finding_out() {
    let (home, world) = (home(), World::default());
    let session = SessionId::new("s");
    let (first, second) = (life(), life());
    let living = first.block_on(async {
        let process = Process::start(home.path(), &world).await;
        let session = process.open("s").await;
        let job = world.job(&session, 0, CancellationToken::new());
        process.desk.adopt(job).await.expect("a new job");
        process
    });
    let id = job_id(&session, 0);
    second.block_on(async {
        let other = Process::start(home.path(), &world).await;
        other.desk.recover(&session).await.expect("recovers");
        let listed = other.desk.list(&session).await.expect("lists");
        assert_eq!((listed[0].alive, listed[0].ended), (true, None));
        // Nobody listens there.
        let cancelled = other.desk.cancel(&session, &id, &somebody()).await;
        assert!(cancelled.is_err_and(|reason| reason.contains("cannot be reached")));
    });
    drop(living);
    drop(first);
    second.block_on(async {
        let other = Process::start(home.path(), &world).await;
        let listed = other.desk.list(&session).await.expect("lists");
        assert_eq!((listed[0].alive, listed[0].ended), (false, None));
        let cancelled = other.desk.cancel(&session, &id, &somebody()).await;
        let status = cancelled.map(|view| view.ended.map(|(_, status)| status));
        assert_eq!(status, Ok(Some(CallStatus::Interrupted)));
        // Who found it out sees to the answer.
        let ended = other.desk.next_ended().await;
        assert_eq!(
            ended.map(|ended| ended.external_id),
            Some(format!("job:{id}"))
        );
        other.desk.take_up_leftovers(&session).await.expect("reads");
        assert!(
            other.desk.next_ended().await.is_some(),
            "it is not answered yet"
        );
        assert_eq!(other.desk.next_ended().await, None);
    });
}
