//! What an update says, in Corvid's own words.
//! Invariant: pure, and total: whatever Telegram may send is read, or passed over with a reason. Whoever acts is named
//! by their immutable id; what is no person's is nobody's.
//! It must not know the network, nor what becomes of anything.

mod address;
mod content;
mod incoming;
mod message;
mod pieces;
mod quote;
#[cfg(test)]
mod tests;

use corvid_core::wire::{Address, Millis, Part, QuoteForm};
use corvid_core::{AttachmentKind, Button, Place};
use serde::Deserialize as _;
use serde_json::Value;

use self::incoming::{Callback, Membership, Message, Update};
use super::spot::Spot;
use crate::inert_line;

pub(super) use pieces::Pieces;

/// Who the bot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Its immutable id.
    pub(super) id: i64,
    /// Its name without the `@`.
    pub(super) username: String,
}

/// What an update says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decoded {
    /// Somebody says something.
    Said(Box<Heard>),
    /// Somebody presses a button.
    Pressed(Pressed),
    /// A group goes on under another id.
    Moved {
        /// The old one.
        from: i64,
        /// The new one.
        to: i64,
    },
    /// The bot was thrown out, blocked, let in; for the log, where an owner finds a group's id.
    Standing {
        /// The chat.
        chat: i64,
        /// As what Telegram now knows the bot there: `member`, `kicked`, …
        standing: String,
    },
    /// Nothing that concerns anybody here; why.
    Nothing(&'static str),
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    /// The chat.
    pub(super) chat: i64,
    /// The topic within it.
    pub(super) thread: Option<i32>,
    /// What kind of conversation that is.
    pub(super) place: Place,
    /// As [`corvid_core::Said::external_id`].
    pub(super) external_id: String,
    /// As [`corvid_core::Said::edits`].
    pub(super) edits: Option<String>,
    /// Who.
    pub(super) person: i64,
    /// What they call themselves.
    pub(super) name: String,
    /// What is said, with what it refers to.
    pub(super) parts: Vec<Part>,
    /// What was sent along.
    pub(super) enclosed: Vec<Enclosed>,
    /// As [`corvid_core::Said::together`].
    pub(super) together: Option<String>,
    /// When.
    pub(super) at: Millis,
}

/// Something that was sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Enclosed {
    /// Telegram's id of it, for this bot.
    pub(super) file: String,
    /// The name it should have; untrusted.
    pub(super) name: String,
    /// Its media type; untrusted.
    pub(super) media_type: String,
    /// What it is.
    pub(super) kind: AttachmentKind,
    /// Bytes, as far as it is told.
    pub(super) bytes: Option<u64>,
    /// As [`corvid_core::Attachment::quoted`].
    pub(super) quoted: Option<(QuoteForm, String)>,
}

/// A press of a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pressed {
    /// The press, for its answer.
    pub(super) callback: String,
    /// The chat.
    pub(super) chat: i64,
    /// The topic within it.
    pub(super) thread: Option<i32>,
    /// Who.
    pub(super) person: i64,
    /// Which; none if its data says nothing.
    pub(super) button: Option<Button>,
}

/// Reads an update.
pub(super) fn decode(update: &Value, me: &Identity) -> Decoded {
    let Ok(update) = Update::deserialize(update) else {
        return Decoded::Nothing("it cannot be read");
    };
    match (update.message, update.edited_message, update.callback_query) {
        (Some(message), _, _) => said(&message, me),
        (_, Some(message), _) => edited(&message, me),
        (_, _, Some(callback)) => pressed(callback),
        (None, None, None) => standing(update.my_chat_member),
    }
}

/// A conversation's address.
pub(super) fn origin(account: &str, chat: i64, thread: Option<i32>) -> Address {
    Address {
        channel: super::NAME.to_owned(),
        account: account.to_owned(),
        conversation: Spot { chat, thread }.to_string(),
    }
}

fn said(message: &Message, me: &Identity) -> Decoded {
    if let Some(to) = message.migrate_to_chat_id {
        let from = message.chat.id;
        return Decoded::Moved { from, to };
    }
    if let Some(from) = message.migrate_from_chat_id {
        let to = message.chat.id;
        return Decoded::Moved { from, to };
    }
    message::heard(message, me)
}

/// An edit says the message anew. The edit's moment is a part of its id, so that each is admitted once.
fn edited(message: &Message, me: &Identity) -> Decoded {
    if message.text.is_none() && message.caption.is_none() {
        // A live location moves by edits, for one.
        return Decoded::Nothing("an edit without words");
    }
    match message::heard(message, me) {
        Decoded::Said(mut heard) => {
            let moment = message.edit_date.unwrap_or(message.date);
            let edit = format!("{}:{moment}", heard.external_id);
            heard.edits = Some(std::mem::replace(&mut heard.external_id, edit));
            // What belonged together has been taken up, or waits under the id that is edited.
            heard.together = None;
            Decoded::Said(heard)
        }
        other => other,
    }
}

fn standing(changed: Option<Membership>) -> Decoded {
    changed.map_or(
        Decoded::Nothing("it is of no kind that is read"),
        |changed| Decoded::Standing {
            chat: changed.chat.id,
            standing: inert_line(&changed.new_chat_member.status),
        },
    )
}

fn pressed(callback: Callback) -> Decoded {
    let Some(message) = callback.message else {
        return Decoded::Nothing("a press below a message of nobody here");
    };
    if callback.from.is_bot {
        return Decoded::Nothing("a bot");
    }
    Decoded::Pressed(Pressed {
        chat: message.chat.id,
        thread: message.thread(),
        person: callback.from.id,
        button: callback.data.as_deref().and_then(Button::decode),
        callback: callback.id,
    })
}
