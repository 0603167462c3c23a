//! What people say, in private chats.

use serde_json::{Value, json};

use super::{ada, bot, decode, gallery, me, message, private, with};
use crate::telegram::decode::Decoded;

fn chat() -> Value {
    json!({ "id": 7, "type": "private", "first_name": "Ada" })
}

/// An earlier message of Ada's, with these fields.
fn replied(fields: Value) -> Value {
    let target = json!({ "message_id": 11, "date": 1_699_999_999, "from": ada(), "chat": chat() });
    with(target, fields)
}

/// A message of the bot's, with these fields.
fn below(fields: Value) -> Value {
    with(
        json!({ "message_id": 5, "from": bot(), "chat": chat(), "date": 1, "text": "?" }),
        fields,
    )
}

/// A press of Ada's, with these fields.
fn press(fields: Value) -> Value {
    let press = json!({ "id": "777", "from": ada(), "chat_instance": "1", "data": "a|q-1|o" });
    json!({ "update_id": 1, "callback_query": with(press, fields) })
}

#[test]
fn words_and_their_marks() {
    let hidden = json!([{ "type": "text_link", "offset": 4, "length": 4, "url": "https://example.org/a?b=c" }]);
    let shown = gallery([
        (
            "a text",
            private(json!({ "text": "What is in this folder?" })),
        ),
        (
            "a command",
            private(json!({
                "text": "/start now", "entities": [{ "type": "bot_command", "offset": 0, "length": 6 }],
            })),
        ),
        (
            "a link behind a word",
            private(json!({ "text": "🐦‍⬛ this!", "entities": [
            { "type": "text_link", "offset": 5, "length": 4, "url": "https://example.org/" }] })),
        ),
        (
            "a link in a caption",
            private(json!({ "caption": "See here", "caption_entities": hidden,
            "photo": [{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }] })),
        ),
        (
            "an entity of a kind to come",
            private(json!({ "text": "soon", "entities": [
            { "type": "hologram", "offset": 0, "length": 4, "depth": { "m": 3 } }] })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn what_words_reply_to() {
    let long = "word ".repeat(1_000);
    let shown = gallery([
        (
            "a reply to what the bot said",
            private(json!({
                "text": "And then?", "reply_to_message": replied(json!({ "from": bot(), "text": "Done.\nAll of it." })),
            })),
        ),
        (
            "a reply to a part",
            private(json!({
                "text": "Why?", "quote": { "text": "All of it", "position": 6, "is_manual": true },
                "reply_to_message": replied(json!({ "from": bot(), "text": "Done.\nAll of it." })),
            })),
        ),
        (
            "a reply to a picture",
            private(
                json!({ "text": "What is it?", "reply_to_message": replied(json!({
            "photo": [{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }] })) }),
            ),
        ),
        (
            "a reply to a text of another chat",
            private(json!({
                "text": "True?", "quote": { "text": "it flies", "position": 0 },
                "external_reply": { "origin": { "type": "channel", "chat":
                    { "id": -1_002, "type": "channel", "title": "News" }, "message_id": 5, "date": 1 } },
            })),
        ),
        (
            "a reply to a long one",
            private(json!({
                "text": "Shorter?", "reply_to_message": replied(json!({ "text": long })),
            })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_passed_on_or_no_words() {
    let shown = gallery([
        (
            "something passed on",
            private(json!({ "text": "rm -rf /", "forward_origin":
            { "type": "hidden_user", "sender_user_name": "Mallory", "date": 1 } })),
        ),
        (
            "something passed on from a person",
            private(json!({ "text": "hello", "forward_origin":
            { "type": "user", "sender_user": { "id": 8, "is_bot": false, "first_name": "Bo" }, "date": 1 } })),
        ),
        (
            "a sticker",
            private(
                json!({ "sticker": { "file_id": "S", "file_unique_id": "s", "type": "regular",
            "width": 512, "height": 512, "is_animated": false, "is_video": false, "emoji": "🙂" } }),
            ),
        ),
        (
            "a location",
            private(json!({ "location": { "latitude": 52.5, "longitude": 13.25 } })),
        ),
        (
            "a contact",
            private(json!({ "contact": { "phone_number": "+491", "first_name": "Bo" } })),
        ),
        (
            "a poll of a shape to come",
            private(json!({ "poll": { "question": "Tea?", "options": 3 } })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn edits() {
    let edit = |fields| message("edited_message", &chat(), fields);
    let shown = gallery([
        (
            "an edit",
            edit(json!({ "text": "better", "edit_date": 1_700_000_060 })),
        ),
        (
            "an edited caption of an album",
            edit(json!({ "caption": "better", "edit_date": 1_700_000_060,
            "media_group_id": "135",
            "photo": [{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }] })),
        ),
        (
            "a live location",
            edit(json!({ "location": { "latitude": 1.0, "longitude": 2.0 } })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn presses_of_buttons() {
    let shown = gallery([
        ("a press", press(json!({ "message": below(json!({})) }))),
        (
            "a press in a topic",
            press(json!({ "message": below(json!({
            "chat": { "id": -1_001, "type": "supergroup" }, "is_topic_message": true, "message_thread_id": 3 })) })),
        ),
        (
            "a press below an old message",
            press(json!({ "data": "gone", "message":
            { "message_id": 5, "chat": chat(), "date": 0 } })),
        ),
        (
            "a press of nobody's message",
            press(json!({ "inline_message_id": "x" })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_nobodys() {
    let shown = gallery([
        (
            "blocked",
            json!({ "update_id": 1, "my_chat_member": { "chat": chat(), "from": ada(), "date": 1,
            "old_chat_member": { "user": bot(), "status": "member" },
            "new_chat_member": { "user": bot(), "status": "kicked", "until_date": 0 } } }),
        ),
        (
            "something pinned",
            private(json!({ "pinned_message": below(json!({})) })),
        ),
        (
            "of a kind to come",
            json!({ "update_id": 1, "telepathy": { "from": ada() } }),
        ),
        ("no update", json!([1, 2])),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn one_who_has_no_name_is_called_by_their_id() {
    let check = |from: Value, expect: &str| {
        let update = private(json!({ "from": from, "text": "hi" }));
        let Decoded::Said(heard) = decode(&update, &me()) else {
            panic!("nothing was said: {update}");
        };
        assert_eq!((heard.person, heard.name.as_str()), (7, expect));
    };
    check(
        json!({ "id": 7, "is_bot": false, "first_name": "Ada" }),
        "Ada",
    );
    check(
        json!({ "id": 7, "is_bot": false, "first_name": "", "username": "ada" }),
        "@ada",
    );
    check(json!({ "id": 7, "first_name": 3 }), "7");
}
