//! What a bot asks and says of itself: who it is, its commands, its webhook, what it is just doing.
//! Invariant: none of it makes a message.
//! It must not know messages.

use serde_json::{Value, json};

use super::{Answer, Doing, done};
use crate::telegram::refusal::Refusal;
use crate::telegram::world::{Kind, World};

/// What a bot may be doing.
const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// `getMe`.
pub(super) fn get_me(world: &World) -> Value {
    let mut me = world.bot_value();
    for (name, can) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", world.setup.reads_all),
        ("supports_inline_queries", false),
        ("can_connect_to_business", false),
        ("has_main_web_app", false),
    ] {
        me[name] = json!(can);
    }
    me
}

/// `getWebhookInfo`.
pub(super) fn webhook_info(world: &World) -> Value {
    let url = if world.webhook {
        "https://webhook.example/"
    } else {
        ""
    };
    json!({
        "url": url,
        "has_custom_certificate": false,
        "pending_update_count": world.updates.pending(),
    })
}

/// `deleteWebhook`.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the table holds it as one that may be refused"
)]
pub(super) fn delete_webhook(doing: &mut Doing<'_>) -> Answer {
    doing.world.webhook = false;
    if doing.asked.flag("drop_pending_updates") {
        doing.world.updates.clear();
    }
    Ok(done())
}

/// `setMyCommands`.
pub(super) fn set_commands(doing: &mut Doing<'_>) -> Answer {
    let commands = doing.asked.structure("commands")?;
    let Some(Value::Array(list)) = &commands else {
        return Err(Refusal::bad("can't parse commands JSON object"));
    };
    if list.len() > 100 {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        let name = command["command"].as_str().unwrap_or_default();
        let name = name.strip_prefix('/').unwrap_or(name);
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if description.is_empty() || description.chars().count() > 256 {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    let key = commands_key(doing)?;
    doing.world.commands.insert(key, json!(list));
    Ok(done())
}

/// `getMyCommands`.
pub(super) fn get_commands(doing: &mut Doing<'_>) -> Answer {
    let key = commands_key(doing)?;
    let commands = doing.world.commands.get(&key);
    Ok(commands.cloned().unwrap_or_else(|| json!([])))
}

/// `getChat`.
pub(super) fn get_chat(doing: &mut Doing<'_>) -> Answer {
    let chat = doing.open_chat()?;
    let (id, kind) = (chat.id, chat.kind);
    let mut value = doing.world.chat_value(id);
    value["accent_color_id"] = json!(1);
    value["max_reaction_count"] = json!(11);
    value["accepted_gift_types"] = json!({
        "unlimited_gifts": false,
        "limited_gifts": false,
        "unique_gifts": false,
        "premium_subscription": false,
    });
    if kind != Kind::Private {
        value["permissions"] = json!({ "can_send_messages": true });
    }
    Ok(value)
}

/// `sendChatAction`.
pub(super) fn action(doing: &mut Doing<'_>) -> Answer {
    doing.thread()?;
    let (action, now) = (doing.asked.text("action"), doing.now);
    let chat = doing.open_chat()?;
    if !ACTIONS.contains(&action.as_str()) {
        return Err(Refusal::bad("wrong parameter action in request"));
    }
    chat.action = Some((action, now));
    Ok(done())
}

fn commands_key(doing: &Doing<'_>) -> Result<String, Refusal> {
    let scope = doing.asked.structure("scope")?;
    let scope = scope.unwrap_or_else(|| json!({ "type": "default" }));
    Ok(format!("{scope} {}", doing.asked.text("language_code")))
}
