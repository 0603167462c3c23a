//! Takes out of text what a terminal would act on: control characters and whole control sequences.
//! Invariant: what passes is no control character but newline and tab, and nothing that hides or reorders
//! text; an unfinished sequence never swallows more than its own line.
//! It must not know bytes, limits or pages.

use corvid_core::text::acts;

/// A filter that is handed a text character by character.
#[derive(Debug, Default)]
pub(super) struct Controls {
    state: State,
}

/// What the characters before were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Plain text.
    #[default]
    Ground,
    /// A carriage return, which ended the line; a newline after it is the same end.
    Return,
    /// An escape character, perhaps with intermediates.
    Escape,
    /// A control sequence (colours, cursor).
    Sequence,
    /// A string for the terminal (title, link, clipboard, graphics), up to its terminator.
    Text,
    /// An escape character within such a string, perhaps the first half of its terminator.
    TextEscape,
}

impl Controls {
    /// What is left of this character; a carriage return becomes the newline that it is.
    pub(super) fn filter(&mut self, character: char) -> Option<char> {
        let (state, shown) = match (self.state, character) {
            (State::Text | State::TextEscape, '\n') => (State::Ground, Some('\n')),
            (State::Escape, ' '..='/') => (State::Escape, None),
            (State::Escape, '0'..='~') | (State::TextEscape, _) => (introduced(character), None),
            (State::Sequence, ' '..='?') => (State::Sequence, None),
            (State::Text, '\u{1b}') => (State::TextEscape, None),
            // A newline after a carriage return belongs to the same line's end. Terminals end their
            // strings at a bell, a string terminator or a cancel.
            (State::Return, '\n')
            | (State::Sequence, '@'..='~')
            | (State::Text, '\u{7}' | '\u{18}' | '\u{1a}' | '\u{9c}') => (State::Ground, None),
            (State::Text, _) => (State::Text, None),
            (State::Ground | State::Return | State::Escape | State::Sequence, _) => {
                plain(character)
            }
        };
        self.state = state;
        shown
    }

    /// Whether nothing is half done.
    pub(super) fn are_over(&self) -> bool {
        self.state == State::Ground
    }
}

/// What follows an escape character decides what it introduces.
fn introduced(character: char) -> State {
    match character {
        '[' => State::Sequence,
        ']' | 'P' | 'X' | '^' | '_' => State::Text,
        _ => State::Ground,
    }
}

fn plain(character: char) -> (State, Option<char>) {
    match character {
        '\n' | '\t' => (State::Ground, Some(character)),
        '\r' => (State::Return, Some('\n')),
        '\u{1b}' => (State::Escape, None),
        '\u{9b}' => (State::Sequence, None),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => (State::Text, None),
        _ if acts(character) => (State::Ground, None),
        _ => (State::Ground, Some(character)),
    }
}
