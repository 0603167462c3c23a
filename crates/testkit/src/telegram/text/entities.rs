//! Entities that a bot gives, checked as the server checks them.
//! Invariant: offsets and lengths are UTF-16 units and never split a character.
//! It must not know parse modes.

use serde_json::Value;

use super::{Worded, units};
use crate::telegram::refusal::Refusal;

/// Types that a bot may give.
const TYPES: [&str; 12] = [
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
];

/// Types that the server finds by itself; given ones are ignored.
const FOUND: [&str; 7] = [
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
];

/// Checks given entities against their text.
pub(super) fn checked(
    text: &str,
    given: Vec<Value>,
    faults: &mut Vec<String>,
) -> Result<Worded, Refusal> {
    let mut entities = Vec::with_capacity(given.len());
    for entity in given {
        let kind = entity["type"].as_str().unwrap_or_default();
        if FOUND.contains(&kind) {
            faults.push(format!(
                "an entity of type `{kind}` is ignored by the server"
            ));
            continue;
        }
        if !TYPES.contains(&kind) {
            return Err(Refusal::bad(
                "can't parse MessageEntity: Unsupported type specified",
            ));
        }
        let (Some(offset), Some(length)) = (entity["offset"].as_i64(), entity["length"].as_i64())
        else {
            return Err(Refusal::bad(
                "can't parse MessageEntity: Field \"offset\" must be a valid Number",
            ));
        };
        check_bounds(text, offset, length)?;
        check_link(&entity, kind)?;
        if length == 0 {
            faults.push(format!(
                "an empty entity of type `{kind}` is dropped by the server"
            ));
        } else {
            entities.push(entity);
        }
    }
    // The server sorts them: what begins earlier first, of those the longer one.
    entities.sort_by_key(|entity| {
        let (begin, end) = span(entity);
        (begin, std::cmp::Reverse(end))
    });
    faults.extend(overlaps(&entities));
    Ok(Worded {
        text: text.to_owned(),
        entities,
    })
}

fn check_bounds(text: &str, offset: i64, length: i64) -> Result<(), Refusal> {
    let most = 1_000_000;
    if !(0..=most).contains(&offset) {
        let why = format!("receive an entity with incorrect offset {offset}");
        return Err(Refusal::bad(why));
    }
    if !(0..=most).contains(&length) {
        let why = format!("receive an entity with incorrect length {length}");
        return Err(Refusal::bad(why));
    }
    let all = i64::try_from(units(text)).unwrap_or(i64::MAX);
    if offset > all || (offset == all && length > 0) {
        return Err(Refusal::bad(format!(
            "entity begins after the end of the text at UTF-16 offset {offset}"
        )));
    }
    let end = offset + length;
    if end > all {
        return Err(Refusal::bad(format!(
            "entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 \
             offset {end}"
        )));
    }
    if let Err(at) = byte_offset(text, offset) {
        return Err(Refusal::bad(format!(
            "entity begins in a middle of a UTF-16 symbol at byte offset {at}"
        )));
    }
    if let Err(at) = byte_offset(text, end) {
        return Err(Refusal::bad(format!(
            "entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol at byte \
             offset {at}"
        )));
    }
    Ok(())
}

fn check_link(entity: &Value, kind: &str) -> Result<(), Refusal> {
    let url = entity["url"].as_str().unwrap_or_default();
    if kind == "text_link"
        && !(url.contains('.') || url.starts_with("tg:") || url.starts_with("mailto:"))
    {
        return Err(Refusal::bad(format!(
            "entity URL '{url}' is invalid: Wrong HTTP URL"
        )));
    }
    Ok(())
}

/// The byte at which a UTF-16 offset lies; the byte after the character that it would split.
fn byte_offset(text: &str, offset: i64) -> Result<usize, usize> {
    let mut passed = 0;
    for (at, character) in text.char_indices() {
        if passed == offset {
            return Ok(at);
        }
        if passed > offset {
            return Err(at);
        }
        passed += i64::try_from(character.len_utf16()).unwrap_or(1);
    }
    if passed > offset {
        Err(text.len())
    } else {
        Ok(text.len())
    }
}

/// What the server would cut apart: entities that cross, and formatting inside code.
fn overlaps(entities: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, outer) in entities.iter().enumerate() {
        for inner in &entities[index + 1..] {
            let ((_, outer_end), (begin, end)) = (span(outer), span(inner));
            if begin >= outer_end {
                break;
            }
            let name = |entity: &Value| entity["type"].as_str().unwrap_or_default().to_owned();
            let (outer, inner) = (name(outer), name(inner));
            if end > outer_end {
                faults.push(format!(
                    "a `{inner}` entity crosses the end of a `{outer}` one"
                ));
            } else if ["pre", "code"].contains(&outer.as_str())
                || (inner == "pre" || inner == "code") && !outer.ends_with("blockquote")
            {
                faults.push(format!("a `{inner}` entity lies within a `{outer}` one"));
            }
        }
    }
    faults
}

/// Begin and end of an entity.
pub(super) fn span(entity: &Value) -> (i64, i64) {
    let offset = entity["offset"].as_i64().unwrap_or_default();
    (
        offset,
        offset + entity["length"].as_i64().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entity(kind: &str, offset: i64, length: i64) -> Value {
        json!({ "type": kind, "offset": offset, "length": length })
    }

    fn refused(text: &str, given: Value) -> String {
        let refusal = checked(text, vec![given], &mut Vec::new());
        refusal
            .err()
            .map(|refusal| refusal.description)
            .unwrap_or_default()
    }

    #[test]
    fn bounds_are_utf16_units_and_split_nothing() {
        let check = |given: Value, expect: &str| assert_eq!(refused("a🐦b", given), expect);
        check(entity("bold", 1, 2), "");
        check(entity("bold", 3, 1), "");
        check(
            entity("bold", 0, 9),
            "Bad Request: entity beginning at UTF-16 offset 0 ends after the end of the text at \
             UTF-16 offset 9",
        );
        check(
            entity("bold", 2, 2),
            "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 5",
        );
        check(
            entity("bold", 0, 2),
            "Bad Request: entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol \
             at byte offset 5",
        );
        check(
            entity("loud", 0, 1),
            "Bad Request: can't parse MessageEntity: Unsupported type specified",
        );
    }

    #[test]
    fn what_the_server_would_mend_is_a_fault() {
        let check = |given: Vec<Value>, expect: &[&str]| {
            let mut faults = Vec::new();
            assert!(checked("abcdef", given, &mut faults).is_ok());
            assert_eq!(faults, expect);
        };
        check(vec![entity("bold", 0, 4), entity("italic", 0, 2)], &[]);
        check(
            vec![entity("bold", 0, 3), entity("italic", 2, 3)],
            &["a `italic` entity crosses the end of a `bold` one"],
        );
        check(
            vec![entity("pre", 0, 4), entity("bold", 1, 2)],
            &["a `bold` entity lies within a `pre` one"],
        );
        check(
            vec![entity("url", 0, 1)],
            &["an entity of type `url` is ignored by the server"],
        );
    }
}
