//! Text that others wrote: which characters act on a screen instead of showing, and bounding it for the model
//! to head and tail, with a marker that says what was cut.
//! Invariant: one table of what acts, whoever asks; bounding never splits a character and never yields more
//! characters than asked plus the marker.
//! It must not know where the text came from.

/// Keeps at most `limit` characters of `text`: its first two thirds and its last third of them, with a
/// marker between that says how many characters were cut and ends with `hint`.
pub fn clip(text: &str, limit: usize, hint: &str) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let tail = limit / 3;
    let head = limit - tail;
    let cut = count - limit;
    let head_end = byte_of_char(text, head);
    let tail_start = byte_of_char(text, count - tail);
    format!(
        "{}\n[… {cut} characters cut{hint} …]\n{}",
        &text[..head_end],
        &text[tail_start..]
    )
}

/// Whether a character acts on a screen instead of showing: controls (line feed and tab among them), and
/// those that reorder, break or hide the text around them.
pub fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// What stands for a character that [`acts`]: Unicode's picture of an ASCII control, else the replacement
/// character.
pub fn picture(character: char) -> char {
    match u32::from(character) {
        // The pictures stand in the order of the controls.
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

fn byte_of_char(text: &str, index: usize) -> usize {
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_known() {
        let acting = "\0\n\t\r\x1b\x7f\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\
                      \u{2066}\u{2069}\u{feff}\u{e0041}";
        assert!(acting.chars().all(acts));
        // Joiners are part of emoji and of several scripts.
        assert!(!"aß 🐦\u{200d}⬛\u{200c}\u{301}".chars().any(acts));
        assert_eq!(picture('\u{1b}'), '␛');
        assert_eq!(picture('\u{202e}'), char::REPLACEMENT_CHARACTER);
    }

    #[test]
    fn short_text_is_left_alone() {
        assert_eq!(clip("grüße", 5, ""), "grüße");
    }

    #[test]
    fn long_text_keeps_head_and_tail() {
        assert_eq!(
            clip("äbcdefghij", 6, "; see x"),
            "äbcd\n[… 4 characters cut; see x …]\nij"
        );
    }
}
