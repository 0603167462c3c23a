//! What a message replies to or passes on.
//! Invariant: somebody's words become a quote, never the sender's own words; long ones are clipped.
//! It must not know what the quote is for.

use corvid_core::text::clip;
use corvid_core::wire::{Part, QuoteForm};

use super::incoming::{Chat, Message, Origin};
use super::{Identity, content};

/// As much of a message that is replied to as is given along, in characters.
const QUOTED: usize = 2_000;

/// The message that it replies to, or the part of it that was chosen.
pub(super) fn replied_to(message: &Message, me: &Identity) -> Option<Part> {
    let chosen = message.quote.as_ref().map(|quote| quote.text.clone());
    let (by, whole) = match (target(message), &message.external_reply) {
        (Some(target), _) => (speaker(target, me), said(target)),
        (None, Some(elsewhere)) => (who(&elsewhere.origin), None),
        (None, None) => return None,
    };
    Some(Part::Quote {
        form: QuoteForm::RepliedTo,
        by,
        text: clip(&chosen.or(whole)?, QUOTED, ""),
    })
}

/// The message of the same chat that it replies to. Whatever is said in a topic formally replies to the topic's
/// beginning, which is nothing that anybody said.
pub(super) fn target(message: &Message) -> Option<&Message> {
    let target = message.reply_to_message.as_deref()?;
    let begins_topic =
        target.forum_topic_created.is_some() || message.thread() == Some(target.message_id);
    (!begins_topic).then_some(target)
}

/// What whoever said it at first calls themselves.
pub(super) fn who(origin: &Origin) -> String {
    let chat = || origin.chat.as_ref().or(origin.sender_chat.as_ref());
    if let Some(user) = &origin.sender_user {
        user.name()
    } else if let Some(name) = &origin.sender_user_name {
        name.clone()
    } else {
        chat().map_or_else(|| "somebody".to_owned(), called)
    }
}

/// What whoever says a message calls themselves.
pub(super) fn speaker(message: &Message, me: &Identity) -> String {
    match (&message.sender_chat, &message.from) {
        (_, Some(from)) if from.id == me.id => "you".to_owned(),
        (Some(chat), _) => called(chat),
        (None, Some(from)) => from.name(),
        (None, None) => called(&message.chat),
    }
}

fn called(chat: &Chat) -> String {
    chat.title.clone().unwrap_or_else(|| chat.id.to_string())
}

/// A message's words; what it holds if it has none.
fn said(message: &Message) -> Option<String> {
    let words = message.words();
    if !words.trim().is_empty() {
        return Some(words.to_owned());
    }
    let named = content::enclosed(message);
    match named.first() {
        Some(enclosed) => Some(format!("[a file: {}]", enclosed.name)),
        None => content::described(&message.content),
    }
}
