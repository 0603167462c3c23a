//! What stands for a character that somebody who decides upon a text could overlook.
//! Invariant: two different texts never look alike: what acts, hides or only looks like a blank is spelled out, and
//! so is whatever could be taken for such a spelling.
//! It must not know what the text is, nor where it is shown.

use corvid_core::text::{acts, picture};
use unicode_width::UnicodeWidthChar as _;

/// What stands for a tab.
const TAB: char = '⇥';

/// What stands for a line's end.
pub(crate) const END: char = '⏎';

/// What stands for a blank at the end of a row.
pub(crate) const BLANK: char = '␠';

/// What a spelled-out character stands between.
const OPEN: char = '⟨';
const CLOSE: char = '⟩';

/// What stands for a character; none if it shows itself.
pub(crate) fn spelled(character: char) -> Option<String> {
    match character {
        '\t' => Some(TAB.to_string()),
        '\0'..='\u{1f}' | '\u{7f}' => Some(picture(character).to_string()),
        ' '..='~' => None,
        _ if hides(character) => Some(format!("{OPEN}U+{:04X}{CLOSE}", u32::from(character))),
        _ => None,
    }
}

/// Whether a character must be spelled out: it acts, takes no room, looks like a blank, has no agreed look, or
/// stands for something here.
fn hides(character: char) -> bool {
    acts(character)
        || character.is_whitespace()
        || character.width().is_none_or(|width| width == 0)
        || matches!(
            character,
            TAB | END | BLANK | OPEN | CLOSE | '\u{2400}'..='\u{2421}'
        )
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffc}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}
