//! Decoding, over updates in the shapes of the Bot API's documentation.

mod files;
mod groups;
mod laws;
mod messages;
mod pieces;

use corvid_core::Place;
use corvid_core::wire::{Part, QuoteForm};
use serde_json::{Value, json};

use super::{Decoded, Heard, Identity, decode};

/// The bot of these tests.
fn me() -> Identity {
    Identity {
        id: 4242,
        username: "corvid_bot".to_owned(),
    }
}

fn ada() -> Value {
    json!({ "id": 7, "is_bot": false, "first_name": "Ada", "last_name": "Byron", "language_code": "en" })
}

fn bot() -> Value {
    json!({ "id": 4242, "is_bot": true, "first_name": "Corvid", "username": "corvid_bot" })
}

/// A message of Ada's in her private chat, with these fields.
fn private(fields: Value) -> Value {
    let chat = json!({ "id": 7, "type": "private", "first_name": "Ada" });
    message("message", &chat, fields)
}

/// A message of Ada's in a group, with these fields.
fn group(fields: Value) -> Value {
    let chat =
        json!({ "id": -1_001, "type": "supergroup", "title": "The engine", "is_forum": true });
    message("message", &chat, fields)
}

fn message(kind: &str, chat: &Value, fields: Value) -> Value {
    let message = json!({ "message_id": 12, "from": ada(), "chat": chat, "date": 1_700_000_000 });
    json!({ "update_id": 99, kind: with(message, fields) })
}

/// An object with more fields, or others.
fn with(mut object: Value, fields: Value) -> Value {
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields);
    }
    object
}

/// What an update says, on a few lines for a snapshot.
fn shown(update: &Value) -> String {
    match decode(update, &me()) {
        Decoded::Said(heard) => said(&heard),
        Decoded::Pressed(pressed) => format!("{pressed:?}"),
        other => format!("{other:?}"),
    }
}

fn said(heard: &Heard) -> String {
    let place = match heard.place {
        Place::Private => "privately",
        Place::Group { addressed: true } => "in a group, to the bot",
        Place::Group { addressed: false } => "in a group",
    };
    let thread = heard
        .thread
        .map(|thread| format!("/{thread}"))
        .unwrap_or_default();
    let mut lines = vec![format!(
        "{} ({}) {place} at {}{thread}, {}",
        heard.person, heard.name, heard.chat, heard.external_id
    )];
    lines.extend(heard.edits.iter().map(|id| format!("  edits {id}")));
    lines.extend(
        heard
            .together
            .iter()
            .map(|key| format!("  together: {key}")),
    );
    lines.extend(heard.parts.iter().map(|part| match part {
        Part::Text { text } => format!("  says {text:?}"),
        Part::Quote { form, by, text } => {
            let form = match form {
                QuoteForm::RepliedTo => "replies to",
                QuoteForm::Forwarded => "forwards from",
            };
            format!("  {form} {by:?}: {text:?}")
        }
        Part::File { path, .. } => format!("  has {path}"),
    }));
    lines.extend(heard.enclosed.iter().map(|file| {
        let whose = file.quoted.as_ref();
        let whose = whose.map_or_else(String::new, |(form, by)| format!(", {form:?} {by:?}"));
        format!(
            "  sends {:?} {} ({}, {:?} bytes) as {}{whose}",
            file.kind, file.name, file.media_type, file.bytes, file.file
        )
    }));
    lines.join("\n")
}

/// Many updates, each with a word on what it is, for one snapshot.
fn gallery(updates: impl IntoIterator<Item = (&'static str, Value)>) -> String {
    let shown = updates
        .into_iter()
        .map(|(what, update)| format!("{what}\n  → {}", shown(&update)));
    shown.collect::<Vec<_>>().join("\n\n")
}
