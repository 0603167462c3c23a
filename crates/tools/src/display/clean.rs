//! Makes bytes that a program wrote harmless to look at: valid text without control sequences.
//! Invariant: what comes out holds no control character but newline and tab, and nothing that hides or
//! reorders text; an unfinished sequence never swallows more than its own line.
//! It must not know where the bytes came from or how much of them is shown.

use super::is_deceptive;

/// Whether more bytes follow those that are cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// These are the last; a cut character or sequence is what it is.
    Ends,
    /// More follow: a character or sequence that is cut at the end is left for them.
    Follows,
}

/// Cleaned text and where it ends in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// The text; invalid UTF-8 shows as U+FFFD.
    pub(crate) text: String,
    /// Characters in `text`.
    pub(crate) chars: usize,
    /// Bytes that `text` stands for; cleaning goes on there.
    pub(crate) consumed: usize,
}

/// Cleans `bytes` until `limit` characters have come out.
pub(crate) fn clean(bytes: &[u8], limit: usize, rest: Rest) -> Cleaned {
    let mut cleaner = Cleaner::default();
    // The last place at which nothing was half done.
    let mut whole = Cleaned {
        text: String::new(),
        chars: 0,
        consumed: 0,
    };
    let mut at = 0;
    'all: for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if cleaner.chars >= limit {
                break 'all;
            }
            cleaner.take(character);
            at += character.len_utf8();
            whole.mark(&cleaner, at);
        }
        let invalid = chunk.invalid();
        let cut = at + invalid.len() == bytes.len() && is_cut_character(invalid);
        if invalid.is_empty() || (cut && rest == Rest::Follows) || cleaner.chars >= limit {
            continue;
        }
        cleaner.take(char::REPLACEMENT_CHARACTER);
        at += invalid.len();
        whole.mark(&cleaner, at);
    }
    if rest == Rest::Ends && whole.chars < limit {
        whole.chars = cleaner.chars;
        whole.consumed = at;
    } else if whole.consumed == 0 && whole.chars < limit {
        // A sequence longer than all these bytes: show that it is passed by rather than stand still.
        whole.consumed = at;
    }
    whole.text = cleaner.text;
    whole.text.truncate(byte_of_char(&whole.text, whole.chars));
    whole
}

/// Cleans short text whole.
pub(crate) fn clean_line(text: &str, limit: usize) -> String {
    let line = clean(text.as_bytes(), limit, Rest::Ends).text;
    line.replace('\n', " ")
}

impl Cleaned {
    fn mark(&mut self, cleaner: &Cleaner, at: usize) {
        if cleaner.state == State::Ground {
            self.chars = cleaner.chars;
            self.consumed = at;
        }
    }
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

#[derive(Default)]
struct Cleaner {
    text: String,
    chars: usize,
    state: State,
}

impl Cleaner {
    fn take(&mut self, character: char) {
        self.state = match (self.state, character) {
            (State::Text | State::TextEscape, '\n') => self.emit('\n'),
            (State::Escape, ' '..='/') => State::Escape,
            (State::Escape, '0'..='~') | (State::TextEscape, _) => Self::introduced(character),
            (State::Sequence, ' '..='?') => State::Sequence,
            (State::Text, '\u{1b}') => State::TextEscape,
            // A newline after a carriage return belongs to the same line's end. Terminals end their
            // strings at a bell, a string terminator or a cancel.
            (State::Return, '\n')
            | (State::Sequence, '@'..='~')
            | (State::Text, '\u{7}' | '\u{18}' | '\u{1a}' | '\u{9c}') => State::Ground,
            (State::Text, _) => State::Text,
            (State::Ground | State::Return | State::Escape | State::Sequence, _) => {
                self.ground(character)
            }
        };
    }

    /// What follows an escape character decides what it introduces.
    fn introduced(character: char) -> State {
        match character {
            '[' => State::Sequence,
            ']' | 'P' | 'X' | '^' | '_' => State::Text,
            _ => State::Ground,
        }
    }

    fn ground(&mut self, character: char) -> State {
        match character {
            '\n' | '\t' => self.emit(character),
            '\r' => {
                self.emit('\n');
                State::Return
            }
            '\u{1b}' => State::Escape,
            '\u{9b}' => State::Sequence,
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => State::Text,
            _ if character.is_control() || is_deceptive(character) => State::Ground,
            _ => self.emit(character),
        }
    }

    fn emit(&mut self, character: char) -> State {
        self.text.push(character);
        self.chars += 1;
        State::Ground
    }
}

/// Whether these bytes may be the beginning of a longer UTF-8 character.
fn is_cut_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

fn byte_of_char(text: &str, index: usize) -> usize {
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: impl AsRef<[u8]>, expect: &str) {
        let bytes = bytes.as_ref();
        let cleaned = clean(bytes, usize::MAX, Rest::Ends);
        assert_eq!(cleaned.text, expect, "{bytes:?}");
        assert_eq!(cleaned.consumed, bytes.len());
        assert_eq!(cleaned.chars, expect.chars().count());
    }

    #[test]
    fn plain_text_is_left_alone() {
        check("grüße\n\tdone\n", "grüße\n\tdone\n");
    }

    #[test]
    fn control_sequences_vanish() {
        check("\x1b[1;31mred\x1b[0m", "red");
        check("\u{9b}31mred", "red");
        check("\x1b]0;title\x07a", "a");
        check("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link");
        check("\x1b]52;c;ZXZpbA==\x07a", "a");
        check("\x1bPq#0;\x1b\\a", "a");
        check("\x1b(Ba\x1b=b\x1bcc", "abc");
        check("a\x08\x7f\x00\u{85}b", "ab");
        check("safe\u{202e}txt\u{2066}.\u{e0041}", "safetxt.");
    }

    #[test]
    fn line_ends_become_newlines() {
        check("a\r\nb\rc\r", "a\nb\nc\n");
        check("\r\r\n", "\n\n");
    }

    #[test]
    fn an_unfinished_string_hides_no_further_line() {
        check("\x1b]0;half\nshown", "\nshown");
        check("\x1b]0;half\x1b\nshown", "\nshown");
        check("\x1b[31\nshown", "\nshown");
        check("\x1b\nshown", "\nshown");
    }

    #[test]
    fn invalid_utf8_is_shown_as_such() {
        check(b"a\xff\xfeb\xe2\x82", "a\u{fffd}\u{fffd}b\u{fffd}");
    }

    #[test]
    fn pages_join_at_any_border() {
        let whole = "\x1b[1mgrüße\x1b[0m\r\n\x1b]0;t\x07€uro\rx\u{1f600}\n".as_bytes();
        let expect = clean(whole, usize::MAX, Rest::Ends).text;
        for page in 9..whole.len() {
            let (mut at, mut text) = (0, String::new());
            while at < whole.len() {
                let end = whole.len().min(at + page);
                let rest = if end == whole.len() {
                    Rest::Ends
                } else {
                    Rest::Follows
                };
                let cleaned = clean(&whole[at..end], usize::MAX, rest);
                assert!(cleaned.consumed > 0, "page of {page} at {at} stands still");
                text += &cleaned.text;
                at += cleaned.consumed;
            }
            assert_eq!(text, expect, "pages of {page}");
        }
    }

    #[test]
    fn a_limit_stops_at_a_whole_character() {
        let cleaned = clean("\x1b[1mgrüße".as_bytes(), 3, Rest::Ends);
        assert_eq!((cleaned.text.as_str(), cleaned.consumed), ("grü", 8));
    }
}
