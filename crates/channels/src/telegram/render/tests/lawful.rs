//! Whatever a text holds, its entities keep Telegram's rules, whole and in pieces.

use proptest::prelude::*;
use teloxide_core::types::{MessageEntity, MessageEntityKind};

use super::super::{MESSAGE, Rich, rich};
use crate::split::{Room, fits};

/// What Telegram demands of entities: in bounds, not empty, on characters' borders, nested or apart, nothing in code.
fn lawful(rich: &Rich) -> Result<(), TestCaseError> {
    let units: Vec<u16> = rich.text().encode_utf16().collect();
    let entities = rich.entities();
    let code = |entity: &MessageEntity| {
        matches!(
            entity.kind,
            MessageEntityKind::Pre { .. } | MessageEntityKind::Code
        )
    };
    prop_assert!(entities.len() <= 100);
    for entity in &entities {
        let (start, end) = (entity.offset, entity.offset + entity.length);
        prop_assert!(start < end && end <= units.len());
        for border in [start, end] {
            let low = units
                .get(border)
                .is_some_and(|unit| (0xdc00..0xe000).contains(unit));
            prop_assert!(!low, "a character is cut at {}", border);
        }
    }
    for (index, one) in entities.iter().enumerate() {
        for other in &entities[index + 1..] {
            let (one_end, other_end) = (one.offset + one.length, other.offset + other.length);
            let apart = one_end <= other.offset || other_end <= one.offset;
            let nested = one.offset <= other.offset && other_end <= one_end
                || other.offset <= one.offset && one_end <= other_end;
            prop_assert!(apart || nested, "{:?} {:?}", one, other);
            let (outer, inner) = if one.length >= other.length {
                (one, other)
            } else {
                (other, one)
            };
            prop_assert!(apart || !code(outer), "{:?} in {:?}", inner, outer);
            let both_quotes = [one, other]
                .iter()
                .all(|e| e.kind == MessageEntityKind::Blockquote);
            prop_assert!(apart || !both_quotes);
        }
    }
    Ok(())
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

proptest! {
    #[test]
    fn any_markdown_is_lawful_whole_and_in_pieces(
        source in "([a-c0-2@]{1,4}|[ \n]|\n\n|\\*\\*|\\*|_|~~|`|\n```\n|\n> |\n- |\n1. |\\[|\\]\\(https://x\\.y/\\)|🐦|\\|){0,80}",
        limit in 8_usize..60,
    ) {
        let whole = rich(&source);
        lawful(&whole)?;
        let room = Room { limit, ..MESSAGE };
        let pieces = whole.split_for(room);
        let joined: String = pieces.iter().map(Rich::text).collect();
        prop_assert_eq!(letters(&joined), letters(whole.text()));
        for piece in &pieces {
            prop_assert!(fits(piece.text(), room));
            lawful(piece)?;
        }
    }
}
