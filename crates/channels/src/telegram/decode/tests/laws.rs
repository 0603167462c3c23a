//! What holds for whatever may come.

use corvid_core::wire::Part;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{ada, bot, decode, group, me};
use crate::telegram::decode::Decoded;

/// Any value, with the names of real fields among its keys.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("private")),
        Just(ada()),
        Just(bot()),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "message",
            "edited_message",
            "callback_query",
            "my_chat_member",
            "message_id",
            "chat",
            "id",
            "type",
            "date",
            "from",
            "text",
            "entities",
            "caption",
            "caption_entities",
            "offset",
            "length",
            "url",
            "user",
            "reply_to_message",
            "quote",
            "external_reply",
            "origin",
            "forward_origin",
            "photo",
            "document",
            "voice",
            "file_id",
            "file_size",
            "sticker",
            "poll",
            "data",
            "message_thread_id",
            "is_topic_message",
            "new_chat_member",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,8}",
    ]
}

/// Fields of a message's that are no id, of any shape.
fn fields() -> impl Strategy<Value = Value> {
    let beside = prop::sample::select(vec![
        "entities",
        "reply_to_message",
        "quote",
        "external_reply",
        "forward_origin",
        "photo",
        "document",
        "voice",
        "sticker",
        "media_group_id",
        "edit_date",
        "message_thread_id",
        "is_topic_message",
        "link_preview_options",
        "via_bot",
        "effect_id",
        "story",
        "poll",
        "venue",
        "giveaway",
    ]);
    prop::collection::vec((beside.prop_map(str::to_owned), anything()), 0..6)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn entities() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "mention",
        "bot_command",
        "text_link",
        "text_mention",
        "bold",
    ]);
    let entity = (
        kind,
        0..40_usize,
        prop_oneof![0..40_usize, Just(usize::MAX)],
    );
    let entity = entity.prop_map(|(kind, offset, length)| {
        json!({ "type": kind, "offset": offset, "length": length, "url": "https://example.org", "user": bot() })
    });
    prop::collection::vec(entity, 0..4).prop_map(Value::from)
}

proptest! {
    #[test]
    fn nothing_that_comes_panics(update in anything()) {
        decode(&update, &me());
    }

    #[test]
    fn words_are_never_lost_for_what_stands_beside_them(text in "[a-z🐦\u{301}]{1,20}", mut fields in fields()) {
        fields["text"] = json!(text);
        let Decoded::Said(heard) = decode(&group(fields), &me()) else {
            panic!("nothing was said");
        };
        let said = heard.parts.iter().any(|part| match part {
            Part::Text { text: said } | Part::Quote { text: said, .. } => *said == text,
            Part::File { .. } => false,
        });
        prop_assert!(said, "{:?}", heard.parts);
    }

    #[test]
    fn entities_that_stand_anywhere_are_read(text in "[/@a-z🐦 \u{301}]{0,30}", entities in entities()) {
        let update = group(json!({ "text": text, "entities": entities }));
        decode(&update, &me());
    }
}
