//! The desk on a real store, with jobs that a test begins, holds and ends.
//! Invariant: what a job did is kept outside of the process that ran it, as a command's record is.
//! It must not look into the desk.

mod deaths;
mod ends;
mod full;
mod many;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use corvid_core::redact::Redactor;
use corvid_core::wire::{
    Address, Admission, CallId, Event, EventBody, Flags, JobEnd, JobId, JobStart, Millis, Mode,
    Part, Requester, Role, SessionId,
};
use corvid_core::{
    Adoption, Append, Checked, Fence, Invocation, Journal as _, Outputs, Reconciled, Tasks, Tool,
    ToolError, ToolOutput, ToolSpec, Toolset, draw, job_run,
};
use corvid_store::{Config, Store};
use corvid_testkit::ManualClock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{DeskParts, JobDesk, JobLimits};

/// A time to begin with.
const NOON: Millis = 1_000_000;

/// What jobs have done, whatever became of their process.
#[derive(Clone, Default)]
pub(super) struct World {
    done: Arc<Mutex<HashMap<CallId, Did>>>,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Begin,
    End,
}

/// A process with a desk.
pub(super) struct Process {
    pub(super) store: Store,
    pub(super) desk: JobDesk,
    pub(super) clock: Arc<ManualClock>,
    pub(super) tasks: Tasks,
}

/// Knows from the world what became of a job.
struct Maker {
    spec: ToolSpec,
    world: World,
}

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<CallId, Did>> {
        self.done.lock().expect("nobody panics with the lock")
    }

    pub(super) fn did(&self, job: u32) -> Option<Did> {
        self.lock().get(&call(job)).copied()
    }

    /// A job that says what it did, and ends once it may. It ends early if it is cancelled.
    pub(super) fn job(
        &self,
        session: &SessionId,
        job: u32,
        may_end: CancellationToken,
    ) -> Adoption {
        let world = self.clone();
        let cancel = CancellationToken::new();
        let cancelled = cancel.clone();
        let run = job_run(async move {
            world.lock().insert(call(job), Did::Begin);
            tokio::select! {
                () = may_end.cancelled() => {}
                () = cancelled.cancelled() => return Ok(ToolOutput::text("cut short")),
            }
            world.lock().insert(call(job), Did::End);
            Ok(ToolOutput::text(format!("made {job}")))
        });
        Adoption {
            run,
            cancel,
            ..adoption(session, job)
        }
    }
}

#[async_trait]
impl Tool for Maker {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, _arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        Err("only jobs are made here".to_owned())
    }

    async fn run(&self, _call: &Invocation) -> Result<ToolOutput, ToolError> {
        Err(ToolError::Tell("only jobs are made here".to_owned()))
    }

    async fn job_end(&self, invocation: &Invocation, proof: Option<&Value>) -> Reconciled {
        let number = invocation.call.index;
        assert_eq!(
            invocation.key,
            draw::call_key(&invocation.session, call(number))
        );
        assert_eq!(proof, Some(&json!({ "number": number })));
        match self.world.did(number) {
            None => Reconciled::NotDone,
            Some(Did::Begin) => {
                Reconciled::Interrupted(ToolOutput::text(format!("half of {number}")))
            }
            Some(Did::End) => Reconciled::Done(ToolOutput::text(format!("made {number}"))),
        }
    }
}

impl Process {
    pub(super) async fn start(state: &Path, world: &World) -> Self {
        Self::with(state, world, JobLimits::default(), Redactor::default()).await
    }

    pub(super) async fn with(
        state: &Path,
        world: &World,
        limits: JobLimits,
        redactor: Redactor,
    ) -> Self {
        let tasks = Tasks::default();
        let path = state.join("corvid.db");
        let store = Store::open(&Config { path }, &tasks).await;
        let store = store.expect("the store opens");
        let clock = Arc::new(ManualClock::new(NOON));
        let maker: Arc<dyn Tool> = Arc::new(Maker {
            spec: ToolSpec {
                name: "maker".to_owned(),
                description: String::new(),
                parameters: json!({}),
            },
            world: world.clone(),
        });
        let desk = JobDesk::new(DeskParts {
            store: store.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            tools: Toolset::new([maker]),
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
    pub(super) async fn open(&self, name: &str) -> SessionId {
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
    pub(super) async fn told(&self, session: &SessionId) -> Told {
        let events = self.store.read(session, 0, u32::MAX).await;
        Told::of(&events.expect("the journal reads"))
    }

    /// Returns once the world knows that of a job.
    pub(super) async fn until(&self, world: &World, job: u32, did: Did) {
        while world.did(job) != Some(did) {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the process as a signal would that it listens to.
    pub(super) async fn shut_down(self) {
        let Self { tasks, .. } = self;
        tasks.shutdown().await;
    }
}

/// What the journal has of jobs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) began: Vec<JobId>,
    pub(super) ended: Vec<JobEnd>,
    /// What was admitted, by the job that it tells of.
    pub(super) said: Vec<(JobId, String)>,
}

impl Told {
    fn of(events: &[Event]) -> Self {
        let mut told = Self::default();
        for event in events {
            match &event.body {
                EventBody::JobStarted(start) => told.began.push(start.job.clone()),
                EventBody::JobFinished(end) => told.ended.push(end.clone()),
                EventBody::InputAdmitted(admission) => {
                    let text = admission.parts[0].as_text().to_owned();
                    told.said
                        .extend(admission.job.clone().map(|job| (job, text)));
                }
                _ => {}
            }
        }
        told
    }

    /// The one thing that was said.
    pub(super) fn only(&self) -> &str {
        match self.said.as_slice() {
            [(_, text)] => text,
            said => panic!("expected one input, got {said:?}"),
        }
    }
}

pub(super) fn home() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

pub(super) fn call(index: u32) -> CallId {
    CallId {
        turn: 1,
        step: 1,
        index,
    }
}

pub(super) fn job_id(session: &SessionId, job: u32) -> JobId {
    draw::job_id(&draw::call_key(session, call(job)))
}

pub(super) fn somebody() -> Requester {
    Requester {
        id: "1000".to_owned(),
        role: Role::Owner,
    }
}

/// A job that yields nothing at once.
pub(super) fn adoption(session: &SessionId, job: u32) -> Adoption {
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
pub(super) fn message(session: &SessionId, external_id: &str) -> Admission {
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
    }
}
