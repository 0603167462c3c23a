//! A home with processes in it: each with its own store handle, owner lock, channel and gateway.
//! Invariant: real files and locks; only the model and the channel are doubles.
//! It must not decide a verdict.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use corvid_core::wire::{
    Address, Event, EventBody, Flags, Limits, LiveEvent, Mode, Part, Patience, Question, SessionId,
};
use corvid_core::{
    Channel, Journal as _, Outputs, Policy, PolicyDecision, PolicyEffect, PolicyRequest,
    SystemClock, Tasks, Toolset,
};
use corvid_gateway::{
    Access, Answered, Gateway, GatewayError, Inbound, JobLimits, Parts, Settings, Target,
};
use corvid_store::{Config, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::channel::{Mishap, RecordingChannel};
use crate::model::{EchoModel, Hold, OneModel};
use crate::tools;

/// The one person who may speak.
const PERSON: &str = "1000";

/// A home folder and its model.
pub(crate) struct Scene {
    _home: TempDir,
    state: PathBuf,
    model: Arc<EchoModel>,
    runs: Arc<tools::Runs>,
}

/// One process in the home.
pub(crate) struct Process {
    gateway: Gateway,
    store: Store,
    channel: Arc<RecordingChannel>,
    tasks: Tasks,
    waits: AtomicU32,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let home = TempDir::new().unwrap();
        Self {
            state: home.path().to_owned(),
            _home: home,
            model: Arc::default(),
            runs: Arc::default(),
        }
    }

    /// What the tools have done, and what holds them.
    pub(crate) fn runs(&self) -> &tools::Runs {
        &self.runs
    }

    /// A scene whose state lies deeper than the address of a socket can say.
    pub(crate) fn deep() -> Self {
        let mut scene = Self::new();
        scene.state.push("deep".repeat(30));
        scene
    }

    pub(crate) async fn process(&self) -> Process {
        let tasks = Tasks::default();
        let config = Config {
            path: self.state.join("corvid.db"),
        };
        let store = Store::open(&config, &tasks).await.unwrap();
        let channel = Arc::new(RecordingChannel::default());
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            access: Access::local(1000),
            models: Arc::new(OneModel(Arc::clone(&self.model))),
            tools: Toolset::new(tools::all(&self.runs)),
            policy: Arc::new(AskAboutDoors),
            clock: Arc::new(SystemClock),
            channels: vec![Arc::clone(&channel) as Arc<dyn Channel>],
            outputs: Outputs::new(self.state.join("outputs")),
            redactor: Arc::default(),
            job_limits: JobLimits::default(),
            tasks: tasks.clone(),
            settings: settings(),
        });
        Process {
            gateway,
            store,
            channel,
            tasks,
            waits: AtomicU32::new(0),
        }
    }

    /// Holds the model call whose last message is this text.
    pub(crate) fn hold(&self, text: &str) -> Arc<Hold> {
        self.model.hold(text)
    }

    pub(crate) fn model_calls(&self) -> u32 {
        self.model.calls()
    }
}

impl Process {
    pub(crate) async fn run(&self, inbound: &Inbound) -> Result<Answered, GatewayError> {
        self.run_until(inbound, CancellationToken::new()).await
    }

