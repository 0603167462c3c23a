//! What people say, in private chats.

use serde_json::{Value, json};

use super::{ada, bot, decode, gallery, me, message, private};
use crate::telegram::decode::Decoded;

fn replied(fields: Value) -> Value {
    let mut target = json!({
        "message_id": 11, "date": 1_699_999_999, "from": ada(),
        "chat": { "id": 7, "type": "private", "first_name": "Ada" },
    });
    if let (Value::Object(target), Value::Object(fields)) = (&mut target, fields) {
        target.extend(fields);
    }
    target
}

#[test]
fn words_and_what_they_refer_to() {
    let long = "word ".repeat(1_000);
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
fn what_is_sent_along() {
    let sizes = json!([
        { "file_id": "S", "file_unique_id": "s", "width": 90, "height": 60, "file_size": 1_000 },
        { "file_id": "L", "file_unique_id": "l", "width": 1_280, "height": 960, "file_size": 200_000 },
        { "file_id": "X", "file_unique_id": "x", "width": 9_000, "height": 9_000, "file_size": 30_000_000 },
    ]);
    let file = |fields: Value| {
        let mut file = json!({ "file_id": "F", "file_unique_id": "f", "duration": 3 });
        if let (Value::Object(file), Value::Object(fields)) = (&mut file, fields) {
            file.extend(fields);
        }
        file
    };
    let shown = gallery([
        (
            "a picture",
            private(json!({ "photo": sizes, "caption": "look", "media_group_id": "135" })),
        ),
        (
            "a document",
            private(json!({ "document": file(json!({
            "file_name": "notes.pdf", "mime_type": "application/pdf", "file_size": 31_000_000 })) })),
        ),
        (
            "a picture as a document",
            private(json!({ "document": file(json!({
            "file_name": "a.png", "mime_type": "image/png" })) })),
        ),
        (
            "a document of no media type",
            private(json!({ "document": file(json!({ "mime_type": "" })) })),
        ),
        (
            "something spoken",
            private(json!({ "voice": file(json!({ "mime_type": "audio/ogg", "file_size": 9 })) })),
        ),
        (
            "something spoken, without a media type",
            private(json!({ "voice": file(json!({})) })),
        ),
        (
            "music",
            private(
                json!({ "audio": file(json!({ "file_name": "a.mp3", "mime_type": "audio/mpeg" })) }),
            ),
        ),
        (
            "a video",
            private(json!({ "video": file(json!({ "width": 1, "height": 1 })), "caption": "see" })),
        ),
        (
            "a round video",
            private(json!({ "video_note": file(json!({ "length": 240 })) })),
        ),
        (
            "what moves, and is a document too",
            private(json!({
            "animation": file(json!({ "file_name": "a.gif.mp4", "mime_type": "video/mp4" })),
            "document": file(json!({ "file_name": "a.gif.mp4", "mime_type": "video/mp4" })) })),
        ),
        (
            "a file passed on",
            private(
                json!({ "document": file(json!({ "file_name": "x.sh" })), "caption": "run it",
            "forward_origin": { "type": "hidden_user", "sender_user_name": "Mallory", "date": 1 } }),
            ),
        ),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn edits_presses_and_what_is_nobodys() {
    let chat = || json!({ "id": 7, "type": "private", "first_name": "Ada" });
    let edit = |fields| message("edited_message", &chat(), fields);
    let below = |fields: Value| {
        let mut below =
            json!({ "message_id": 5, "from": bot(), "chat": chat(), "date": 1, "text": "?" });
        if let (Value::Object(below), Value::Object(fields)) = (&mut below, fields) {
            below.extend(fields);
        }
        below
    };
    let press = |fields: Value| {
        let mut press =
            json!({ "id": "777", "from": ada(), "chat_instance": "1", "data": "a|q-1|o" });
        if let (Value::Object(press), Value::Object(fields)) = (&mut press, fields) {
            press.extend(fields);
        }
        json!({ "update_id": 1, "callback_query": press })
    };
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
