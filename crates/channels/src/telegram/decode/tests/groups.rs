//! Groups, topics, and what is no person's.

use serde_json::{Value, json};

use super::{ada, bot, gallery, group, message, with};

fn entity(kind: &str, offset: usize, length: usize) -> Value {
    json!([{ "type": kind, "offset": offset, "length": length }])
}

/// A message of the bot's in the group, with these fields.
fn target(fields: Value) -> Value {
    let chat = json!({ "id": -1_001, "type": "supergroup", "title": "The engine" });
    with(
        json!({ "message_id": 11, "date": 1, "from": bot(), "chat": chat }),
        fields,
    )
}

#[test]
fn who_is_called() {
    let mention_by_name =
        json!([{ "type": "text_mention", "offset": 4, "length": 6, "user": bot() }]);
    let shown = gallery([
        ("to everybody", group(json!({ "text": "hello all" }))),
        (
            "what looks like a mention",
            group(json!({ "text": "@corvid_bot hello" })),
        ),
        (
            "a mention",
            group(json!({ "text": "@Corvid_Bot, hello", "entities": entity("mention", 0, 11) })),
        ),
        (
            "a mention behind an emoji",
            group(json!({
            "text": "🐦 @corvid_bot?", "entities": entity("mention", 3, 11) })),
        ),
        (
            "a mention and no more",
            group(json!({
            "text": "@corvid_bot", "entities": entity("mention", 0, 11) })),
        ),
        (
            "a mention of a longer name",
            group(json!({
            "text": "@corvid_bot2 hi", "entities": entity("mention", 0, 12) })),
        ),
        (
            "a mention that ends in the middle of a character",
            group(json!({
            "text": "🐦@corvid_bot", "entities": entity("mention", 1, 12) })),
        ),
        (
            "a mention without a user name",
            group(json!({ "text": "Hey Corvid!", "entities": mention_by_name })),
        ),
        (
            "a mention in a caption",
            group(json!({ "caption": "@corvid_bot what is it?",
            "caption_entities": entity("mention", 0, 11),
            "photo": [{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }] })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn who_is_given_a_command_or_an_answer() {
    let shown = gallery([
        (
            "a command",
            group(json!({ "text": "/status", "entities": entity("bot_command", 0, 7) })),
        ),
        (
            "a command of this bot",
            group(json!({
            "text": "/model@corvid_bot a/b", "entities": entity("bot_command", 0, 17) })),
        ),
        (
            "a command of another bot, in reply to this one",
            group(json!({
            "text": "/status@other_bot", "entities": entity("bot_command", 0, 17),
            "reply_to_message": target(json!({ "text": "Done." })) })),
        ),
        (
            "a reply to the bot",
            group(json!({
            "text": "more", "reply_to_message": target(json!({ "text": "Done." })) })),
        ),
        (
            "a mention that is passed on",
            group(
                json!({ "text": "@corvid_bot hi", "entities": entity("mention", 0, 11),
                "forward_origin": { "type": "hidden_user", "sender_user_name": "Mallory", "date": 1 } }),
            ),
        ),
        (
            "a picture that the bot is asked about",
            group(
                json!({ "text": "@corvid_bot what is it?", "entities": entity("mention", 0, 11),
                "reply_to_message": target(json!({ "from": ada(),
                    "photo": [{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }] })) }),
            ),
        ),
        (
            "a reply to somebody",
            group(json!({
            "text": "more", "reply_to_message": target(json!({ "from": ada(), "text": "Mine." })) })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn where_it_is_said() {
    let created = json!({ "name": "Engine", "icon_color": 7_322_096 });
    let shown = gallery([
        (
            "in a topic that the bot made",
            group(json!({
            "text": "hello", "is_topic_message": true, "message_thread_id": 3,
            "reply_to_message": target(json!({ "message_id": 3, "forum_topic_created": created })) })),
        ),
        (
            "in a topic, whose beginning is gone",
            group(json!({
            "text": "hello", "is_topic_message": true, "message_thread_id": 3,
            "reply_to_message": target(json!({ "message_id": 3 })) })),
        ),
        (
            "a reply to the bot in a topic",
            group(json!({
            "text": "more", "is_topic_message": true, "message_thread_id": 3,
            "reply_to_message": target(json!({ "text": "Done." })) })),
        ),
        (
            "in a thread that is no topic",
            group(json!({
            "text": "more", "message_thread_id": 11, "reply_to_message": target(json!({ "text": "Done." })) })),
        ),
        (
            "the beginning of a topic",
            group(json!({ "forum_topic_created": created })),
        ),
        (
            "a group that became a greater one",
            message(
                "message",
                &json!({ "id": -55, "type": "group", "title": "The engine" }),
                json!({ "migrate_to_chat_id": -1_001 }),
            ),
        ),
        (
            "a greater group that was another one",
            group(json!({ "migrate_from_chat_id": -55 })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_no_persons() {
    let channel = || json!({ "id": -1_002, "type": "channel", "title": "News" });
    let shown = gallery([
        (
            "an anonymous administrator",
            group(json!({ "text": "/stop",
            "sender_chat": { "id": -1_001, "type": "supergroup" },
            "from": { "id": 1_087_968_824, "is_bot": true, "first_name": "Group" } })),
        ),
        (
            "somebody as a channel",
            group(json!({ "text": "hi", "sender_chat": channel(),
            "from": { "id": 136_817_688, "is_bot": true, "first_name": "Channel" } })),
        ),
        (
            "a linked channel's post",
            group(json!({ "text": "hi", "sender_chat": channel(),
            "is_automatic_forward": true, "from": { "id": 777_000, "is_bot": false, "first_name": "Telegram" } })),
        ),
        (
            "another bot",
            group(
                json!({ "text": "@corvid_bot hi", "entities": entity("mention", 0, 11),
            "from": { "id": 9, "is_bot": true, "first_name": "B" } }),
            ),
        ),
        (
            "a channel",
            message("message", &channel(), json!({ "text": "news" })),
        ),
        (
            "a channel's post",
            message("channel_post", &channel(), json!({ "text": "news" })),
        ),
        ("nobody", group(json!({ "text": "hi", "from": null }))),
        (
            "a new member",
            group(json!({ "new_chat_members": [ada()] })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}
