//! Foreign text (a model's, a tool's, a person's) made harmless for a screen.
//! Invariant: what comes out cannot move a cursor, set a title, hide text or turn its direction.
//! It must not know where the text is shown.

use std::borrow::Cow;

use corvid_core::text::{acts, picture};

/// `text` with line feeds and tabs as they are and every other control or direction character made
/// visible. A carriage return before a line feed is dropped.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && c != '\t' && acts(c)) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => harmless.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            c if acts(c) => harmless.push(picture(c)),
            c => harmless.push(c),
        }
    }
    Cow::Owned(harmless)
}

/// As [`inert`], on one line: line feeds and tabs become spaces.
pub fn inert_line(text: &str) -> String {
    inert(text)
        .chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(inert(text), expect);
    }

    #[test]
    fn plain_text_is_left_alone() {
        check(
            "grüße\n\tzwei 🐦\u{200d}⬛ Zeilen",
            "grüße\n\tzwei 🐦\u{200d}⬛ Zeilen",
        );
    }

    #[test]
    fn escapes_become_pictures() {
        check("\u{1b}[2J\u{7}\u{8}x\u{7f}", "␛[2J␇␈x␡");
        check("\u{9b}31m", "\u{fffd}31m");
    }

    #[test]
    fn a_lone_return_cannot_overwrite_its_line() {
        check("good\rbad\r\nnext", "good␍bad\nnext");
    }

    #[test]
    fn directions_cannot_be_turned() {
        check("a\u{202e}cod.exe", "a\u{fffd}cod.exe");
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(inert_line("a\nb\tc\u{1b}"), "a b c␛");
    }
}
