//! The shapes in which the protocol tells of people, chats, messages and files.
//! Invariant: a field that has nothing to say is left out, as the real server leaves it out.
//! It must not know why something is told.

use corvid_core::wire::Millis;
use serde_json::{Value, json};

use super::World;
use super::chat::{Chat, Kind, MediaKind, Message, StoredFile};

/// A time in seconds, as the protocol tells it.
pub(in super::super) fn seconds(at: Millis) -> i64 {
    at.div_euclid(1_000)
}

impl World {
    /// The bot as a user.
    pub(in super::super) fn bot_value(&self) -> Value {
        json!({
            "id": self.setup.bot_id(),
            "is_bot": true,
            "first_name": self.setup.bot_name,
            "username": self.setup.bot_username,
        })
    }

    /// A person.
    pub(in super::super) fn user_value(&self, id: i64) -> Value {
        let mut user = json!({ "id": id, "is_bot": false, "first_name": "" });
        if let Some(person) = self.people.get(&id) {
            user["first_name"] = json!(person.first_name);
            fill(&mut user, "last_name", person.last_name.as_ref());
            fill(&mut user, "username", person.username.as_ref());
            fill(&mut user, "language_code", person.language.as_ref());
        }
        user
    }

    /// A chat.
    pub(in super::super) fn chat_value(&self, id: i64) -> Value {
        let Some(chat) = self.chats.get(&id) else {
            return Value::Null;
        };
        match chat.kind {
            Kind::Private => {
                let mut value = json!({ "id": id, "type": "private" });
                let user = self.user_value(id);
                for name in ["first_name", "last_name", "username"] {
                    fill(&mut value, name, user.get(name));
                }
                value
            }
            Kind::Group => json!({
                "id": id,
                "type": "group",
                "title": chat.title,
                "all_members_are_administrators": true,
            }),
            Kind::Supergroup { forum } => {
                let mut value = json!({ "id": id, "type": "supergroup", "title": chat.title });
                if forum {
                    value["is_forum"] = json!(true);
                }
                value
            }
        }
    }

    /// A message; with the message that it replies to, if so asked.
    pub(in super::super) fn message_value(&self, chat: i64, id: i32, with_reply: bool) -> Value {
        let Some(home) = self.chats.get(&chat) else {
            return Value::Null;
        };
        let Some(message) = home.message(id) else {
            return Value::Null;
        };
        let from = message
            .from
            .map_or_else(|| self.bot_value(), |from| self.user_value(from));
        let mut value = json!({
            "message_id": id,
            "from": from,
            "chat": self.chat_value(chat),
            "date": seconds(message.at),
        });
        let edited = message.edited_at.map(seconds);
        fill(&mut value, "edit_date", edited.as_ref());
        self.fill_place(&mut value, home, message, with_reply);
        self.fill_content(&mut value, message);
        if let Some(Value::Object(fields)) = &message.fields {
            for (name, field) in fields {
                value[name] = field.clone();
            }
        }
        value
    }

    /// Where a message stands: its thread, what it replies to, where it comes from.
    fn fill_place(&self, value: &mut Value, home: &Chat, message: &Message, with_reply: bool) {
        fill(value, "message_thread_id", message.thread.as_ref());
        if message.in_topic {
            value["is_topic_message"] = json!(true);
        }
        fill(value, "forward_origin", message.origin.as_ref());
        fill(value, "media_group_id", message.album.as_ref());
        let replied = message.reply_to.filter(|_| with_reply);
        if let Some(replied) = replied.filter(|id| home.message(*id).is_some()) {
            value["reply_to_message"] = self.message_value(home.id, replied, false);
            if let Some(quote) = &message.quote {
                value["quote"] = json!({ "text": quote, "position": 0, "is_manual": true });
            }
        }
    }

    fn fill_content(&self, value: &mut Value, message: &Message) {
        let (text, entities) = match &message.media {
            None => ("text", "entities"),
            Some(media) => {
                let file = self.files.get(&media.file_id);
                if let Some((name, told)) =
                    file.map(|file| media_value(media.kind, &media.file_id, file))
                {
                    value[name] = told;
                }
                ("caption", "caption_entities")
            }
        };
        if !message.text.is_empty() {
            value[text] = json!(message.text);
        }
        if !message.entities.is_empty() {
            value[entities] = json!(message.entities);
        }
        if !message.buttons.is_empty() {
            value["reply_markup"] = json!({ "inline_keyboard": message.buttons });
        }
    }
}

/// A file within a message, and the field that it stands in.
fn media_value(kind: MediaKind, id: &str, file: &StoredFile) -> (&'static str, Value) {
    let mut value = json!({
        "file_id": id,
        "file_unique_id": format!("unique-{id}"),
        "file_size": file.size,
    });
    match kind {
        MediaKind::Photo => {
            let mut small = value.clone();
            (value["width"], value["height"]) = (json!(1280), json!(960));
            (small["width"], small["height"]) = (json!(90), json!(67));
            small["file_size"] = json!(file.size.min(1_500));
            ("photo", json!([small, value]))
        }
        MediaKind::Document => {
            value["file_name"] = json!(file.name);
            value["mime_type"] = json!(file.media_type);
            ("document", value)
        }
        MediaKind::Voice => {
            value["duration"] = json!(3);
            value["mime_type"] = json!(file.media_type);
            ("voice", value)
        }
    }
}

fn fill<T: serde::Serialize>(value: &mut Value, name: &str, field: Option<&T>) {
    if let Some(field) = field {
        value[name] = json!(field);
    }
}
