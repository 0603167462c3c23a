//! Many jobs at once: held to their limits, none lost, nothing left.
//! Invariant: the limits hold at every moment, not on average.
//! It must not know what the jobs do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use corvid_core::redact::Redactor;
use corvid_core::{Adoption, Jobs as _, ToolOutput, job_run};

use super::world::World;
use super::{Process, adoption, home};
use crate::jobs::JobLimits;

const JOBS: u32 = 200;

#[tokio::test]
async fn two_hundred_jobs_stay_within_their_limits_and_leave_nothing() {
    let (home, world) = (home(), World::default());
    let limits = JobLimits {
        parallel: 4,
        ..JobLimits::default()
    };
    let process = Process::with(home.path(), &world, limits, Redactor::default()).await;
    let session = process.open("s").await;
    let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let adopted = (0..JOBS).map(|number| {
        let (at_work, most) = (Arc::clone(&at_work), Arc::clone(&most));
        let job = Adoption {
            run: job_run(async move {
                let now = at_work.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                at_work.fetch_sub(1, Ordering::SeqCst);
                Ok(ToolOutput::text(""))
            }),
            ..adoption(&session, number)
        };
        let desk = process.desk.clone();
        async move { desk.adopt(job).await }
    });
    let mut adopting = tokio::task::JoinSet::new();
    for job in adopted {
        adopting.spawn(job);
    }
    for outcome in adopting.join_all().await {
        assert_eq!(outcome, Ok(()));
    }
    let mut ended = 0;
    while process.desk.next_ended().await.is_some() {
        ended += 1;
    }
    assert_eq!(ended, JOBS);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=4).contains(&most), "{most} were at work at once");
    let told = process.told(&session).await;
    let counts = (told.began.len(), told.ended.len(), told.said.len());
    assert_eq!(counts, (200, 200, 200));
    assert_eq!(process.desk.running(), vec![]);
    assert_eq!(process.store.open_jobs(None).await, Ok(vec![]));
    // Every task has ended, so that this waits for nothing.
    process.shut_down().await;
}
