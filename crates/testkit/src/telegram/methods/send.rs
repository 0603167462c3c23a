//! New messages, and drafts of messages.
//! Invariant: a message is posted only when everything about it was found good.
//! It must not know files.

use serde_json::Value;

use super::{Answer, Doing, done};
use crate::telegram::refusal::Refusal;
use crate::telegram::text::{self, TEXT_LIMIT, Worded};
use crate::telegram::world::{Kind, Message};

/// `sendMessage`.
pub(super) fn message(doing: &mut Doing<'_>) -> Answer {
    let mut message = doing.draft_message()?;
    let Worded { text, entities } = doing.worded("text", "entities")?;
    if text.is_empty() {
        return Err(Refusal::bad("message text is empty"));
    }
    if text::units(&text) > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    (message.text, message.entities) = (text, entities);
    doing.post(message)
}

/// `sendMessageDraft`.
pub(super) fn draft(doing: &mut Doing<'_>) -> Answer {
    doing.thread()?;
    if doing.open_chat()?.kind != Kind::Private {
        return Err(Refusal::bad("PEER_ID_INVALID"));
    }
    let id = doing.asked.integer("draft_id").filter(|id| *id != 0);
    let id = id.ok_or_else(|| Refusal::bad("RANDOM_ID_EMPTY"))?;
    let worded = doing.worded("text", "entities")?;
    if text::units(&worded.text) > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    doing.open_chat()?.drafts.insert(id, worded.text);
    Ok(done())
}

impl Doing<'_> {
    /// A message by the bot without its content: where it goes and how.
    pub(super) fn draft_message(&mut self) -> Result<Message, Refusal> {
        self.open_chat()?;
        let thread = self.thread()?;
        let reply = self.reply()?;
        Ok(Message {
            at: self.now,
            thread,
            buttons: self.buttons()?,
            silent: self.asked.flag("disable_notification"),
            reply_to: reply.as_ref().map(|(id, _)| *id),
            quote: reply.and_then(|(_, quote)| quote),
            ..Message::default()
        })
    }

    /// The words of a call, parsed and checked; what the server would mend is a fault.
    pub(super) fn worded(&mut self, text: &str, entities: &str) -> Result<Worded, Refusal> {
        let given = match self.asked.structure(entities)? {
            Some(Value::Array(entities)) => entities,
            _ => Vec::new(),
        };
        let mode = self.asked.text("parse_mode");
        text::worded(&self.asked.text(text), &mode, given, &mut self.faults)
    }

    /// Posts a message that is good.
    pub(super) fn post(&mut self, message: Message) -> Answer {
        let chat = self.open_chat()?;
        let id = chat.id;
        chat.drafts.clear();
        chat.action = None;
        let posted = self.world.post(id, message);
        Ok(self.world.message_value(id, posted, true))
    }
}
