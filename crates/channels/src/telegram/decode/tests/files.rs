//! What people send along.

use serde_json::{Value, json};

use super::{gallery, private, with};

/// A file, with these fields.
fn file(fields: Value) -> Value {
    with(
        json!({ "file_id": "F", "file_unique_id": "f", "duration": 3 }),
        fields,
    )
}

#[test]
fn what_is_sent_along() {
    let sizes = json!([
        { "file_id": "S", "file_unique_id": "s", "width": 90, "height": 60, "file_size": 1_000 },
        { "file_id": "L", "file_unique_id": "l", "width": 1_280, "height": 960, "file_size": 200_000 },
        { "file_id": "X", "file_unique_id": "x", "width": 9_000, "height": 9_000, "file_size": 30_000_000 },
    ]);
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
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn what_moves_is_sent_along() {
    let shown = gallery([
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
        (
            "something spoken, passed on",
            private(json!({ "voice": file(json!({})),
            "forward_origin": { "type": "hidden_user", "sender_user_name": "Mallory", "date": 1 } })),
        ),
    ]);
    insta::assert_snapshot!(shown);
}
