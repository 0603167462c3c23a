//! Messages that are changed: their text, their buttons, reactions to them, their end.
//! Invariant: a change that changes nothing is refused as such.
//! It must not know how a message came to be.

use corvid_core::wire::Millis;
use serde_json::Value;

use super::{Answer, Doing, done};
use crate::telegram::refusal::Refusal;
use crate::telegram::text::{self, CAPTION_LIMIT, TEXT_LIMIT, Worded};
use crate::telegram::world::Message;

/// How long messages of others can be deleted, in milliseconds.
const DELETABLE: Millis = 48 * 3_600 * 1_000;

/// What a bot may react with.
const REACTIONS: &str = "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ \
    🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 \
    🤷‍♂ 🤷 🤷‍♀ 😡";

/// `editMessageText`.
pub(super) fn text(doing: &mut Doing<'_>) -> Answer {
    let (worded, buttons) = (doing.worded("text", "entities")?, doing.buttons()?);
    if worded.text.is_empty() {
        return Err(Refusal::bad("message text is empty"));
    }
    if text::units(&worded.text) > TEXT_LIMIT {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    if doing.own_message()?.media.is_some() {
        return Err(Refusal::bad("there is no text in the message to edit"));
    }
    rewrite(doing, worded, buttons)
}

/// `editMessageCaption`.
pub(super) fn caption(doing: &mut Doing<'_>) -> Answer {
    let (worded, buttons) = (
        doing.worded("caption", "caption_entities")?,
        doing.buttons()?,
    );
    if text::units(&worded.text) > CAPTION_LIMIT {
        return Err(Refusal::bad("message caption is too long"));
    }
    if doing.own_message()?.media.is_none() {
        return Err(Refusal::bad("there is no caption in the message to edit"));
    }
    rewrite(doing, worded, buttons)
}

/// `editMessageReplyMarkup`.
pub(super) fn buttons(doing: &mut Doing<'_>) -> Answer {
    let (buttons, now) = (doing.buttons()?, doing.now);
    let message = doing.own_message()?;
    if message.buttons == buttons {
        return Err(unchanged());
    }
    message.buttons = buttons;
    message.edited_at = Some(now);
    doing.changed()
}

/// `deleteMessage`.
pub(super) fn delete(doing: &mut Doing<'_>) -> Answer {
    let (id, now) = (doing.message_id()?, doing.now);
    let chat = doing.open_chat()?;
    let group = chat.id < 0;
    let Some(message) = chat.message_mut(id) else {
        return Err(Refusal::bad("message to delete not found"));
    };
    let foreign = message.from.is_some();
    if foreign && (group || now - message.at > DELETABLE) {
        return Err(Refusal::bad("message can't be deleted for everyone"));
    }
    message.deleted = true;
    Ok(done())
}

/// `setMessageReaction`.
pub(super) fn react(doing: &mut Doing<'_>) -> Answer {
    let id = doing.message_id()?;
    let given = doing.asked.structure("reaction")?.unwrap_or_default();
    let given: Vec<&Value> = given.as_array().into_iter().flatten().collect();
    let known = |emoji: &str| REACTIONS.split(' ').any(|known| known == emoji);
    let emojis = given.iter().map(|reaction| {
        let emoji = reaction["emoji"].as_str().unwrap_or_default();
        let good = reaction["type"] == "emoji" && known(emoji);
        good.then(|| emoji.to_owned())
            .ok_or_else(|| Refusal::bad("REACTION_INVALID"))
    });
    let emojis: Vec<String> = emojis.collect::<Result<_, _>>()?;
    if emojis.len() > 1 {
        return Err(Refusal::bad("REACTIONS_TOO_MANY"));
    }
    let message = doing.open_chat()?.message_mut(id);
    let message = message.ok_or_else(|| Refusal::bad("message to react not found"))?;
    message.reactions = emojis;
    Ok(done())
}

fn rewrite(doing: &mut Doing<'_>, worded: Worded, buttons: Vec<Value>) -> Answer {
    let now = doing.now;
    let message = doing.own_message()?;
    let same = message.text == worded.text
        && message.entities == worded.entities
        && message.buttons == buttons;
    if same {
        return Err(unchanged());
    }
    message.rewrite(worded.text, worded.entities, now);
    // An edit without a keyboard takes the keyboard away.
    message.buttons = buttons;
    doing.changed()
}

fn unchanged() -> Refusal {
    Refusal::bad(
        "message is not modified: specified new message content and reply markup are exactly the same \
         as a current content and reply markup of the message",
    )
}

impl Doing<'_> {
    /// The bot's own message that the call names.
    fn own_message(&mut self) -> Result<&mut Message, Refusal> {
        let id = self.message_id()?;
        let message = self.open_chat()?.message_mut(id);
        let message = message.ok_or_else(|| Refusal::bad("message to edit not found"))?;
        if message.from.is_some() {
            return Err(Refusal::bad("message can't be edited"));
        }
        Ok(message)
    }

    /// The message that the call has changed.
    fn changed(&mut self) -> Answer {
        let (id, chat) = (self.message_id()?, self.open_chat()?.id);
        Ok(self.world.message_value(chat, id, true))
    }
}
