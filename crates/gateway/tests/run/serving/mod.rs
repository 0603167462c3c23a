//! A gateway that serves a messenger, with time that the tests move.
//! Invariant: a real store and real turns; verdicts come from what the messenger was handed.
//! It must not look inside the gateway.

mod files;
mod messenger;
mod outbox;
mod sends;
mod sessions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Address, Part, SessionId};
use corvid_core::{
    Attachment, Channel, Clock as _, Inbox, Messenger, Outputs, Place, Said, Tasks, Tool, Toolset,
    draw,
};
use corvid_gateway::{
    Access, Allowed, Gateway, JobLimits, Parts, Served, Serving, Surroundings, Unheard,
};
use corvid_store::{Config, Post, Store};
use corvid_testkit::ManualClock;
use tempfile::TempDir;

use crate::model::{EchoModel, Hold, OneModel};
use crate::scene::{AskAboutDoors, settings};
use messenger::{ACCOUNT, CHANNEL, Chat};

/// When everything begins.
const START: i64 = 1_700_000_000_000;
/// How old a delivery may become, in milliseconds.
const MAX_AGE_MS: u64 = 3_600_000;

/// A daemon in a home of its own.
struct Daemon {
    home: TempDir,
    clock: Arc<ManualClock>,
    store: Store,
    model: Arc<EchoModel>,
    messenger: Arc<Chat>,
    inbox: Arc<dyn Inbox>,
    served: Served,
    tasks: Tasks,
}

impl Daemon {
    async fn start() -> Self {
        Self::with(Vec::new()).await
    }

    async fn with(tools: Vec<Arc<dyn Tool>>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let path = home.path().join("corvid.db");
        let store = Store::open(&Config { path }, &tasks).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let model = Arc::new(EchoModel::default());
        let messenger = Arc::new(Chat::default());
        let access = Access::local(1000);
        access.set_allowed(vec![Allowed {
            channel: CHANNEL.to_owned(),
            owners: ["1".to_owned()].into(),
            ..Allowed::default()
        }]);
        let gateway = Arc::new(Gateway::new(Parts {
            store: store.clone(),
            access,
            models: Arc::new(OneModel(Arc::clone(&model))),
            tools: Toolset::new(tools),
            policy: Arc::new(AskAboutDoors),
            clock: clock.clone(),
            channels: vec![Arc::clone(&messenger) as Arc<dyn Channel>],
            outputs: Outputs::new(home.path().join("outputs")),
            redactor: Arc::default(),
            job_limits: JobLimits::default(),
            tasks: tasks.clone(),
            settings: settings(),
        }));
        let serving = Serving {
            messengers: vec![Arc::clone(&messenger) as Arc<dyn Messenger>],
            surroundings: Arc::new(Machine(home.path().join("work"))),
            max_age_ms: MAX_AGE_MS,
            zone: None,
            version: "0".to_owned(),
        };
        let served = gateway.serve(serving).await.unwrap();
        Self {
            inbox: messenger.listening().await,
            home,
            clock,
            store,
            model,
            messenger,
            served,
            tasks,
        }
    }

    /// A message from the owner, as a messenger decodes it.
    fn said(&self, chat: &str, text: &str) -> Said {
        Said {
            origin: at(chat),
            place: Place::Private,
            external_id: draw::external_id(),
            edits: None,
            person: "1".to_owned(),
            name: "somebody".to_owned(),
            parts: vec![Part::text(text)],
            attachments: Vec::<Attachment>::new(),
            together: None,
            at: self.clock.now(),
        }
    }

    async fn says(&self, chat: &str, text: &str) {
        self.inbox.receive(self.said(chat, text)).await.unwrap();
    }

    /// Has something said by Corvid itself, as of that time.
    async fn post(&self, chat: &str, text: &str, at_ms: i64) {
        let post = Post {
            key: draw::external_id(),
            to: at(chat),
            text: text.to_owned(),
            file: None,
            at: at_ms,
        };
        self.store.post(&post).await.unwrap();
        self.served.look();
    }

    async fn posts(&self, chat: &str, text: &str) {
        self.post(chat, text, self.clock.now()).await;
    }

    /// Holds the model call whose last message is this text.
    fn hold(&self, text: &str) -> Arc<Hold> {
        self.model.hold(text)
    }

    /// Moves the clock on, once somebody waits for that time or an earlier one.
    async fn wait_out(&self, until: i64) {
        self.clock.next_wait_before(until + 1).await;
        self.clock.set(until);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}

fn at(chat: &str) -> Address {
    Address {
        channel: CHANNEL.to_owned(),
        account: ACCOUNT.to_owned(),
        conversation: chat.to_owned(),
    }
}

/// A machine with one folder.
struct Machine(PathBuf);

#[async_trait]
impl Surroundings for Machine {
    async fn session_folder(&self, _session: &SessionId) -> Result<PathBuf, String> {
        std::fs::create_dir_all(&self.0).map_err(|error| error.to_string())?;
        Ok(self.0.clone())
    }

    async fn check_folder(&self, named: &str) -> Result<PathBuf, String> {
        Err(format!("`{named}` is no folder here"))
    }

    async fn keep_file(
        &self,
        _folder: &Path,
        _key: &str,
        name: &str,
        _fetched: &Path,
    ) -> Result<String, String> {
        Err(format!("`{name}` is not kept here"))
    }

    async fn transcribe(&self, recording: &Path, _media_type: &str) -> Result<String, Unheard> {
        let heard = tokio::fs::read_to_string(recording).await;
        heard.map_err(|error| Unheard::Failed(error.to_string()))
    }

    async fn undo(
        &self,
        _gateway: &Gateway,
        _session: &SessionId,
        _from: &Address,
        _person: &str,
    ) -> Result<String, String> {
        Err("nothing is taken back here".to_owned())
    }

    async fn forget(&self, _sessions: &[SessionId]) {}
}
