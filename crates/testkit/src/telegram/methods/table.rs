//! The table of methods: what each takes, what it is, and who carries it out.
//! Invariant: a parameter that the documentation names is here; any other is a mistake of the bot's.
//! It must not know what a method does.

use serde_json::Value;

use super::{Answer, Doing, bot, buttons, edit, files, send};
use crate::telegram::asked::Asked;
use crate::telegram::world::World;

/// A method.
#[derive(Debug)]
pub(in super::super) struct Method {
    /// Its name as the documentation spells it.
    pub(in super::super) name: &'static str,
    /// The parameters that it takes.
    parameters: &'static [&'static str],
    /// Whether it counts for how fast a bot may write.
    pub(in super::super) paced: bool,
    /// What it does.
    pub(in super::super) run: Run,
}

/// What a method does.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Run {
    /// It tells something that is always there to be told.
    Tells(fn(&World) -> Value),
    /// It acts, and may be refused.
    Acts(fn(&mut Doing<'_>) -> Answer),
    /// It waits for updates.
    Polls,
}

/// A plain method.
const fn method(
    name: &'static str,
    parameters: &'static [&'static str],
    run: fn(&mut Doing<'_>) -> Answer,
) -> Method {
    Method {
        name,
        parameters,
        paced: false,
        run: Run::Acts(run),
    }
}

/// A method without parameters that only tells something.
const fn telling(name: &'static str, tell: fn(&World) -> Value) -> Method {
    Method {
        name,
        parameters: &[],
        paced: false,
        run: Run::Tells(tell),
    }
}

/// A method that writes into a chat.
const fn writing(
    name: &'static str,
    parameters: &'static [&'static str],
    run: fn(&mut Doing<'_>) -> Answer,
) -> Method {
    Method {
        paced: true,
        ..method(name, parameters, run)
    }
}

pub(super) const METHODS: [Method; 19] = [
    telling("getMe", bot::get_me),
    Method {
        name: "getUpdates",
        parameters: &["offset", "limit", "timeout", "allowed_updates"],
        paced: false,
        run: Run::Polls,
    },
    telling("getWebhookInfo", bot::webhook_info),
    method(
        "deleteWebhook",
        &["drop_pending_updates"],
        bot::delete_webhook,
    ),
    method(
        "setMyCommands",
        &["commands", "scope", "language_code"],
        bot::set_commands,
    ),
    method(
        "getMyCommands",
        &["scope", "language_code"],
        bot::get_commands,
    ),
    method("getChat", &["chat_id"], bot::get_chat),
    method(
        "sendChatAction",
        &[
            "chat_id",
            "action",
            "message_thread_id",
            "business_connection_id",
        ],
        bot::action,
    ),
    method(
        "setMessageReaction",
        &["chat_id", "message_id", "reaction", "is_big"],
        edit::react,
    ),
    method(
        "answerCallbackQuery",
        &[
            "callback_query_id",
            "text",
            "show_alert",
            "url",
            "cache_time",
        ],
        buttons::answer,
    ),
    writing(
        "sendMessage",
        &[
            "chat_id",
            "text",
            "business_connection_id",
            "message_thread_id",
            "parse_mode",
            "entities",
            "link_preview_options",
            "disable_notification",
            "protect_content",
            "allow_paid_broadcast",
            "message_effect_id",
            "reply_parameters",
            "reply_markup",
        ],
        send::message,
    ),
    method(
        "sendMessageDraft",
        &[
            "chat_id",
            "message_thread_id",
            "draft_id",
            "text",
            "parse_mode",
            "entities",
        ],
        send::draft,
    ),
    writing(
        "sendDocument",
        &[
            "chat_id",
            "document",
            "business_connection_id",
            "message_thread_id",
            "thumbnail",
            "caption",
            "parse_mode",
            "caption_entities",
            "disable_content_type_detection",
            "disable_notification",
            "protect_content",
            "allow_paid_broadcast",
            "message_effect_id",
            "reply_parameters",
            "reply_markup",
        ],
        files::document,
    ),
    writing(
        "sendPhoto",
        &[
            "chat_id",
            "photo",
            "business_connection_id",
            "message_thread_id",
            "caption",
            "parse_mode",
            "caption_entities",
            "show_caption_above_media",
            "has_spoiler",
            "disable_notification",
            "protect_content",
            "allow_paid_broadcast",
            "message_effect_id",
            "reply_parameters",
            "reply_markup",
        ],
        files::photo,
    ),
    method("getFile", &["file_id"], files::get),
    writing(
        "editMessageText",
        &[
            "chat_id",
            "message_id",
            "text",
            "business_connection_id",
            "inline_message_id",
            "parse_mode",
            "entities",
            "link_preview_options",
            "reply_markup",
        ],
        edit::text,
    ),
    writing(
        "editMessageReplyMarkup",
        &[
            "chat_id",
            "message_id",
            "business_connection_id",
            "inline_message_id",
            "reply_markup",
        ],
        edit::buttons,
    ),
    writing(
        "editMessageCaption",
        &[
            "chat_id",
            "message_id",
            "business_connection_id",
            "inline_message_id",
            "caption",
            "parse_mode",
            "caption_entities",
            "show_caption_above_media",
            "reply_markup",
        ],
        edit::caption,
    ),
    method("deleteMessage", &["chat_id", "message_id"], edit::delete),
];

impl Method {
    /// What a call holds that the method does not take.
    pub(in super::super) fn unknown(&self, asked: &Asked) -> Vec<String> {
        asked
            .names()
            .filter(|name| !self.parameters.contains(name))
            .filter(|name| !asked.is_attachment(name))
            .map(|name| format!("{} takes no parameter `{name}`", self.name))
            .collect()
    }
}
