//! Shows the text of files so that nothing in it acts on a terminal or hides.
//! Invariant: a character of the file is a character shown; controls become pictures of themselves.
//! It must not know how much is shown.

use std::borrow::Cow;

use corvid_core::text::{acts, picture};

/// `text` with every control character but newline and tab, and every one that reorders or hides text,
/// made visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let acts = |character: char| acts(character) && !matches!(character, '\n' | '\t');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let shown = |character| {
        if acts(character) {
            picture(character)
        } else {
            character
        }
    };
    Cow::Owned(text.chars().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_seen_and_do_not_act() {
        assert_eq!(visible("grüße\n\t"), "grüße\n\t");
        assert_eq!(
            visible("\x1b[31m\r\0\x7f\u{9b}\u{202e}\u{200f}"),
            "␛[31m␍␀␡\u{fffd}\u{fffd}\u{fffd}"
        );
    }
}
