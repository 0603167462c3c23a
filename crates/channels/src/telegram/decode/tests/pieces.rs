//! Albums, and long texts in pieces.

use corvid_core::Place;
use serde_json::{Value, json};

use super::{decode, group, me, private, with};
use crate::telegram::decode::{Decoded, Heard, Pieces};

/// A text of that many characters in message `id`, sent so many seconds after the first.
fn text(id: i32, length: usize, secs: i64) -> Heard {
    let update = private(
        json!({ "message_id": id, "date": 1_700_000_000 + secs, "text": "x".repeat(length) }),
    );
    match decode(&update, &me()) {
        Decoded::Said(heard) => *heard,
        other => panic!("nothing was said: {other:?}"),
    }
}

/// With what each of the messages belongs.
fn check(said: &mut [Heard], expect: &[Option<&str>]) {
    let mut pieces = Pieces::default();
    for heard in &mut *said {
        pieces.join(heard);
    }
    let together: Vec<Option<&str>> = said.iter().map(|heard| heard.together.as_deref()).collect();
    assert_eq!(together, expect);
}

#[test]
fn pieces_belong_with_the_first() {
    let first = Some("paste 7:1");
    check(
        &mut [
            text(1, 4_096, 0),
            text(2, 3_500, 1),
            text(3, 12, 2),
            text(4, 12, 2),
        ],
        &[first, first, first, None],
    );
}

#[test]
fn what_comes_later_is_something_else() {
    check(
        &mut [text(1, 4_096, 0), text(2, 12, 3), text(3, 4_096, 60)],
        &[Some("paste 7:1"), None, Some("paste 7:3")],
    );
}

#[test]
fn other_people_and_other_things_are_no_pieces() {
    let mut other = text(2, 12, 0);
    other.person = 8;
    let mut command = text(3, 1, 0);
    command.parts = vec![corvid_core::wire::Part::text("/stop")];
    check(
        &mut [text(1, 4_096, 0), other, command, text(4, 12, 0)],
        &[Some("paste 7:1"), None, None, None],
    );
}

#[test]
fn of_many_conversations_the_oldest_are_forgotten() {
    let mut pieces = Pieces::default();
    let mut said = |chat, id, length| {
        let mut heard = text(id, length, chat);
        heard.chat = chat;
        pieces.join(&mut heard);
        heard.together.is_some()
    };
    for chat in 0..1_000 {
        assert!(said(chat, 1, 4_096));
    }
    assert!(said(999, 2, 12));
    assert!(!said(0, 2, 12));
}

#[test]
fn whoever_calls_the_bot_calls_it_with_every_piece() {
    let picture = |fields: Value| {
        let photo = json!([{ "file_id": "P", "file_unique_id": "p", "width": 9, "height": 9 }]);
        let message = with(json!({ "media_group_id": "135", "photo": photo }), fields);
        match decode(&group(message), &me()) {
            Decoded::Said(heard) => *heard,
            other => panic!("nothing was said: {other:?}"),
        }
    };
    let called = json!([{ "type": "mention", "offset": 0, "length": 11 }]);
    let mut said = [
        picture(json!({ "media_group_id": "134" })),
        picture(json!({ "caption": "@corvid_bot which one?", "caption_entities": called })),
        picture(json!({})),
        picture(json!({})),
        picture(json!({ "media_group_id": "136" })),
    ];
    let mut pieces = Pieces::default();
    for heard in &mut said {
        pieces.join(heard);
    }
    let places = said.map(|heard| heard.place);
    let addressed = |addressed| Place::Group { addressed };
    assert_eq!(places, [false, true, true, true, false].map(addressed));
}
