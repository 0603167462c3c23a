//! Which chat, message and thread a call is about, and whether the bot may write there.
//! Invariant: whatever writes goes through here, so that a blocked bot reaches nobody.
//! It must not know what is written.

use super::Doing;
use crate::telegram::refusal::Refusal;
use crate::telegram::world::{Chat, Kind, Standing};

impl Doing<'_> {
    /// The chat that the call names.
    pub(super) fn chat(&mut self) -> Result<&mut Chat, Refusal> {
        let name = self.asked.text("chat_id");
        if name.is_empty() {
            return Err(Refusal::bad("chat_id is empty"));
        }
        let id = self.asked.integer("chat_id");
        let known = id.and_then(|id| self.world.chats.get_mut(&id));
        known.ok_or_else(|| Refusal::bad("chat not found"))
    }

    /// The chat that the call names, if the bot may write there.
    pub(super) fn open_chat(&mut self) -> Result<&mut Chat, Refusal> {
        let chat = self.chat()?;
        if let Some(to) = chat.migrated_to {
            return Err(Refusal::migrated(to));
        }
        let group = match chat.kind {
            Kind::Private => None,
            Kind::Group => Some("group"),
            Kind::Supergroup { .. } => Some("supergroup"),
        };
        match (chat.standing, group) {
            (Standing::Member, _) => Ok(chat),
            (Standing::Kicked, None) => Err(Refusal::forbidden("bot was blocked by the user")),
            (_, None) => Err(Refusal::forbidden("user is deactivated")),
            (Standing::Kicked, Some(kind)) => Err(Refusal::forbidden(&format!(
                "bot was kicked from the {kind} chat"
            ))),
            (_, Some(_)) => Err(Refusal::forbidden("the group chat was deleted")),
        }
    }

    /// The thread that the call names in an open chat.
    pub(super) fn thread(&mut self) -> Result<Option<i32>, Refusal> {
        let named = self.asked.integer("message_thread_id");
        let Some(thread) = named.filter(|thread| *thread != 0) else {
            return Ok(None);
        };
        let thread = i32::try_from(thread).unwrap_or_default();
        let chat = self.open_chat()?;
        // The general topic has no thread of its own to write to.
        if chat.is_forum() && chat.topics.contains(&thread) {
            Ok(Some(thread))
        } else {
            Err(Refusal::bad("message thread not found"))
        }
    }

    /// The id of the message that the call names.
    pub(super) fn message_id(&self) -> Result<i32, Refusal> {
        let id = self.asked.integer("message_id");
        id.and_then(|id| i32::try_from(id).ok())
            .filter(|id| *id != 0)
            .ok_or_else(|| Refusal::bad("message identifier is not specified"))
    }

    /// The message that the call replies to, and the words of it that it quotes.
    pub(super) fn reply(&mut self) -> Result<Option<(i32, Option<String>)>, Refusal> {
        let Some(reply) = self.asked.structure("reply_parameters")? else {
            return Ok(None);
        };
        let id = reply["message_id"].as_i64();
        let id = id.and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        let Some(replied) = self.chat()?.message(id) else {
            return if reply["allow_sending_without_reply"] == true {
                Ok(None)
            } else {
                Err(Refusal::bad("message to be replied not found"))
            };
        };
        let quote = reply["quote"].as_str().filter(|quote| !quote.is_empty());
        if quote.is_some_and(|quote| !replied.text.contains(quote)) {
            return Err(Refusal::bad("QUOTE_TEXT_INVALID"));
        }
        Ok(Some((id, quote.map(str::to_owned))))
    }
}
