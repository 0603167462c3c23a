//! Commands, presses and strangers on a real store, with turns that really run.
//! Invariant: verdicts come from the store, and from what is posted or shown.
//! It must not know how a messenger decodes anything.

mod answers;
mod chosen;
mod door;
mod forgets;
mod presses;
mod stops;
mod strangers;
mod things;
mod visible;
mod world;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use corvid_agent::Settings;
use corvid_core::wire::{
    Address, EventBody, Flags, Limits, Mode, Part, Patience, Question, Role, SessionId,
};
use corvid_core::{
    Button, Channel, Clock as _, Content, Journal as _, Outputs, Place, Press, Said, SystemClock,
    Tasks, Toolset, draw,
};
use corvid_store::{Config, Store};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Act, Pressed, Speaker, parse};
use crate::{Access, Allowed, Answered, Gateway, GatewayError, Inbound, JobLimits, Parts, Target};
use things::{Runs, tools};
use world::{AskAboutDoors, BOT, Bot, CHANNEL, Machine, OnlyModel, Script};

/// Whom the config lets in: an owner and two members; and somebody whom nothing does.
const OWNER: &str = "1";
const MEMBER: &str = "2";
const OTHER: &str = "3";
const STRANGER: &str = "9";

/// A home folder, in which one process after the other may live.
struct Scene {
    home: TempDir,
}

/// One process in the home.
struct Process {
    gateway: Arc<Gateway>,
    store: Store,
    access: Access,
    messenger: Arc<Bot>,
    script: Arc<Script>,
    runs: Arc<Runs>,
    machine: Arc<Machine>,
    tasks: Tasks,
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        Self { home }
    }

    async fn process(&self) -> Process {
        Process::start(self.home.path()).await
    }
}

impl Process {
    async fn start(home: &Path) -> Self {
        let tasks = Tasks::default();
        let config = Config {
            path: home.join("corvid.db"),
        };
        let store = Store::open(&config, &tasks).await;
        let store = store.expect("the store opens");
        let access = Access::local(1000);
        access.set_allowed(vec![allowed()]);
        let messenger = Arc::new(Bot::default());
        let (script, runs) = (Arc::new(Script::default()), Arc::new(Runs::default()));
        let gateway = Gateway::new(Parts {
            store: store.clone(),
            access: access.clone(),
            models: Arc::new(OnlyModel(Arc::clone(&script))),
            tools: Toolset::new(tools(&runs)),
            policy: Arc::new(AskAboutDoors),
            clock: Arc::new(SystemClock),
            channels: vec![Arc::clone(&messenger) as Arc<dyn Channel>],
            outputs: Outputs::new(home.join("outputs")),
            redactor: Arc::default(),
            job_limits: JobLimits::default(),
            tasks: tasks.clone(),
            settings: settings(),
        });
        Self {
            gateway: Arc::new(gateway),
            store,
            access,
            messenger,
            script,
            runs,
            machine: Arc::default(),
            tasks,
        }
    }

    /// A message, as a messenger decodes it.
    fn said(person: &str, at: &Address, text: &str) -> Said {
        Said {
            origin: at.clone(),
            place: if at.conversation.starts_with('-') {
                Place::Group { addressed: true }
            } else {
                Place::Private
            },
            external_id: draw::external_id(),
            edits: None,
            person: person.to_owned(),
            name: format!("person {person}"),
            parts: vec![Part::text(text)],
            attachments: Vec::new(),
            together: None,
            at: SystemClock.now(),
        }
    }

    /// Gives a command, and yields what it leads to and its answer.
    async fn command(&self, person: &str, at: &Address, text: &str) -> (Act, String) {
        self.take(&Self::said(person, at, text)).await
    }

    /// The answer to a command that leads to nothing to be admitted.
    async fn answer(&self, person: &str, at: &Address, text: &str) -> String {
        let (act, answer) = self.command(person, at, text).await;
        assert!(!matches!(act, Act::Admit { .. }), "{text}: {act:?}");
        answer
    }

    async fn take(&self, said: &Said) -> (Act, String) {
        let text = said.parts.first().map_or("", Part::own_words);
        let line = parse(text).expect("a command");
        let requester = self.gateway.known(&said.origin, &said.person).await;
        let requester = requester.expect("the store answers");
        let speaker = Speaker::of(said, requester.expect("somebody who may speak"));
        let act = self
            .gateway
            .command(&line, &speaker, self.machine.as_ref())
            .await;
        let act = act.expect("the store answers");
        let posted = self.posted(&said.origin).await;
        (act, posted.last().cloned().unwrap_or_default())
    }

