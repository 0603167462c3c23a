//! What a person sees when they look at a chat.
//! Invariant: what is deleted is not seen; a sound is heard when a message comes, never when it is changed.
//! It must not know calls.

use corvid_core::wire::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::world::{Chat, Message, World};

/// A chat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenChat {
    /// Its id.
    pub id: i64,
    /// Its messages, the oldest first.
    pub messages: Vec<SeenMessage>,
    /// Messages that were there and have been deleted.
    pub deleted: Vec<SeenMessage>,
    /// What the bot is just doing there: `typing`; over when its next message comes.
    pub action: Option<String>,
    /// When it said so.
    pub action_at: Option<Millis>,
    /// What streams in before it becomes a message, the newest draft last.
    pub drafts: Vec<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenMessage {
    /// Its id in the chat.
    pub id: i32,
    /// Who wrote it; none for the bot.
    pub from: Option<i64>,
    /// When, by the server's clock.
    pub at: Millis,
    /// When it was last changed.
    pub edited_at: Option<Millis>,
    /// Its topic or thread.
    pub thread: Option<i32>,
    /// The text, or the caption of what was sent.
    pub text: String,
    /// Its entities, as the protocol spells them.
    pub entities: Vec<Value>,
    /// Its buttons, row by row.
    pub buttons: Vec<Vec<SeenButton>>,
    /// The message that it replies to.
    pub reply_to: Option<i32>,
    /// Whether it came without a sound.
    pub silent: bool,
    /// The bot's reactions to it.
    pub reactions: Vec<String>,
    /// The file that came with it.
    pub file: Option<SeenFile>,
    /// All texts it has had, the newest last.
    pub history: Vec<String>,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenButton {
    /// What stands on it.
    pub text: String,
    /// Its data; empty if it has none.
    pub data: String,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// The server's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a person is shown for a press.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAnswer {
    /// The text; empty if only the waiting ends.
    pub text: String,
    /// Whether it must be dismissed.
    pub alert: bool,
}

impl SeenChat {
    /// What the bot has written, the oldest first.
    pub fn by_bot(&self) -> impl Iterator<Item = &SeenMessage> {
        self.messages
            .iter()
            .filter(|message| message.from.is_none())
    }

    /// The texts of what the bot has written.
    pub fn bot_texts(&self) -> Vec<&str> {
        self.by_bot().map(|message| message.text.as_str()).collect()
    }

    /// How often the bot made a sound, with messages that are gone too.
    pub fn sounds(&self) -> usize {
        let all = self.messages.iter().chain(&self.deleted);
        all.filter(|message| message.from.is_none() && !message.silent)
            .count()
    }

    /// The message of this id.
    pub fn message(&self, id: i32) -> Option<&SeenMessage> {
        self.messages.iter().find(|message| message.id == id)
    }

    pub(super) fn of(world: &World, chat: &Chat) -> Self {
        let (deleted, messages) = chat.messages().partition::<Vec<_>, _>(|m| m.deleted);
        let see = |messages: Vec<&Message>| {
            messages
                .into_iter()
                .map(|message| SeenMessage::of(world, message))
                .collect()
        };
        Self {
            id: chat.id,
            messages: see(messages),
            deleted: see(deleted),
            action: chat.action.as_ref().map(|(action, _)| action.clone()),
            action_at: chat.action.as_ref().map(|(_, at)| *at),
            drafts: chat.drafts.values().cloned().collect(),
        }
    }
}

impl SeenMessage {
    /// The data of the button with this text.
    pub fn button(&self, text: &str) -> Option<&str> {
        let mut buttons = self.buttons.iter().flatten();
        let found = buttons.find(|button| button.text == text)?;
        Some(&found.data)
    }

    fn of(world: &World, message: &Message) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let button = |button: &Value| SeenButton {
            text: text(&button["text"]),
            data: text(&button["callback_data"]),
        };
        let row = |row: &Value| row.as_array().into_iter().flatten().map(button).collect();
        let file = message.media.as_ref().and_then(|media| {
            let file = world.files.get(&media.file_id)?;
            Some(SeenFile {
                id: media.file_id.clone(),
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                bytes: file.bytes.to_vec(),
            })
        });
        Self {
            id: message.id,
            from: message.from,
            at: message.at,
            edited_at: message.edited_at,
            thread: message.thread,
            text: message.text.clone(),
            entities: message.entities.clone(),
            buttons: message.buttons.iter().map(row).collect(),
            reply_to: message.reply_to,
            silent: message.silent,
            reactions: message.reactions.clone(),
            file,
            history: message.history.clone(),
        }
    }
}
