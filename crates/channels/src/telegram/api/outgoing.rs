//! Messages on their way to Telegram.
//! Invariant: text is sent as it is, with entities beside it; no markup is parsed over there and no link is looked up.
//! It must not know markdown.

use std::path::Path;

use teloxide_core::payloads::{EditMessageText, SendMessage};
use teloxide_core::payloads::{EditMessageTextSetters as _, SendMessageSetters as _};
use teloxide_core::types::{
    ChatId, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity,
    MessageId, ReplyParameters, ThreadId,
};

/// How a stretch of text looks; offset and length count UTF-16 units.
pub(in super::super) type Entity = MessageEntity;

/// A message on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Outgoing {
    /// The chat.
    pub(in super::super) chat: i64,
    /// The topic within it.
    pub(in super::super) thread: Option<i32>,
    /// The text, at most 4,096 UTF-16 units.
    pub(in super::super) text: String,
    /// How stretches of it look.
    pub(in super::super) entities: Vec<Entity>,
    /// Rows of buttons below it.
    pub(in super::super) buttons: Vec<Vec<Key>>,
    /// It makes no sound.
    pub(in super::super) silent: bool,
    /// The message that it replies to; if that is gone it is sent all the same.
    pub(in super::super) reply_to: Option<i32>,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Key {
    /// What is on it.
    pub(in super::super) text: String,
    /// What comes back when it is pressed; 1 to 64 bytes.
    pub(in super::super) data: String,
}

/// A file on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Document<'a> {
    /// The chat.
    pub(in super::super) chat: i64,
    /// The topic within it.
    pub(in super::super) thread: Option<i32>,
    /// Where the file is.
    pub(in super::super) path: &'a Path,
    /// The name that people see.
    pub(in super::super) name: &'a str,
    /// Text below it, at most 1,024 UTF-16 units; may be empty.
    pub(in super::super) caption: &'a str,
    /// It makes no sound.
    pub(in super::super) silent: bool,
}

/// The call that sends it.
pub(super) fn sent(message: &Outgoing) -> SendMessage {
    let mut payload = SendMessage::new(ChatId(message.chat), &message.text)
        .link_preview_options(no_preview())
        .disable_notification(message.silent);
    if let Some(thread) = message.thread {
        payload = payload.message_thread_id(ThreadId(MessageId(thread)));
    }
    if !message.entities.is_empty() {
        payload = payload.entities(message.entities.iter().cloned());
    }
    if let Some(reply_to) = message.reply_to {
        let reply = ReplyParameters::new(MessageId(reply_to)).allow_sending_without_reply();
        payload = payload.reply_parameters(reply);
    }
    if let Some(keyboard) = keyboard(&message.buttons) {
        payload = payload.reply_markup(keyboard);
    }
    payload
}

/// The call that puts it in the place of a message.
pub(super) fn edited(chat: i64, message: MessageId, to: &Outgoing) -> EditMessageText {
    let mut payload =
        EditMessageText::new(ChatId(chat), message, &to.text).link_preview_options(no_preview());
    if !to.entities.is_empty() {
        payload = payload.entities(to.entities.iter().cloned());
    }
    if let Some(keyboard) = keyboard(&to.buttons) {
        payload = payload.reply_markup(keyboard);
    }
    payload
}

/// Rows of buttons; none if there is none.
pub(super) fn keyboard(buttons: &[Vec<Key>]) -> Option<InlineKeyboardMarkup> {
    let button = |key: &Key| InlineKeyboardButton::callback(&key.text, &key.data);
    let rows: Vec<Vec<InlineKeyboardButton>> = buttons
        .iter()
        .filter(|row| !row.is_empty())
        .map(|row| row.iter().map(button).collect())
        .collect();
    (!rows.is_empty()).then(|| InlineKeyboardMarkup::new(rows))
}

/// A preview is fetched by Telegram's servers before anybody taps the link: an address that a model was talked into
/// writing would carry out whatever it spells.
fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}
