//! Telegram as a channel, through the Bot API.
//! Invariant: an update is confirmed only after the inbox has taken what it says; a reply is edited into a message that
//! is known, so that it is never there twice.
//! It must not know the gateway, the journal or the command line.

mod api;
mod ask;
mod decode;
mod files;
mod follow;
mod notes;
mod pace;
mod poll;
mod post;
mod register;
mod render;
#[cfg(test)]
mod scene;
mod spot;
mod whoami;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use corvid_core::wire::{Address, LiveEvent, Question};
use corvid_core::{
    Channel, Clock, DeliverError, Delivery, FollowedTurn, Heard, HeardOutcome, Inbox, ListenError,
    Marks, Messenger, Note, OutcomeQuestion, Questions, Secret, Tasks,
};
use tokio::sync::mpsc;

use self::api::{Api, ApiConfig};
use self::ask::Asker;
use self::post::{Poster, Previews};

pub use whoami::whoami;

/// The channel's name in addresses.
pub const NAME: &str = "telegram";

/// What there is to set.
#[derive(Clone, Debug)]
pub struct TelegramConfig {
    /// The bot's token, as `@BotFather` gives it.
    pub token: Secret,
    /// Another server that speaks the Bot API, e.g. `http://127.0.0.1:8081`; Telegram's own if none.
    pub api_url: Option<String>,
    /// Shows what is being written as a draft instead of a message that is edited, in private chats.
    pub draft_previews: bool,
    /// How long Telegram may wait for an update before it answers that there is none, in seconds; at most 50.
    pub poll_secs: u32,
}

/// One bot.
pub struct Telegram {
    api: Api,
    /// The bot's immutable id.
    account: String,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    /// Name and description of each.
    commands: Vec<(String, String)>,
    poll_secs: u32,
    /// Another program was the last to receive this bot's updates.
    is_contested: AtomicBool,
    poster: Arc<Poster>,
    asker: Asker,
}

impl Telegram {
    /// A bot that offers these commands (name without the slash, and description). Nothing is sent yet.
    ///
    /// # Errors
    /// One sentence that names the setting: the token is none, or the address is.
    pub fn new(
        config: TelegramConfig,
        clock: Arc<dyn Clock>,
        marks: Arc<dyn Marks>,
        tasks: Tasks,
        commands: Vec<(String, String)>,
    ) -> Result<Self, String> {
        let api = Api::new(&ApiConfig {
            token: config.token,
            api_url: config.api_url,
        })?;
        let previews = if config.draft_previews {
            Previews::Drafts
        } else {
            Previews::Edits
        };
        let poster = Arc::new(Poster::new(
            api.clone(),
            Arc::clone(&clock),
            marks,
            tasks.clone(),
            previews,
        ));
        Ok(Self {
            account: api.bot_id().to_owned(),
            api,
            clock,
            tasks,
            commands,
            poll_secs: config.poll_secs.min(50),
            is_contested: AtomicBool::new(false),
            asker: Asker::new(Arc::clone(&poster)),
            poster,
        })
    }

    /// Those conversations that are this bot's.
    fn own(&self, conversations: &[Address]) -> Vec<Address> {
        let own = conversations.iter().filter(|at| self.hosts(at));
        own.cloned().collect()
    }
}

#[async_trait]
impl Channel for Telegram {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hosts(&self, to: &Address) -> bool {
        to.channel == NAME && to.account == self.account
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        self.poster.deliver(delivery).await
    }
}

#[async_trait]
impl Questions for Telegram {
    async fn ask(&self, question: &Question) -> Heard {
        let own = self.own(&question.shown_in);
        self.asker.ask(question, &own).await
    }

    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        let own = self.own(&question.shown_in);
        self.asker.ask_outcome(question, &own).await
    }
}

#[async_trait]
impl Messenger for Telegram {
    fn account(&self) -> &str {
        &self.account
    }

    async fn listen(&self, inbox: Arc<dyn Inbox>) -> ListenError {
        poll::listen(self, inbox).await
    }

    async fn follow(&self, turn: &FollowedTurn, live: mpsc::Receiver<LiveEvent>) {
        self.poster.follow(turn, live).await;
    }

    async fn note(&self, note: &Note) {
        let hosts = |at: &Address| self.hosts(at);
        notes::note(&self.poster, &self.asker, hosts, note).await;
    }
}
