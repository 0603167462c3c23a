//! A store in a folder of its own, and short ways to write what a lane writes.
//! Invariant: an event made here is as a lane would make it.
//! It must not know which test it serves.

use std::path::{Path, PathBuf};

use corvid_core::wire::{
    Address, Admission, DeliveryDraft, DeliveryId, Ending, Event, EventBody, Finish, Flags,
    InputId, Limits, Mode, ModelAnswer, OwnerId, Part, Patience, ReplyComposed, Requester, Role,
    SessionId, TurnStart, Usage,
};
use corvid_core::{Append, AppendError, Appended, ClaimSeen, Fence, Journal as _, Tasks, draw};
use corvid_store::{Config, OpenError, Store};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// A folder with a store in it.
pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) tasks: Tasks,
}

/// A lane as a test drives it.
pub(crate) struct Lane {
    pub(crate) store: Store,
    pub(crate) session: SessionId,
    pub(crate) epoch: u64,
    pub(crate) head: u64,
    pub(crate) turn: u32,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
            tasks: Tasks::default(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state").join("corvid.db")
    }

    pub(crate) async fn try_open(&self) -> Result<Store, OpenError> {
        Store::open(&Config { path: self.path() }, &self.tasks).await
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.expect("the store opens")
    }

    /// Does something to the file behind the store's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        execute(&self.path(), sql).await;
    }
}

impl Lane {
    /// Opens a session and claims it.
    pub(crate) async fn begin(store: &Store, session: &str) -> Self {
        let session = SessionId::new(session);
        open_session(store, &session).await.expect("a new session");
        let mut lane = Self {
            store: store.clone(),
            session,
            epoch: 0,
            head: 1,
            turn: 0,
        };
        lane.claim(None).await.expect("nobody else claims it");
        lane
    }

    /// Takes the claim that was seen.
    pub(crate) async fn claim(&mut self, seen: Option<ClaimSeen>) -> Result<Appended, AppendError> {
        let append = take(&self.store, &self.session, seen, self.head);
        let taken = self.store.append(append).await?;
        self.epoch += 1;
        self.head = taken.head;
        Ok(taken)
    }

    /// Appends a lane's events.
    pub(crate) async fn append(&mut self, events: Vec<EventBody>) -> Result<Appended, AppendError> {
        let append = Append {
            session: self.session.clone(),
            fence: Fence::Lane {
                epoch: self.epoch,
                head: self.head,
            },
            at: 3,
            events,
        };
        let appended = self.store.append(append).await?;
        self.head = appended.head;
        Ok(appended)
    }

    /// Admits an input as its channel would.
    pub(crate) async fn admit(&mut self, external_id: &str, text: &str) -> InputId {
        let admission = admission(external_id, text);
        let input = admission.input.clone();
        let appended = self.store.append(open(
            &self.session,
            vec![EventBody::InputAdmitted(admission)],
        ));
        self.head = appended.await.expect("a new input").head;
        input
    }

    /// Runs a whole turn that answers an input: three appends.
    pub(crate) async fn answer(&mut self, input: InputId, text: &str) -> DeliveryId {
        self.turn += 1;
        let turn = self.turn;
        let started = vec![turn_started(turn, &input), model_requested(turn)];
        self.append(started).await.expect("the lane starts a turn");
        let delivery = draw::delivery_id();
        let composed = vec![
            model_answered(turn, text),
            reply(turn, input, &delivery, text),
        ];
        self.append(composed).await.expect("the lane replies");
        delivery
    }

    /// Everything in the session.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let events = self.store.read(&self.session, 0, u32::MAX);
        events.await.expect("the journal reads")
    }
}

pub(crate) async fn open_session(
    store: &Store,
    session: &SessionId,
) -> Result<Appended, AppendError> {
    store.append(open(session, vec![opened()])).await
}

pub(crate) fn open(session: &SessionId, events: Vec<EventBody>) -> Append {
    Append {
        session: session.clone(),
        fence: Fence::Open,
        at: 2,
        events,
    }
}

pub(crate) fn take(
    store: &Store,
    session: &SessionId,
    seen: Option<ClaimSeen>,
    head: u64,
) -> Append {
    let epoch = seen.as_ref().map_or(1, |seen| seen.epoch + 1);
    let owner: OwnerId = store.owner().clone();
    Append {
        session: session.clone(),
        fence: Fence::Take {
            owner: owner.clone(),
            seen,
            head,
            ground: corvid_core::Ground::Free,
        },
        at: 2,
        events: vec![EventBody::LaneClaimed { epoch, owner }],
    }
}

pub(crate) fn opened() -> EventBody {
    EventBody::SessionOpened {
        working_dir: "/work".to_owned(),
    }
}

pub(crate) fn admission(external_id: &str, text: &str) -> Admission {
    Admission {
        input: draw::input_id(),
        origin: terminal(),
        external_id: external_id.to_owned(),
        requester: Requester {
            id: "1000".to_owned(),
            role: Role::Owner,
        },
        parts: vec![Part::text(text)],
        mode: Mode::Steer,
        working_dir: "/work".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    }
}

pub(crate) fn terminal() -> Address {
    Address {
        channel: "terminal".to_owned(),
        account: "1000".to_owned(),
        conversation: "4711".to_owned(),
    }
}

pub(crate) fn turn_started(turn: u32, input: &InputId) -> EventBody {
    EventBody::TurnStarted(TurnStart {
        turn,
        inputs: vec![input.clone()],
        model: "custom/scripted".to_owned(),
        limits: Limits {
            max_steps: 25,
            parallel_calls: 8,
            attempts: 3,
            patience: Patience::GiveUp,
            question_ms: Limits::default_question_ms(),
        },
    })
}

pub(crate) fn model_requested(turn: u32) -> EventBody {
    EventBody::ModelRequested {
        turn,
        step: 1,
        attempt: 1,
        model: "custom/scripted".to_owned(),
        prompt_hash: "00".repeat(32),
    }
}

pub(crate) fn model_answered(turn: u32, text: &str) -> EventBody {
    EventBody::ModelAnswered(ModelAnswer {
        turn,
        step: 1,
        attempt: 1,
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
    })
}

pub(crate) fn reply(turn: u32, input: InputId, delivery: &DeliveryId, text: &str) -> EventBody {
    EventBody::ReplyComposed(ReplyComposed {
        turn,
        inputs: vec![input.clone()],
        text: text.to_owned(),
        ending: Ending::Answered,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
        deliveries: vec![DeliveryDraft {
            delivery: delivery.clone(),
            to: terminal(),
            inputs: vec![input],
        }],
    })
}

/// Runs statements on a file, made if it is not there.
pub(crate) async fn execute(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}
