//! Telegram as a channel, through the Bot API.
//! Invariant: an update is confirmed only after the inbox has taken what it says; a reply is edited into a message that
//! is known, so that it is never there twice.
//! It must not know the gateway, the journal or the command line.

mod api;
mod decode;
mod files;
mod pace;
mod poll;
mod register;
mod render;
mod spot;

use std::sync::Arc;

use corvid_core::{Clock, Marks, Secret, Tasks};

use self::api::{Api, ApiConfig};
use self::pace::Pacer;

/// The channel's name in addresses.
pub const NAME: &str = "telegram";

/// What there is to set.
#[derive(Clone, Debug)]
pub struct TelegramConfig {
    /// The bot's token, as @BotFather gives it.
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
    marks: Arc<dyn Marks>,
    tasks: Tasks,
    pacer: Pacer,
    /// Name and description of each.
    commands: Vec<(String, String)>,
    draft_previews: bool,
    poll_secs: u32,
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
        Ok(Self {
            account: api.bot_id().to_owned(),
            api,
            pacer: Pacer::new(Arc::clone(&clock)),
            clock,
            marks,
            tasks,
            commands,
            draft_previews: config.draft_previews,
            poll_secs: config.poll_secs.min(50),
        })
    }
}