    /// The notices that wait for a conversation, oldest first.
    async fn posted(&self, at: &Address) -> Vec<String> {
        let rows = self.store.open_outbox(CHANNEL, BOT).await;
        let rows = rows.expect("the store reads").into_iter();
        let here =
            rows.filter(|row| row.delivery.to == *at && row.delivery.content == Content::Notice);
        here.map(|row| row.delivery.text).collect()
    }

    async fn press(&self, person: &str, at: &Address, button: Button) -> Pressed {
        let press = Self::press_of(person, at, Some(button));
        self.press_again(&press).await
    }

    fn press_of(person: &str, at: &Address, button: Option<Button>) -> Press {
        Press {
            origin: at.clone(),
            external_id: draw::external_id(),
            person: person.to_owned(),
            button,
        }
    }

    async fn press_again(&self, press: &Press) -> Pressed {
        let pressed = self.gateway.pressed(press).await;
        pressed.expect("the store answers")
    }

    /// The session of a conversation; one begins if there is none.
    async fn session(&self, at: &Address) -> SessionId {
        let bound = self.store.bind_new(at, &draw::session_id(), 1).await;
        bound.expect("the store writes")
    }

    /// Has a message answered.
    async fn say(&self, person: &str, at: &Address, text: &str) -> Answered {
        let answered = self.turn(person, at, text).await;
        answered.expect("an answer")
    }

    async fn turn(&self, person: &str, at: &Address, text: &str) -> Result<Answered, GatewayError> {
        let session = self.session(at).await;
        self.run(&Self::inbound(session, person, at, text)).await
    }

    /// A message as the gateway takes it.
    fn inbound(session: SessionId, person: &str, at: &Address, text: &str) -> Inbound {
        Inbound {
            target: Target::Session(session),
            origin: at.clone(),
            external_id: draw::external_id(),
            person: person.to_owned(),
            parts: vec![Part::text(text)],
            mode: Mode::Queue,
            working_dir: "/tmp".into(),
            flags: Flags::default(),
        }
    }

    async fn run(&self, inbound: &Inbound) -> Result<Answered, GatewayError> {
        let (live, mut heard) = mpsc::channel(64);
        let listen = async { while heard.recv().await.is_some() {} };
        let run = self.gateway.run(inbound, live, CancellationToken::new());
        tokio::join!(run, listen).0
    }

    /// The newest question that is shown, once there is one.
    async fn question(&self) -> Question {
        let mut shown = self.messenger.questions.subscribe();
        let shown = shown.wait_for(|shown| !shown.is_empty()).await;
        let shown = shown.expect("the messenger lives");
        shown.last().cloned().expect("a question")
    }

    /// The kinds of a session's events.
    async fn kinds(&self, session: &SessionId) -> Vec<&'static str> {
        let events = self.store.read(session, 0, 1_000).await;
        let events = events.expect("the journal reads");
        events.iter().map(|event| event.body.kind()).collect()
    }

    async fn has(&self, session: &SessionId, is_it: impl Fn(&EventBody) -> bool) -> bool {
        let events = self.store.read(session, 0, 1_000).await;
        let events = events.expect("the journal reads");
        events.iter().any(|event| is_it(&event.body))
    }

    fn doors(&self) -> u32 {
        self.runs.doors.load(Ordering::Relaxed)
    }

    /// Ends the process: its tasks, its writer and its lock.
    async fn die(self) {
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

/// The conversation of a person with the bot.
fn private(person: &str) -> Address {
    Address {
        channel: CHANNEL.to_owned(),
        account: BOT.to_owned(),
        conversation: person.to_owned(),
    }
}

/// The one group that is listed.
fn group() -> Address {
    private("-100")
}

fn allowed() -> Allowed {
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<HashSet<_>>();
    Allowed {
        channel: CHANNEL.to_owned(),
        owners: ids(&[OWNER]),
        members: ids(&[MEMBER, OTHER]),
        groups: ids(&["-100"]),
    }
}

fn settings() -> Settings {
    Settings {
        default_model: "test/script".to_owned(),
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
