//! The desk on a real store, in processes that a test starts and ends.
//! Invariant: every process has a store handle, and so a life, of its own.
//! It must not know how jobs end.

mod cancels;
mod deaths;
mod ends;
mod full;
mod many;
mod world;

use std::path::Path;
use std::sync::Arc;

use corvid_core::redact::Redactor;
use corvid_core::wire::{
    Address, Admission, CallId, Event, EventBody, Flags, JobEnd, JobId, JobStart, Millis, Mode,
    Part, Requester, Role, SessionId,
};
use corvid_core::{
    Adoption, Append, Fence, Journal as _, Outputs, Tasks, ToolOutput, Toolset, draw, job_run,
};
use corvid_store::{Config, Store};
use corvid_testkit::ManualClock;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{DeskParts, JobDesk, JobLimits};
use world::{Did, World};

/// A time to begin with.
const NOON: Millis = 1_000_000;

/// One job at work at a time.
const ONE: JobLimits = JobLimits {
    parallel: 1,
    open_at_most: 2,
};

/// A process with a desk.
struct Process {
    store: Store,
    desk: JobDesk,
    clock: Arc<ManualClock>,
    tasks: Tasks,
}

impl Process {
    async fn start(state: &Path, world: &World) -> Self {
        Self::with(state, world, JobLimits::default(), Redactor::default()).await
    }

    async fn with(state: &Path, world: &World, limits: JobLimits, redactor: Redactor) -> Self {
        let tasks = Tasks::default();
        let path = state.join("corvid.db");
        let store = Store::open(&Config { path }, &tasks).await;
        let store = store.expect("the store opens");
        let clock = Arc::new(ManualClock::new(NOON));
        let desk = JobDesk::new(DeskParts {
            store: store.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            tools: Toolset::new([world.maker()]),
            outputs: Outputs::new(state.join("outputs")),
            redactor: Arc::new(redactor),
            limits,
        });
        Self {
            store,
            desk,
            clock,
            tasks,
        }
    }

    /// Opens a session.
    async fn open(&self, name: &str) -> SessionId {
        let session = SessionId::new(name);
        let opened = EventBody::SessionOpened {
            working_dir: "/work".to_owned(),
        };
        let append = Append {
            session: session.clone(),
            fence: Fence::Open,
            at: NOON,
            events: vec![opened],
        };
        self.store.append(append).await.expect("a new session");
        session
    }

    /// What the journal has of a session's jobs.
    async fn told(&self, session: &SessionId) -> Told {
        let events = self.store.read(session, 0, u32::MAX).await;
        Told::of(&events.expect("the journal reads"))
    }

    /// Returns once the world knows that of a job.
    async fn until(&self, world: &World, job: u32, did: Did) {
        while world.did(job) != Some(did) {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the process as a signal would that it listens to.
    async fn shut_down(self) {
        let Self { tasks, .. } = self;
        tasks.shutdown().await;
    }
}

/// What the journal has of jobs.
#[derive(Debug, Default, PartialEq)]
struct Told {
    began: Vec<JobId>,
    ended: Vec<JobEnd>,
    /// What was admitted, by the job that it tells of.
    said: Vec<(JobId, String)>,
}

impl Told {
    fn of(events: &[Event]) -> Self {
        let mut told = Self::default();
        for event in events {
            match &event.body {
                EventBody::JobStarted(start) => told.began.push(start.job.clone()),
                EventBody::JobFinished(end) => told.ended.push(end.clone()),
                EventBody::InputAdmitted(admission) => {
                    let text = admission.parts[0].own_words().to_owned();
                    told.said
                        .extend(admission.job.clone().map(|job| (job, text)));
                }
                _ => {}
            }
        }
        told
    }

    /// The one thing that was said.
    fn only(&self) -> &str {
        match self.said.as_slice() {
            [(_, text)] => text,
            said => panic!("expected one input, got {said:?}"),
        }
    }
}

fn home() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn call(index: u32) -> CallId {
    CallId {
        turn: 1,
        step: 1,
        index,
    }
}

fn job_id(session: &SessionId, job: u32) -> JobId {
    draw::job_id(&draw::call_key(session, call(job)))
}

fn somebody() -> Requester {
    Requester {
        id: "1000".to_owned(),
        role: Role::Owner,
    }
}

/// A job that yields nothing at once.
fn adoption(session: &SessionId, job: u32) -> Adoption {
    Adoption {
        session: session.clone(),
        start: JobStart {
            job: job_id(session, job),
            call: call(job),
            tool: "maker".to_owned(),
            arguments: json!({}),
            title: format!("make {job}"),
            working_dir: "/work".to_owned(),
            timeout_ms: 60_000,
            proof: Some(json!({ "number": job })),
            origin: Address {
                channel: "terminal".to_owned(),
                account: "1000".to_owned(),
                conversation: "x".to_owned(),
            },
            requester: somebody(),
        },
        run: job_run(async { Ok(ToolOutput::text("")) }),
        begun: false,
        cancel: CancellationToken::new(),
    }
}

/// A person's message.
fn message(session: &SessionId, external_id: &str) -> Admission {
    let JobStart {
        origin, requester, ..
    } = adoption(session, 0).start;
    Admission {
        input: draw::input_id(),
        origin,
        external_id: external_id.to_owned(),
        requester,
        parts: vec![Part::text("hello")],
        mode: Mode::Steer,
        working_dir: "/work".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    }
}
