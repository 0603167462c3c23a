//! Shows the text of files so that nothing in it acts on a terminal or hides.
//! Invariant: a character of the file is a character shown; controls become pictures of themselves.
//! It must not know how much is shown.

use std::borrow::Cow;

use super::is_deceptive;

/// `text` with every control character but newline and tab, and every one that reorders or hides text,
/// made visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text
        .chars()
        .all(|character| picture(character) == character)
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(picture).collect())
}

fn picture(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        // The control pictures stand in the order of the controls.
        '\0'..='\u{1f}' => {
            char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{7f}' => '\u{2421}',
        _ if character.is_control() || is_deceptive(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_seen_and_do_not_act() {
        assert_eq!(visible("grüße\n\t"), "grüße\n\t");
        assert_eq!(
            visible("\x1b[31m\r\0\x7f\u{9b}\u{202e}"),
            "␛[31m␍␀␡\u{fffd}\u{fffd}"
        );
    }
}
