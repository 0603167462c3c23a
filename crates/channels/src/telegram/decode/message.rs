//! What a message says: who, where, to whom, and what.
//! Invariant: only a person says anything; a message that says nothing is not handed in.
//! It must not know an update's kind.

use corvid_core::Place;
use corvid_core::wire::{Part, QuoteForm};

use super::super::spot::MessageSpot;
use super::incoming::{Message, User};
use super::{Decoded, Enclosed, Heard, Identity, address, content, quote};

impl Message {
    /// The topic, if the message is in one. Replies in groups without topics have a thread as well, which is none.
    pub(super) fn thread(&self) -> Option<i32> {
        self.message_thread_id.filter(|_| self.is_topic_message)
    }

    /// The message's own words, whatever they stand below.
    pub(super) fn words(&self) -> &str {
        let words = self.text.as_deref().or(self.caption.as_deref());
        words.unwrap_or_default()
    }
}

impl User {
    /// What they call themselves.
    pub(super) fn name(&self) -> String {
        let names = [Some(self.first_name.as_str()), self.last_name.as_deref()];
        let names: Vec<&str> = names
            .into_iter()
            .flatten()
            .filter(|n| !n.is_empty())
            .collect();
        match (names.is_empty(), &self.username) {
            (false, _) => names.join(" "),
            (true, Some(username)) => format!("@{username}"),
            (true, None) => self.id.to_string(),
        }
    }
}

/// What a message says to the bot with that identity.
pub(super) fn heard(message: &Message, me: &Identity) -> Decoded {
    let private = match message.chat.kind.as_str() {
        "private" => true,
        "group" | "supergroup" => false,
        _ => return Decoded::Nothing("a channel's post"),
    };
    // Anonymous administrators, channels and what is passed on from a linked channel speak for a chat.
    if message.sender_chat.is_some() {
        return Decoded::Nothing("no person says it");
    }
    let Some(person) = message.from.as_ref().filter(|from| !from.is_bot) else {
        return Decoded::Nothing("no person says it");
    };
    let place = if private {
        Place::Private
    } else {
        let addressed = address::is_addressed(message, me);
        Place::Group { addressed }
    };
    let enclosed = enclosed(message, private, me);
    let parts = parts(message, me);
    if parts.is_empty() && enclosed.is_empty() {
        return Decoded::Nothing("nothing is said");
    }
    Decoded::Said(Box::new(Heard {
        chat: message.chat.id,
        thread: message.thread(),
        place,
        external_id: MessageSpot {
            chat: message.chat.id,
            message: message.message_id,
        }
        .to_string(),
        edits: None,
        person: person.id,
        name: person.name(),
        parts,
        enclosed,
        together: message
            .media_group_id
            .as_ref()
            .map(|album| format!("album {album}")),
        at: message.date.saturating_mul(1_000),
    }))
}

/// What was sent along. In a group that goes for what it replies to as well: nobody but the bot's own people was heard
/// when that was said, and it is what they point at.
fn enclosed(message: &Message, private: bool, me: &Identity) -> Vec<Enclosed> {
    let passed_on = message.forward_origin.as_ref();
    let passed_on = passed_on.map(|origin| (QuoteForm::Forwarded, quote::who(origin)));
    let mut enclosed = of(message, passed_on.as_ref());
    let target = quote::target(message).filter(|_| !private);
    if let Some(target) = target
        && target.from.as_ref().is_none_or(|from| from.id != me.id)
    {
        let by = (QuoteForm::RepliedTo, quote::speaker(target, me));
        enclosed.extend(of(target, Some(&by)));
    }
    enclosed
}

/// What a message holds, as that person's; as the sender's own if it is nobody else's.
fn of(message: &Message, quoted: Option<&(QuoteForm, String)>) -> Vec<Enclosed> {
    let enclosed = content::enclosed(message).into_iter();
    let quoted = enclosed.map(|enclosed| Enclosed {
        quoted: quoted.cloned(),
        ..enclosed
    });
    quoted.collect()
}

/// What it refers to, then what it says.
fn parts(message: &Message, me: &Identity) -> Vec<Part> {
    let own = address::without_calling(message, me);
    let own = match own {
        words if words.trim().is_empty() => content::described(&message.content),
        words => Some(words),
    };
    let said = own.map(|text| match &message.forward_origin {
        Some(origin) => Part::Quote {
            form: QuoteForm::Forwarded,
            by: quote::who(origin),
            text,
        },
        None => Part::Text { text },
    });
    // What it refers to is not said by itself.
    let refers = said.is_some() || !content::enclosed(message).is_empty();
    let replied_to = refers.then(|| quote::replied_to(message, me)).flatten();
    replied_to.into_iter().chain(said).collect()
}
