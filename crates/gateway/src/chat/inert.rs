//! What others named (sessions, people, jobs, files) made harmless in an answer's markdown.
//! Invariant: it shows as it is, on one line, and is neither a link, a mention, a command nor the end of its own marks.
//! It must not know what is named.

use corvid_core::text::{acts, picture};

/// Longest name that is shown, in characters.
const SHOWN: usize = 80;

/// A name as a code span: nothing in one is markdown to anybody.
pub(crate) fn code(name: &str) -> String {
    format!("`{}`", plain(name).replace('`', "'"))
}

/// A name on one line of plain text, clipped.
pub(crate) fn plain(name: &str) -> String {
    let mut shown: String = name
        .trim()
        .chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            character if acts(character) => picture(character),
            character => character,
        })
        .take(SHOWN)
        .collect();
    if shown.chars().count() < name.trim().chars().count() {
        shown.push('…');
    }
    if shown.is_empty() {
        shown.push('?');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_gets_out_of_its_marks() {
        let long = "x".repeat(SHOWN + 1);
        let clipped = format!("`{}…`", "x".repeat(SHOWN));
        for (name, expect) in [
            ("fix the tests", "`fix the tests`"),
            ("a` [b](http://c) `d", "`a' [b](http://c) 'd`"),
            ("``` \n# big", "`'''  # big`"),
            ("@all <b>*x*</b>", "`@all <b>*x*</b>`"),
            ("\u{202e}gnp.exe\u{1b}[2J", "`\u{fffd}gnp.exe␛[2J`"),
            (" \n ", "`?`"),
            (long.as_str(), clipped.as_str()),
        ] {
            assert_eq!(code(name), expect, "{name:?}");
        }
    }
}