    pub(crate) async fn run_until(
        &self,
        inbound: &Inbound,
        stop: CancellationToken,
    ) -> Result<Answered, GatewayError> {
        let (live, mut heard) = tokio::sync::mpsc::channel(64);
        let listen = async {
            while let Some(event) = heard.recv().await {
                if matches!(event, LiveEvent::Waiting { .. }) {
                    self.waits.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        tokio::join!(self.gateway.run(inbound, live, stop), listen).0
    }

    /// Waits for the end of a job of this process, and has it answered.
    pub(crate) async fn next_job(&self) -> Option<Answered> {
        let (live, mut heard) = tokio::sync::mpsc::channel(64);
        let listen = async { while heard.recv().await.is_some() {} };
        let next = self.gateway.next_job(live, CancellationToken::new());
        tokio::join!(next, listen).0.unwrap()
    }

    /// The gateway itself.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The newest question that the channel has shown, once there is one.
    pub(crate) async fn shown(&self) -> Question {
        let mut shown = self.channel.questions.subscribe();
        let shown = shown.wait_for(|shown| !shown.is_empty()).await.unwrap();
        shown.last().unwrap().clone()
    }

    /// Returns once somebody was told to wait.
    pub(crate) async fn is_told_to_wait(&self) {
        while self.waits() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How often somebody was told to wait.
    pub(crate) fn waits(&self) -> u32 {
        self.waits.load(Ordering::Relaxed)
    }

    /// Where others reach this process.
    pub(crate) fn socket(&self) -> PathBuf {
        self.store.owner_socket(self.store.owner())
    }

    /// What the channel has sent.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.channel.sent.lock().unwrap().clone()
    }

    /// Makes the channel fail its next delivery.
    pub(crate) fn break_channel(&self, mishap: Mishap) {
        *self.channel.mishap.lock().unwrap() = Some(mishap);
    }

    /// Returns once the channel has begun a delivery that hangs.
    pub(crate) async fn sending(&self) {
        self.channel.hanging.notified().await;
    }

    /// The reasons for which deliveries of a session were given up.
    pub(crate) async fn given_up(&self, session: &str) -> Vec<String> {
        let events = self.events(session).await.into_iter();
        let failed = events.filter_map(|event| match event.body {
            EventBody::DeliveryFailed { reason, .. } => Some(reason),
            _ => None,
        });
        failed.collect()
    }

    /// How many deliveries of a session are open.
    pub(crate) async fn open_deliveries(&self, session: &str) -> usize {
        let session = SessionId::new(session);
        self.store.open_deliveries(&session).await.unwrap().len()
    }

    /// Returns once the input is in the store.
    pub(crate) async fn sees_input(&self, external_id: &str) {
        while self
            .store
            .input("terminal", PERSON, external_id)
            .await
            .unwrap()
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn events(&self, session: &str) -> Vec<Event> {
        self.store
            .read(&SessionId::new(session), 0, 1_000)
            .await
            .unwrap()
    }

    /// Makes the process seem dead to all others, as `kill -9` does: nothing that it runs comes to its end.
    pub(crate) fn seem_dead(&self) {
        std::fs::remove_file(self.socket().with_extension("lock")).unwrap();
    }

    /// Ends the process: its tasks, its writer and its lock.
    pub(crate) async fn die(self) {
        let Self {
            gateway,
            store,
            tasks,
            ..
        } = self;
        drop((gateway, store));
        tasks.shutdown().await;
    }
}

/// A message typed at a terminal.
pub(crate) fn ask(external_id: &str, text: &str, target: Target) -> Inbound {
    Inbound {
        target,
        origin: Address {
            channel: "terminal".to_owned(),
            account: PERSON.to_owned(),
            conversation: external_id.to_owned(),
        },
        external_id: external_id.to_owned(),
        person: PERSON.to_owned(),
        parts: vec![Part::text(text)],
        mode: Mode::Queue,
        working_dir: "/tmp".into(),
        flags: Flags::default(),
    }
}

/// Runs futures side by side and yields their results in order.
pub(crate) async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, result) in running.iter_mut().zip(&mut results) {
            if result.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

pub(crate) fn settings() -> Settings {
    Settings {
        default_model: "test/echo".to_owned(),
        limits: Limits {
            max_steps: 25,
            parallel_calls: 8,
            attempts: 3,
            patience: Patience::GiveUp,
            question_ms: 600_000,
        },
        context_tokens: 8_000,
    }
}

pub(crate) struct AskAboutDoors;

impl Policy for AskAboutDoors {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        PolicyDecision {
            effect: if request.tool == "door.open" {
                PolicyEffect::Ask
            } else {
                PolicyEffect::Allow
            },
            rule: "doors".to_owned(),
            reason: "a door is a door".to_owned(),
        }
    }
}
