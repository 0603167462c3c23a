//! The Bot API's methods: what each takes, and what it does to the world.
//! Invariant: a call does all of what it says or nothing; a refusal leaves the world as it was.
//! It must not know HTTP, nor that a call may be lost.

mod bot;
mod buttons;
mod edit;
mod files;
mod send;
mod target;

use corvid_core::wire::Millis;
use serde_json::{Value, json};

use super::asked::Asked;
use super::refusal::Refusal;
use super::world::World;

/// One call on its way.
#[derive(Debug)]
pub(super) struct Doing<'a> {
    /// What it acts on.
    pub(super) world: &'a mut World,
    /// What was asked.
    pub(super) asked: &'a Asked,
    /// When.
    pub(super) now: Millis,
    /// What a well-behaved bot would not have sent.
    pub(super) faults: Vec<String>,
}

type Answer = Result<Value, Refusal>;

/// A method.
#[derive(Debug)]
pub(super) struct Method {
    /// Its name as the documentation spells it.
    pub(super) name: &'static str,
    /// The parameters that it takes.
    parameters: &'static [&'static str],
    /// Whether it counts for how fast a bot may write.
    pub(super) paced: bool,
    run: fn(&mut Doing<'_>) -> Answer,
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
        run,
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

const METHODS: [Method; 19] = [
    method("getMe", &[], bot::get_me),
    // Polls wait, so that they are served elsewhere.
    method(
        "getUpdates",
        &["offset", "limit", "timeout", "allowed_updates"],
        bot::nothing,
    ),
    method("getWebhookInfo", &[], bot::webhook_info),
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

/// The method of this name, whose letters may be large or small.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS
        .iter()
        .find(|method| method.name.eq_ignore_ascii_case(name))
}

impl Method {
    /// What a call holds that the method does not take.
    pub(super) fn unknown(&self, asked: &Asked) -> Vec<String> {
        asked
            .names()
            .filter(|name| !self.parameters.contains(name))
            .filter(|name| !asked.is_attachment(name))
            .map(|name| format!("{} takes no parameter `{name}`", self.name))
            .collect()
    }

    /// Acts on a call.
    ///
    /// # Errors
    /// As the real server says it.
    pub(super) fn run(&self, doing: &mut Doing<'_>) -> Answer {
        (self.run)(doing)
    }
}

/// Done.
fn done() -> Answer {
    Ok(json!(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_spelled() {
        assert_eq!(
            find("SendMessage").map(|method| method.name),
            Some("sendMessage")
        );
        assert!(find("sendMessages").is_none());
    }
}
