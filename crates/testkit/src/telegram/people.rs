//! What people do to the world: they write, change, press, block, move.
//! Invariant: whatever the bot would be told of it, it is told; what is impossible in the app is refused.
//! It must not know what the bot makes of it.

use bytes::Bytes;
use corvid_core::wire::Millis;
use serde_json::{Value, json};

use super::say::{PressButton, Say, SentKind};
use super::text;
use super::world::{
    Kind, Media, MediaKind, Message, Pressed, Standing, StoredFile, World, seconds,
};

/// UTF-16 units of what a person can write in one message.
const LIMIT: usize = 4_096;

/// A person writes. Returns the message's id.
pub(super) fn say(world: &mut World, said: Say, now: Millis) -> Result<i32, String> {
    if text::units(&said.text) > LIMIT {
        return Err(format!(
            "an app cuts a text at {LIMIT} units; say it in pieces"
        ));
    }
    world.person(said.from);
    let chat = world.chat_of(said.chat)?;
    if chat.id < 0 && chat.members.insert(said.from) {
        tracing::debug!(chat = said.chat, person = said.from, "joined by writing");
    }
    if said
        .thread
        .is_some_and(|thread| !chat.topics.contains(&thread))
    {
        return Err(format!("chat {} has no topic {:?}", said.chat, said.thread));
    }
    if let Some(replied) = said.reply_to.filter(|id| chat.message(*id).is_none()) {
        return Err(format!("chat {} has no message {replied}", said.chat));
    }
    if chat.standing == Standing::Kicked && chat.kind == Kind::Private {
        unblock(world, said.chat, now)?;
    }
    let media = said.file.map(|file| {
        let size = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
        let stored = StoredFile {
            name: file.name,
            media_type: file.media_type,
            bytes: Bytes::from(file.bytes),
            size: file.size.unwrap_or(size),
        };
        let kind = match file.kind {
            SentKind::Photo => MediaKind::Photo,
            SentKind::Document => MediaKind::Document,
            SentKind::Voice => MediaKind::Voice,
        };
        let file_id = world.keep_file(stored);
        Media { kind, file_id }
    });
    let origin = said.forwarded.map(|name| {
        json!({ "type": "hidden_user", "sender_user_name": name, "date": seconds(now) - 60 })
    });
    let entities = said.entities.unwrap_or_else(|| text::found(&said.text));
    let message = Message {
        from: Some(said.from),
        at: now,
        thread: said.thread,
        text: said.text,
        entities,
        media,
        reply_to: said.reply_to,
        quote: said.quote,
        origin,
        album: said.album,
        fields: said.fields,
        ..Message::default()
    };
    let id = world.post(said.chat, message);
    tell(world, "message", said.chat, id);
    Ok(id)
}

/// A person changes what they wrote.
pub(super) fn edit(
    world: &mut World,
    (chat, id): (i64, i32),
    text: String,
    now: Millis,
) -> Result<(), String> {
    let message = world.chat_of(chat)?.message_mut(id);
    let message = message
        .filter(|message| message.from.is_some())
        .ok_or_else(|| format!("nobody but the bot wrote message {id} in chat {chat}"))?;
    let entities = text::found(&text);
    message.rewrite(text, entities, now);
    tell(world, "edited_message", chat, id);
    Ok(())
}

/// A person presses a button. Returns the id of the press.
pub(super) fn press(world: &mut World, press: &PressButton, now: Millis) -> Result<String, String> {
    world.person(press.from);
    let PressButton { chat, message, .. } = *press;
    let found = world
        .message(chat, message)
        .ok_or_else(|| format!("chat {chat} has no message {message}"))?;
    let named = |button: &&Value| {
        button["text"] == press.button.as_str() || button["callback_data"] == press.button.as_str()
    };
    let rows = found
        .buttons
        .iter()
        .flat_map(|row| row.as_array().into_iter().flatten());
    let button = rows.into_iter().find(named);
    let data = match button.and_then(|button| button["callback_data"].as_str()) {
        Some(data) => data.to_owned(),
        None if press.stale => press.button.clone(),
        None => {
            let button = &press.button;
            return Err(format!(
                "message {message} in chat {chat} has no button `{button}`"
            ));
        }
    };
    let id = format!("90{}", world.number());
    let pressed = Pressed {
        at: now,
        answer: None,
    };
    world.presses.insert(id.clone(), pressed);
    let told = json!({
        "id": id,
        "from": world.user_value(press.from),
        "message": world.message_value(chat, message, true),
        "chat_instance": format!("{}", chat.unsigned_abs() ^ 0x5eed),
        "data": data,
    });
    world.updates.push("callback_query", told);
    Ok(id)
}

