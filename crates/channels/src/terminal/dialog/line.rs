//! A text being typed: one line on the screen, whatever its length.
//! Invariant: pure; the cursor stands between characters, and what is shown is inert and fits.
//! It must not know what the text is for, nor when it is done.

use corvid_core::text::{acts, picture};
use unicode_width::UnicodeWidthChar as _;

use crate::terminal::keyboard::Key;

/// The longest text, in characters; what is typed beyond it is not taken.
const LONGEST: usize = 8 * 1024;

/// A text being typed.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: Vec<char>,
    cursor: usize,
}

/// What of the text is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The shown part.
    pub(super) text: String,
    /// Columns from its end back to the cursor.
    pub(super) back: usize,
}

impl Line {
    /// The text.
    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes in a key that types or moves; others change nothing.
    pub(super) fn key(&mut self, key: &Key) {
        match key {
            Key::Char(character) => self.insert(*character),
            Key::Paste(text) => text.chars().for_each(|character| self.insert(character)),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Key::Delete if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            Key::Left | Key::Control('b') => self.cursor = self.cursor.saturating_sub(1),
            Key::Right | Key::Control('f') => self.cursor = self.text.len().min(self.cursor + 1),
            Key::Home | Key::Control('a') => self.cursor = 0,
            Key::End | Key::Control('e') => self.cursor = self.text.len(),
            Key::Control('u') => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            Key::Control('k') => self.text.truncate(self.cursor),
            Key::Control('w') => self.erase_word(),
            _ => {}
        }
    }

    /// Starts over. Returns whether there was anything.
    pub(super) fn clear(&mut self) -> bool {
        let line = std::mem::take(self);
        !line.text.is_empty()
    }

    /// Adds a line's end.
    pub(super) fn end_line(&mut self) {
        self.insert('\n');
    }

    /// The part around the cursor that fits into `width` columns.
    pub(super) fn view(&self, width: usize) -> View {
        let (before, after) = self.text.split_at(self.cursor);
        // The cursor itself takes a column.
        let mut room = width.saturating_sub(1);
        let mut left: Vec<char> = fitting(before.iter().rev(), &mut room).0;
        left.reverse();
        let (right, back) = fitting(after.iter(), &mut room);
        View {
            text: left.into_iter().chain(right).collect(),
            back,
        }
    }

    fn insert(&mut self, character: char) {
        if self.text.len() < LONGEST {
            self.text.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    fn erase_word(&mut self) {
        let before = &self.text[..self.cursor];
        let word = before.iter().rposition(|c| !c.is_whitespace());
        let start = word
            .and_then(|end| before[..end].iter().rposition(|c| c.is_whitespace()))
            .map_or(0, |blank| blank + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }
}

/// The characters that fit into `room`, as they are shown, and their columns; takes the room that they need.
fn fitting<'c>(characters: impl Iterator<Item = &'c char>, room: &mut usize) -> (Vec<char>, usize) {
    let before = *room;
    let mut shown = Vec::new();
    for (character, width) in characters.map(|character| seen(*character)) {
        let Some(left) = room.checked_sub(width) else {
            break;
        };
        *room = left;
        shown.push(character);
    }
    (shown, before - *room)
}

/// A character as it is shown, with the columns that it takes.
fn seen(character: char) -> (char, usize) {
    match character {
        '\n' => ('⏎', 1),
        _ if acts(character) => (picture(character), 1),
        _ => (character, character.width().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Key]) -> Line {
        let mut line = Line::default();
        for key in keys {
            line.key(key);
        }
        line
    }

    fn check(keys: &[Key], expect: &str) {
        assert_eq!(typed(keys).text(), expect);
    }

    fn text(text: &str) -> Key {
        Key::Paste(text.to_owned())
    }

    #[test]
    fn a_line_is_edited() {
        check(
            &[
                text("abd"),
                Key::Left,
                Key::Char('c'),
                Key::End,
                Key::Char('e'),
            ],
            "abcde",
        );
        check(
            &[
                text("abc"),
                Key::Home,
                Key::Delete,
                Key::Right,
                Key::Backspace,
            ],
            "c",
        );
        check(&[text("one two  "), Key::Control('w')], "one ");
        check(&[text("one"), Key::Control('w'), Key::Control('w')], "");
        check(&[text("onetwo"), Key::Left, Key::Control('u')], "o");
        check(
            &[text("onetwo"), Key::Left, Key::Control('k'), Key::Other],
            "onetw",
        );
    }

    #[test]
    fn a_long_line_shows_the_part_around_the_cursor() {
        let mut line = typed(&[text("0123456789")]);
        assert_eq!(
            line.view(5),
            View {
                text: "6789".to_owned(),
                back: 0
            }
        );
        line.key(&Key::Home);
        assert_eq!(
            line.view(5),
            View {
                text: "0123".to_owned(),
                back: 4
            }
        );
        assert_eq!(
            line.view(0),
            View {
                text: String::new(),
                back: 0
            }
        );
    }

    #[test]
    fn what_is_shown_is_inert_and_what_is_kept_is_not_changed() {
        let line = typed(&[text("a\u{1b}[2J\n\u{202e}b")]);
        assert_eq!(line.view(40).text, "a␛[2J⏎\u{fffd}b");
        assert_eq!(line.text(), "a\u{1b}[2J\n\u{202e}b");
    }

    #[test]
    fn a_text_has_its_limit() {
        let line = typed(&[text(&"x".repeat(LONGEST)), Key::Char('y')]);
        assert_eq!(line.text().len(), LONGEST);
    }
}
