//! What stands around a gateway in these tests: a messenger, a model, tools and folders that do what a message says.
//! Invariant: what was shown or run is kept where it happened.
//! It must not know the gateway.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Address, Fault, Finish, LiveEvent, Question, SessionId, Usage};
use corvid_core::{
    Answer, AskedCall, Channel, DeliverError, Delivery, FollowedTurn, Heard, HeardOutcome, Inbox,
    ListenError, Message, Messenger, Model, ModelError, ModelRequest, ModelSink, Models, Note,
    OutcomeQuestion, Policy, PolicyDecision, PolicyEffect, PolicyRequest, Questions,
};
use tokio::sync::{Notify, mpsc, watch};

use crate::Gateway;
use crate::surroundings::{Surroundings, Unheard};

/// The one channel.
pub(super) const CHANNEL: &str = "telegram";

/// The bot's account there.
pub(super) const BOT: &str = "77";

/// A messenger that keeps what it shows and sends.
#[derive(Default)]
pub(super) struct Bot {
    pub(super) questions: watch::Sender<Vec<Question>>,
    pub(super) outcomes: watch::Sender<Vec<OutcomeQuestion>>,
    /// What was sent, as `conversation: text`.
    pub(super) sent: watch::Sender<Vec<String>>,
    /// Where it hands in what people do, once it listens.
    pub(super) inbox: watch::Sender<Option<Arc<dyn Inbox>>>,
}

#[async_trait]
impl Channel for Bot {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        let line = format!("{}: {}", delivery.to.conversation, delivery.text);
        self.sent.send_modify(|sent| sent.push(line));
        Ok(delivery.id.to_string())
    }
}

#[async_trait]
impl Messenger for Bot {
    fn account(&self) -> &str {
        BOT
    }

    async fn listen(&self, inbox: Arc<dyn Inbox>) -> ListenError {
        self.inbox.send_replace(Some(inbox));
        std::future::pending().await
    }

    async fn follow(&self, _turn: &FollowedTurn, mut live: mpsc::Receiver<LiveEvent>) {
        while live.recv().await.is_some() {}
    }

    async fn note(&self, _note: &Note) {}
}

#[async_trait]
impl Questions for Bot {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        self.outcomes
            .send_modify(|shown| shown.push(question.clone()));
        HeardOutcome::Shown
    }

    async fn ask(&self, question: &Question) -> Heard {
        self.questions
            .send_modify(|shown| shown.push(question.clone()));
        Heard::Shown
    }
}

/// A model: `call x` asks for a call of `x`, `fail` fails for good, `hang` never answers.
#[derive(Default)]
pub(super) struct Script {
    pub(super) hangs: Notify,
}

/// The only model there is.
pub(super) struct OnlyModel(pub(super) Arc<Script>);

impl Models for OnlyModel {
    fn open(&self, name: &str) -> Result<Arc<dyn Model>, ModelError> {
        if name == "test/script" {
            return Ok(Arc::clone(&self.0) as Arc<dyn Model>);
        }
        Err(broken("there is no such model"))
    }
}

#[async_trait]
impl Model for Script {
    fn id(&self) -> &'static str {
        "test/script"
    }

    fn context_tokens(&self) -> u64 {
        8_000
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        _live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        let last = request.messages.last().map(AsRef::as_ref);
        let said = match last {
            Some(Message::User { text, .. }) => text.as_str(),
            Some(Message::Tool { text, .. }) => return Ok(answer(&format!("it said: {text}"))),
            other => panic!("the last message is nobody's: {other:?}"),
        };
        if said == "hang" {
            self.hangs.notify_one();
            std::future::pending::<()>().await;
        }
        if said == "fail" {
            return Err(broken("the key is wrong"));
        }
        Ok(match said.strip_prefix("call ") {
            Some(tool) => Answer {
                calls: vec![AskedCall {
                    provider_id: "p".to_owned(),
                    name: tool.to_owned(),
                    arguments: "{}".to_owned(),
                }],
                finish: Finish::ToolCalls,
                ..answer("")
            },
            None => answer(&format!("you said: {said}")),
        })
    }
}

fn broken(message: &str) -> ModelError {
    ModelError {
        fault: Fault::Final,
        message: message.to_owned(),
        retry_after_ms: None,
    }
}

fn answer(text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage {
            input_tokens: 1_200,
            cached_tokens: 200,
            output_tokens: 30,
        },
    }
}

/// Asks about doors.
pub(super) struct AskAboutDoors;

impl Policy for AskAboutDoors {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        PolicyDecision {
            effect: if request.tool == "door" {
                PolicyEffect::Ask
            } else {
                PolicyEffect::Allow
            },
            rule: "doors".to_owned(),
            reason: "a door is a door".to_owned(),
        }
    }
}

/// A machine without folders: `/srv` is one, and nothing else.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) undone: AtomicU32,
    pub(super) forgotten: Mutex<Vec<SessionId>>,
}

#[async_trait]
impl Surroundings for Machine {
    async fn session_folder(&self, _session: &SessionId) -> Result<PathBuf, String> {
        Ok("/tmp".into())
    }

    async fn check_folder(&self, named: &str) -> Result<PathBuf, String> {
        if named == "/srv" {
            return Ok(named.into());
        }
        Err("that is no folder".to_owned())
    }

    async fn keep_file(
        &self,
        _folder: &Path,
        _key: &str,
        _name: &str,
        _fetched: &Path,
    ) -> Result<String, String> {
        Err("nothing is kept here".to_owned())
    }

    async fn transcribe(&self, _recording: &Path, _media_type: &str) -> Result<String, Unheard> {
        Err(Unheard::Failed("nothing is heard here".to_owned()))
    }

    async fn undo(
        &self,
        _gateway: &Gateway,
        _session: &SessionId,
        _from: &Address,
        _person: &str,
    ) -> Result<String, String> {
        self.undone.fetch_add(1, Ordering::Relaxed);
        Ok("Undone.".to_owned())
    }

    async fn forget(&self, sessions: &[SessionId]) {
        let mut forgotten = self.forgotten.lock().expect("nobody panics with the lock");
        forgotten.extend_from_slice(sessions);
    }
}
