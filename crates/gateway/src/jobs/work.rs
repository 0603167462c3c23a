//! One job of this process, from its note in the journal to its end.
//! Invariant: its work is not polled before the note is there, and every way in which it may end is told.
//! It must not know what the work is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use corvid_core::faults::crash_point;
use corvid_core::wire::{EventBody, JobId, JobStart, Millis, SessionId};
use corvid_core::{Adoption, AppendError, JobRun, JobView, ToolError, ToolOutput};
use tokio::sync::{SemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::ending::{Ending, Outcome};

/// How long a job that is told to end may take for that before its work is dropped, in milliseconds.
const GRACE_MS: Millis = 10_000;
/// How long to wait before an end that could not be told is told again, in milliseconds: at first, and after
/// having doubled often.
const SHORTEST_PAUSE_MS: Millis = 100;
const LONGEST_PAUSE_MS: Millis = 30_000;

/// Tells the caller whether the job is noted.
type Noted = oneshot::Sender<Result<(), String>>;

/// A place among the jobs that are at work.
enum Turn<'a> {
    /// It may work; a job that had begun before may do so without a place.
    Come(Option<SemaphorePermit<'a>>),
    /// It was ended while it waited.
    Ended(&'static str),
}

impl Shared {
    /// Notes a job, says so, and sees it to its end.
    pub(super) async fn see_through(self: Arc<Self>, job: Adoption, noted: Noted) {
        let Adoption {
            session,
            start,
            run,
            begun,
            cancel,
        } = job;
        if let Err(error) = self.note(&session, &start).await {
            self.board.leave(&start.job);
            // Whoever asked may have left.
            drop(noted.send(Err(error.to_string())));
            return;
        }
        let began_at = self.parts.clock.now();
        drop(noted.send(Ok(())));
        let outcome = match self.await_turn(begun, &cancel, &start.job).await {
            Turn::Come(place) => {
                let outcome = self.work(run, &cancel, &start.job).await;
                drop(place);
                outcome
            }
            Turn::Ended(how) => {
                drop(run);
                Outcome::silent(how)
            }
        };
        let ending = Ending {
            session: &session,
            start: &start,
            outcome: &outcome,
            took_ms: Some(self.parts.clock.now().saturating_sub(began_at)),
            cancelled_by: self.board.cancelled_by(&start.job),
        };
        self.tell_at_last(&ending, began_at).await;
    }

    async fn note(&self, session: &SessionId, start: &JobStart) -> Result<(), AppendError> {
        let started = EventBody::JobStarted(Box::new(start.clone()));
        crash_point("job.before_start");
        self.append(session, vec![started]).await?;
        crash_point("job.after_start");
        Ok(())
    }

    async fn await_turn(&self, begun: bool, cancel: &CancellationToken, job: &JobId) -> Turn<'_> {
        if begun {
            return Turn::Come(self.turns.try_acquire().ok());
        }
        tokio::select! {
            biased;
            () = self.told_to_end(cancel) => Turn::Ended(match self.why(job) {
                Why::Person => "was cancelled before it began",
                Why::Process => "never began, since its process ended",
            }),
            // The semaphore is never closed.
            place = self.turns.acquire() => Turn::Come(place.ok()),
        }
    }

    /// Brings the work to its end, or drops it if it does not end when it is told to.
    async fn work(&self, run: JobRun, cancel: &CancellationToken, job: &JobId) -> Outcome {
        let mut run = std::pin::pin!(unless_it_panics(run));
        tokio::select! {
            biased;
            () = self.told_to_end(cancel) => {}
            result = &mut run => return match result {
                // The tool may have heard of it first.
                Ok(result) if cancel.is_cancelled() => Outcome::stopped(self.how(job), result),
                Ok(result) => Outcome::of(result),
                Err(message) => Outcome::panicked(&message),
            },
        }
        cancel.cancel();
        let clock = &self.parts.clock;
        tokio::select! {
            biased;
            result = &mut run => match result {
                Ok(result) => Outcome::stopped(self.how(job), result),
                Err(message) => Outcome::panicked(&message),
            },
            () = clock.sleep_until(clock.now() + GRACE_MS) => Outcome::silent(self.how(job)),
        }
    }

    /// Tells the session, again and again if the store cannot take it, until the process ends. The next process
    /// at work in the session finds the job's end out then.
    async fn tell_at_last(&self, ending: &Ending<'_>, began_at: Millis) {
        let job = &ending.start.job;
        let clock = &self.parts.clock;
        let stopping = self.parts.tasks.stopping();
        let mut pause = SHORTEST_PAUSE_MS;
        loop {
            match self.tell(ending).await {
                Ok(Some(ended)) => {
                    let view = JobView {
                        ended: Some((clock.now(), ending.outcome.status)),
                        alive: false,
                        ..self.listed(ending.session, ending.start, began_at)
                    };
                    self.board.end(view, ended);
                    return;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, %job, "the end of a job cannot be told yet");
                }
            }
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                () = clock.sleep_until(clock.now() + pause) => {}
            }
            pause = LONGEST_PAUSE_MS.min(2 * pause);
        }
        self.board.leave(job);
    }

    async fn told_to_end(&self, cancel: &CancellationToken) {
        let stopping = self.parts.tasks.stopping();
        tokio::select! {
            () = cancel.cancelled() => {}
            () = stopping.cancelled() => {}
        }
    }

    fn how(&self, job: &JobId) -> &'static str {
        match self.why(job) {
            Why::Person => "was cancelled",
            Why::Process => "was ended with its process",
        }
    }

    fn why(&self, job: &JobId) -> Why {
        if self.board.cancelled_by(job).is_some() {
            Why::Person
        } else {
            Why::Process
        }
    }
}

/// Why a job was told to end.
enum Why {
    /// Somebody cancelled it.
    Person,
    /// The process ends, or is asked to end what it runs.
    Process,
}

/// The work's result, or what it said when it panicked; it is not polled again then.
async fn unless_it_panics(mut run: JobRun) -> Result<Result<ToolOutput, ToolError>, String> {
    std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(said(&*panic))),
        }
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked").to_owned()
}
