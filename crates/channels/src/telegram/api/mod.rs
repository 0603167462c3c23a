//! The Bot API as far as Corvid speaks it: one method here is one call there, with Telegram's own types.
//! Invariant: the token is in no error, no log line and no value that is handed out; nothing is tried again and no
//! answer is waited out in here.
//! It must not know what a message is for.

mod fault;
mod files;
mod outgoing;
#[cfg(test)]
mod tests;
mod transport;
mod updates;

use std::sync::Arc;

use corvid_core::Secret;
use serde::{Deserialize, Serialize};
use teloxide_core::payloads::{
    AnswerCallbackQuery, DeleteMessage, DeleteWebhook, EditMessageReplyMarkup, GetMe,
    GetMyCommands, GetWebhookInfo, SendChatAction, SetMessageReaction, SetMyCommands,
};
use teloxide_core::payloads::{
    AnswerCallbackQuerySetters as _, EditMessageReplyMarkupSetters as _,
};
use teloxide_core::payloads::{SendChatActionSetters as _, SetMessageReactionSetters as _};
use teloxide_core::types::{
    BotCommand, CallbackQueryId, ChatAction, ChatId, MessageId, ReactionType, ThreadId, User,
};

pub(super) use fault::Fault;
pub(super) use files::DownloadError;
pub(super) use outgoing::{Document, Key, Outgoing};

use outgoing::{edited, keyboard, sent};
use transport::{Answered, Patience, Transport};

/// Where the Bot API is, and who speaks to it.
pub(super) struct ApiConfig {
    /// The bot's token.
    pub(super) token: Secret,
    /// Another server that speaks the Bot API, e.g. `http://127.0.0.1:8081`; Telegram's own if none.
    pub(super) api_url: Option<String>,
}

/// A client of the Bot API for one bot; cheaply cloned. It connects when it is first used.
#[derive(Clone)]
pub(super) struct Api {
    transport: Arc<Transport>,
}

/// What is passed over in an answer whose content says nothing.
type Ignored = serde::de::IgnoredAny;

impl Api {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// One sentence: the token is none, or the address is.
    pub(super) fn new(config: &ApiConfig) -> Result<Self, String> {
        Ok(Self {
            transport: Arc::new(Transport::new(config)?),
        })
    }

    /// The bot's immutable id, which is the token's part before the colon.
    pub(super) fn bot_id(&self) -> &str {
        self.transport.bot_id()
    }

    /// Who the bot is.
    pub(super) async fn me(&self) -> Answered<User> {
        self.transport.call(&GetMe::new()).await
    }

    /// Whether updates go to a webhook, which keeps them from being polled.
    pub(super) async fn has_webhook(&self) -> Answered<bool> {
        let webhook: Webhook = self.transport.call(&GetWebhookInfo::new()).await?;
        Ok(!webhook.url.is_empty())
    }

    /// Takes the webhook away. What waits for it is kept, and polled from then on.
    pub(super) async fn drop_webhook(&self) -> Answered<()> {
        self.transport
            .call(&DeleteWebhook::new())
            .await
            .map(|Ignored {}| ())
    }

    /// The commands that are offered to everybody: name and description.
    pub(super) async fn commands(&self) -> Answered<Vec<(String, String)>> {
        let commands: Vec<BotCommand> = self.transport.call(&GetMyCommands::new()).await?;
        let named = commands.into_iter();
        Ok(named.map(|c| (c.command, c.description)).collect())
    }

    /// Offers these commands: name without the slash, and description.
    pub(super) async fn register(&self, commands: &[(String, String)]) -> Answered<()> {
        let commands = commands
            .iter()
            .map(|(name, description)| BotCommand::new(name, description));
        let payload = SetMyCommands::new(commands);
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Sends a message.
    pub(super) async fn send(&self, message: &Outgoing) -> Answered<MessageId> {
        self.transport.call(&sent(message)).await
    }

    /// Gives a message another text and other buttons; who has it sees no notification.
    pub(super) async fn edit(&self, chat: i64, message: MessageId, to: &Outgoing) -> Answered<()> {
        let payload = edited(chat, message, to);
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Gives a message other buttons; none takes them off.
    pub(super) async fn edit_buttons(
        &self,
        chat: i64,
        message: MessageId,
        buttons: &[Vec<Key>],
    ) -> Answered<()> {
        let mut payload = EditMessageReplyMarkup::new(ChatId(chat), message);
        if let Some(keyboard) = keyboard(buttons) {
            payload = payload.reply_markup(keyboard);
        }
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Deletes a message.
    pub(super) async fn delete(&self, chat: i64, message: MessageId) -> Answered<()> {
        let payload = DeleteMessage::new(ChatId(chat), message);
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Shows for about five seconds that the bot is writing.
    pub(super) async fn typing(&self, chat: i64, thread: Option<i32>) -> Answered<()> {
        let mut payload = SendChatAction::new(ChatId(chat), ChatAction::Typing);
        if let Some(thread) = thread {
            payload = payload.message_thread_id(ThreadId(MessageId(thread)));
        }
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Reacts to a message with one emoji, in place of an earlier reaction.
    pub(super) async fn react(&self, chat: i64, message: MessageId, emoji: &str) -> Answered<()> {
        let reaction = ReactionType::Emoji {
            emoji: emoji.to_owned(),
        };
        let payload = SetMessageReaction::new(ChatId(chat), message).reaction([reaction]);
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Ends the waiting of who pressed a button, and shows them a text of at most 200 characters if it is not empty.
    pub(super) async fn answer_press(&self, callback: &str, toast: &str) -> Answered<()> {
        let mut payload = AnswerCallbackQuery::new(CallbackQueryId(callback.to_owned()));
        if !toast.is_empty() {
            payload = payload.text(toast.chars().take(200).collect::<String>());
        }
        self.transport.call(&payload).await.map(|Ignored {}| ())
    }

    /// Shows a text that is being written, in a private chat. The same `draft` (not 0) is the same text going on.
    pub(super) async fn draft(
        &self,
        chat: i64,
        thread: Option<i32>,
        draft: i64,
        text: &str,
    ) -> Answered<()> {
        let body = Draft {
            chat_id: chat,
            message_thread_id: thread,
            number: draft,
            text,
        };
        self.transport
            .call_named("sendMessageDraft", &body, Patience::CALL)
            .await
            .map(|Ignored {}| ())
    }
}

/// As much of a webhook as matters. The crate's own type cannot be read once another program has asked for updates of
/// a kind that is younger.
#[derive(Deserialize)]
struct Webhook {
    #[serde(default)]
    url: String,
}

/// `sendMessageDraft`, which is younger than the types.
#[derive(Serialize)]
struct Draft<'a> {
    chat_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i32>,
    #[serde(rename = "draft_id")]
    number: i64,
    text: &'a str,
}