/// A person blocks the bot, or a group throws it out.
pub(super) fn block(world: &mut World, chat: i64, now: Millis) -> Result<(), String> {
    stand(world, chat, Standing::Kicked, now)
}

/// A person lets the bot write again, or a group takes it back.
pub(super) fn unblock(world: &mut World, chat: i64, now: Millis) -> Result<(), String> {
    stand(world, chat, Standing::Member, now)
}

/// A person deletes their account.
pub(super) fn deactivate(world: &mut World, person: i64) -> Result<(), String> {
    world.chat_of(person)?.standing = Standing::Deactivated;
    Ok(())
}

fn stand(world: &mut World, chat: i64, standing: Standing, now: Millis) -> Result<(), String> {
    let changed = world.chat_of(chat)?;
    let before = changed.standing;
    changed.standing = standing;
    let by = if chat > 0 {
        Some(chat)
    } else {
        changed.members.first().copied()
    };
    world.tell_standing(chat, by.unwrap_or_default(), before, now);
    Ok(())
}

/// A group becomes a supergroup under a new id.
pub(super) fn migrate(world: &mut World, from: i64, to: i64, now: Millis) -> Result<(), String> {
    let group = world.chat_of(from)?;
    if group.kind != Kind::Group {
        return Err(format!(
            "chat {from} is no basic group, which alone are upgraded"
        ));
    }
    group.migrated_to = Some(to);
    let upgraded = super::setup::Group {
        title: group.title.clone(),
        ..super::setup::Group::supergroup(to, "", group.members.iter().copied())
    };
    let by = group.members.first().copied();
    world.make_group(&upgraded);
    for (chat, field) in [
        (from, json!({ "migrate_to_chat_id": to })),
        (to, json!({ "migrate_from_chat_id": from })),
    ] {
        let service = Message {
            from: by,
            at: now,
            fields: Some(field),
            ..Message::default()
        };
        let id = world.post(chat, service);
        world.tell_message("message", chat, id);
    }
    Ok(())
}

/// A person deletes a message; bots are not told.
pub(super) fn delete(world: &mut World, chat: i64, id: i32) -> Result<(), String> {
    let message = world.chat_of(chat)?.message_mut(id);
    let message = message.ok_or_else(|| format!("chat {chat} has no message {id}"))?;
    message.deleted = true;
    Ok(())
}

/// Tells the bot of a message, if it may read it.
fn tell(world: &mut World, kind: &'static str, chat: i64, id: i32) {
    let may_read = world.setup.reads_all || chat > 0 || concerns_bot(world, chat, id);
    let gone = world
        .chats
        .get(&chat)
        .is_none_or(|chat| chat.standing != Standing::Member);
    if may_read && !gone {
        world.tell_message(kind, chat, id);
    }
}

/// Whether a message in a group is a command, names the bot, or replies to it.
fn concerns_bot(world: &World, chat: i64, id: i32) -> bool {
    let Some(message) = world.message(chat, id) else {
        return false;
    };
    let replied = message
        .reply_to
        .and_then(|replied| world.message(chat, replied));
    let name = format!("@{}", world.setup.bot_username);
    let command = message.entities.iter().any(|e| e["type"] == "bot_command");
    command || message.text.contains(&name) || replied.is_some_and(|m| m.from.is_none())
}
