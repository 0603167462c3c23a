//! Updates in the shapes of the Bot API, as far as they are read.
//! Invariant: only ids, the date and the chat have to be there. Whatever else is missing, of a newer kind or of another
//! shape reads as absent, so that a message is never lost for something beside its text. (The crate's own types are
//! stricter: a reply to a text in another chat, a voice without a media type or an entity of a new kind costs them the
//! whole message.)
//! It must not know what an update means.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An update.
#[derive(Debug, Deserialize)]
pub(super) struct Update {
    pub(super) message: Option<Box<Message>>,
    pub(super) edited_message: Option<Box<Message>>,
    pub(super) callback_query: Option<Callback>,
    pub(super) my_chat_member: Option<Membership>,
}

/// The bot's standing in a chat has changed.
#[derive(Debug, Deserialize)]
pub(super) struct Membership {
    pub(super) chat: Chat,
    pub(super) new_chat_member: Member,
}

/// A standing in a chat.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) status: String,
}

/// A message.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the Bot API's")]
pub(super) struct Message {
    pub(super) message_id: i32,
    pub(super) chat: Chat,
    pub(super) date: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) edit_date: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message_thread_id: Option<i32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) is_topic_message: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) from: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) entities: Entities,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) caption: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) caption_entities: Entities,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) reply_to_message: Option<Box<Message>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) quote: Option<TextQuote>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) external_reply: Option<ExternalReply>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) forward_origin: Option<Origin>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) media_group_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) forum_topic_created: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) migrate_to_chat_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) migrate_from_chat_id: Option<i64>,
    #[serde(flatten)]
    pub(super) content: Content,
}

/// What a message holds beside text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Content {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) photo: Vec<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) document: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) animation: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) audio: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) video: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) video_note: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) voice: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sticker: Option<Sticker>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) dice: Option<Dice>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) location: Option<Location>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) venue: Option<Venue>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) contact: Option<Contact>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) poll: Option<Poll>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) checklist: Option<Titled>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) game: Option<Titled>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) story: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) paid_media: Option<Value>,
}

/// A chat.
#[derive(Debug, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    /// `private`, `group`, `supergroup` or `channel`.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) title: Option<String>,
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) is_bot: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) first_name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) username: Option<String>,
}

/// Stretches of a text; offsets and lengths count UTF-16 units.
pub(super) type Entities = Vec<Entity>;

/// A stretch of a text that is more than text.
#[derive(Debug, Deserialize)]
pub(super) struct Entity {
    /// `mention`, `bot_command`, `text_link`, …
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) offset: usize,
    pub(super) length: usize,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
}

/// The part of a message that was chosen to be replied to.
#[derive(Debug, Deserialize)]
pub(super) struct TextQuote {
    pub(super) text: String,
}

/// The message of another chat that is replied to.
#[derive(Debug, Deserialize)]
pub(super) struct ExternalReply {
    pub(super) origin: Origin,
}

/// Who said at first what is passed on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Origin {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_user_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) chat: Option<Chat>,
}

/// A file, as all kinds of them have it.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the Bot API's")]
pub(super) struct File {
    pub(super) file_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) file_size: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) file_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) mime_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) width: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) height: u64,
}

/// A sticker.
#[derive(Debug, Deserialize)]
pub(super) struct Sticker {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) emoji: Option<String>,
}

/// An animated emoji with a random value.
#[derive(Debug, Deserialize)]
pub(super) struct Dice {
    pub(super) emoji: String,
    pub(super) value: i64,
}

/// A place on the earth, in degrees.
#[derive(Debug, Deserialize)]
pub(super) struct Location {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

/// A place with a name.
#[derive(Debug, Deserialize)]
pub(super) struct Venue {
    pub(super) title: String,
    pub(super) address: String,
}

/// Somebody's telephone number.
#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) first_name: String,
    pub(super) phone_number: String,
}

/// A poll.
#[derive(Debug, Deserialize)]
pub(super) struct Poll {
    pub(super) question: String,
}

/// Something with a title.
#[derive(Debug, Deserialize)]
pub(super) struct Titled {
    pub(super) title: String,
}

/// A press of a button.
#[derive(Debug, Deserialize)]
pub(super) struct Callback {
    pub(super) id: String,
    pub(super) from: User,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message: Option<Box<Message>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) data: Option<String>,
}

/// Reads what has another shape than expected as absent.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}
