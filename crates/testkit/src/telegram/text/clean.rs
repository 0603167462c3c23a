//! Text as it is stored: without control characters and without white space around it, its entities moved along.
//! Invariant: an entity still covers the same characters, as far as they are kept.
//! It must not know where the text came from.

use serde_json::{Value, json};

use super::entities::span;
use super::{Worded, units};

/// Text as it is stored: without control characters, and without white space around it.
pub(super) fn cleaned(worded: Worded) -> Worded {
    let Worded { text, mut entities } = worded;
    let mut kept = String::with_capacity(text.len());
    let mut removed = Vec::new();
    let mut at = 0_i64;
    for character in text.chars() {
        match character {
            '\n' => kept.push('\n'),
            '\r' | '\u{2028}'..='\u{202e}' | '\u{30a}' | '\u{333}' | '\u{33f}' => removed.push(at),
            '\0'..=' ' => kept.push(' '),
            _ => kept.push(character),
        }
        at += i64::try_from(character.len_utf16()).unwrap_or(1);
    }
    let earlier = |at: i64| {
        let count = removed.iter().filter(|removed| **removed < at).count();
        at - i64::try_from(count).unwrap_or(0)
    };
    for entity in &mut entities {
        let (begin, end) = span(entity);
        set_span(entity, earlier(begin), earlier(end));
    }
    let spaces = [' ', '\n'];
    let first_entity = entities.iter().map(|entity| span(entity).0).min();
    let leading = kept.chars().take_while(|c| spaces.contains(c)).count();
    let leading = i64::try_from(leading)
        .unwrap_or(0)
        .min(first_entity.unwrap_or(i64::MAX));
    let begin = usize::try_from(leading).unwrap_or(0).min(kept.len());
    let text = kept[begin..].trim_end_matches(spaces).to_owned();
    let all = i64::try_from(units(&text)).unwrap_or(i64::MAX);
    for entity in &mut entities {
        let (begin, end) = span(entity);
        set_span(entity, begin - leading, (end - leading).min(all));
    }
    entities.retain(|entity| span(entity).1 > span(entity).0);
    Worded { text, entities }
}

fn set_span(entity: &mut Value, begin: i64, end: i64) {
    entity["offset"] = json!(begin);
    entity["length"] = json!(end - begin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_control_characters_go_with_their_entities() {
        let worded = Worded {
            text: " \n\u{202e}hi\tyou\r \n".to_owned(),
            entities: vec![json!({ "type": "bold", "offset": 6, "length": 8 })],
        };
        assert_eq!(
            cleaned(worded),
            Worded {
                text: "hi you".to_owned(),
                entities: vec![json!({ "type": "bold", "offset": 3, "length": 3 })],
            }
        );
    }
}
