//! Bytes of a terminal as keys, however they are cut.
//! Invariant: bytes of one key or paste never come out as another key; what is not known comes out as `Other`.
//! It must not know what a key means here, nor wait for anything.

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::terminal) enum Key {
    /// A character; never a control.
    Char(char),
    /// Text that was pasted, line ends as line feeds.
    Paste(String),
    Enter,
    Escape,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    /// Control and a letter, as the small letter.
    Control(char),
    /// Any other.
    Other,
}

/// The longest sequence that is waited for, in bytes; a longer one is no key.
const LONGEST_SEQUENCE: usize = 32;

/// The longest paste that is kept, in bytes; the rest of it is dropped.
const LONGEST_PASTE: usize = 64 * 1024;

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What was read and is no whole key yet.
#[derive(Debug, Default)]
pub(in crate::terminal) struct Keys {
    held: Vec<u8>,
    pasting: Option<Vec<u8>>,
}

/// What the begin of some bytes is.
enum Begin {
    /// This key, in that many bytes.
    Key(Key, usize),
    /// The begin of a paste.
    Paste,
    /// Too short to tell.
    Partial,
}

impl Keys {
    /// Takes in bytes and returns the keys that are whole.
    pub(in crate::terminal) fn push(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.held.extend_from_slice(bytes);
        let mut keys = Vec::new();
        loop {
            if self.pasting.is_some() {
                match self.paste() {
                    Some(key) => keys.push(key),
                    None => return keys,
                }
            }
            match begin(&self.held) {
                Begin::Key(key, length) => {
                    self.held.drain(..length);
                    keys.push(key);
                }
                Begin::Paste => {
                    self.held.drain(..PASTE_BEGINS.len());
                    self.pasting = Some(Vec::new());
                }
                Begin::Partial => return keys,
            }
        }
    }

    /// Nothing followed for a while: an escape that stands alone was the key of that name.
    pub(in crate::terminal) fn quiet(&mut self) -> Option<Key> {
        if self.pasting.is_some() || self.held.is_empty() {
            return None;
        }
        let held = std::mem::take(&mut self.held);
        Some(if held == b"\x1b" {
            Key::Escape
        } else {
            Key::Other
        })
    }

    /// Whether something is held that [`Keys::quiet`] would decide.
    pub(in crate::terminal) fn waits(&self) -> bool {
        self.pasting.is_none() && !self.held.is_empty()
    }

    /// The paste, if its end is there; else all but what may be the begin of its end is moved into it.
    fn paste(&mut self) -> Option<Key> {
        let pasted = self.pasting.as_mut()?;
        let end = self
            .held
            .windows(PASTE_ENDS.len())
            .position(|window| window == PASTE_ENDS);
        let taken = end.unwrap_or_else(|| self.held.len().saturating_sub(PASTE_ENDS.len() - 1));
        let room = LONGEST_PASTE.saturating_sub(pasted.len());
        pasted.extend(self.held.drain(..taken).take(room));
        end?;
        self.held.drain(..PASTE_ENDS.len());
        let text = String::from_utf8_lossy(&self.pasting.take()?).into_owned();
        Some(Key::Paste(text.replace("\r\n", "\n").replace('\r', "\n")))
    }
}

fn begin(bytes: &[u8]) -> Begin {
    let Some(first) = bytes.first() else {
        return Begin::Partial;
    };
    match first {
        0x1b => sequence(bytes),
        b'\n' | b'\r' => Begin::Key(Key::Enter, 1),
        0x7f | 0x08 => Begin::Key(Key::Backspace, 1),
        control @ 0x01..=0x1a => Begin::Key(Key::Control(char::from(control + b'a' - 1)), 1),
        0x00 | 0x1c..=0x1f => Begin::Key(Key::Other, 1),
        _ => character(bytes),
    }
}

/// One character of UTF-8, which may be cut.
fn character(bytes: &[u8]) -> Begin {
    let head = &bytes[..bytes.len().min(4)];
    let (valid, partial) = match std::str::from_utf8(head) {
        Ok(text) => (text, false),
        Err(error) => {
            let valid = std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default();
            (valid, error.error_len().is_none())
        }
    };
    match valid.chars().next() {
        Some(character) if character.is_control() => Begin::Key(Key::Other, character.len_utf8()),
        Some(character) => Begin::Key(Key::Char(character), character.len_utf8()),
        None if partial => Begin::Partial,
        None => Begin::Key(Key::Other, 1),
    }
}

/// What begins with an escape.
fn sequence(bytes: &[u8]) -> Begin {
    match bytes.get(1) {
        None => Begin::Partial,
        Some(b'[') => control_sequence(bytes),
        // Keys of a keypad and the first function keys.
        Some(b'O') => match bytes.get(2) {
            None => Begin::Partial,
            Some(last) => Begin::Key(named(*last, &[]), 3),
        },
        Some(0x1b) => Begin::Key(Key::Escape, 1),
        // The Alt key and another, which is not that other key; it may have several bytes.
        Some(_) => match begin(&bytes[1..]) {
            Begin::Key(_, length) => Begin::Key(Key::Other, 1 + length),
            Begin::Paste | Begin::Partial => Begin::Partial,
        },
    }
}

/// `ESC [`, parameters, and one last byte.
fn control_sequence(bytes: &[u8]) -> Begin {
    let body = &bytes[2..];
    let Some(end) = body.iter().position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return match bytes.len() {
            ..LONGEST_SEQUENCE => Begin::Partial,
            length => Begin::Key(Key::Other, length),
        };
    };
    if bytes.starts_with(PASTE_BEGINS) {
        return Begin::Paste;
    }
    match body[end] {
        last @ 0x40..=0x7e => Begin::Key(named(last, &body[..end]), 2 + end + 1),
        // Broken off by something else, which is read for itself.
        _ => Begin::Key(Key::Other, 2 + end),
    }
}

fn named(last: u8, parameters: &[u8]) -> Key {
    match (last, parameters) {
        (b'D', []) => Key::Left,
        (b'C', []) => Key::Right,
        (b'H', []) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', []) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"3") => Key::Delete,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expect: &[Key]) {
        assert_eq!(Keys::default().push(bytes), expect, "whole: {bytes:?}");
        let mut keys = Keys::default();
        let bytewise: Vec<Key> = bytes.iter().flat_map(|byte| keys.push(&[*byte])).collect();
        assert_eq!(bytewise, expect, "byte by byte: {bytes:?}");
    }

    #[test]
    fn characters_are_keys_even_when_they_are_cut() {
        check(b"y", &[Key::Char('y')]);
        check("ä鳥".as_bytes(), &[Key::Char('ä'), Key::Char('鳥')]);
        check(
            b"\xff\n\x03\x1d",
            &[Key::Other, Key::Enter, Key::Control('c'), Key::Other],
        );
    }

    #[test]
    fn the_keys_of_a_line_are_known() {
        let expect = [
            Key::Left,
            Key::Right,
            Key::Home,
            Key::End,
            Key::Delete,
            Key::Backspace,
        ];
        check(b"\x1b[D\x1b[C\x1b[H\x1b[F\x1b[3~\x7f", &expect);
        check(b"\x1bOD\x1b[1~\x1b[4~", &[Key::Left, Key::Home, Key::End]);
    }

    #[test]
    fn no_sequence_comes_out_as_a_letter() {
        // Alt and y, a keypad's y, a shifted arrow, the answer of a terminal, and one that is broken off.
        for bytes in [
            &b"\x1by"[..],
            b"\x1bOy",
            b"\x1b[1;2y",
            b"\x1b[?64;1;2n",
            b"\x1b\xc3\xa4",
        ] {
            check(bytes, &[Key::Other]);
        }
        check(b"\x1b[12\n", &[Key::Other, Key::Enter]);
    }

    #[test]
    fn a_paste_is_one_key() {
        check(
            b"\x1b[200~yyyy\r\x1b[Ax\x1b[201~n",
            &[Key::Paste("yyyy\n\x1b[Ax".to_owned()), Key::Char('n')],
        );
    }

    #[test]
    fn an_endless_paste_is_cut() {
        let mut keys = Keys::default();
        keys.push(PASTE_BEGINS);
        for _ in 0..100 {
            assert_eq!(keys.push(&[b'y'; 4096]), []);
        }
        let [Key::Paste(text)] = &keys.push(PASTE_ENDS)[..] else {
            panic!("no paste");
        };
        assert_eq!(text.len(), LONGEST_PASTE);
    }

    #[test]
    fn an_escape_alone_is_known_by_the_quiet_after_it() {
        let mut keys = Keys::default();
        assert_eq!(keys.push(b"\x1b"), []);
        assert!(keys.waits());
        assert_eq!(keys.quiet(), Some(Key::Escape));
        assert_eq!(keys.push(b"\x1b["), []);
        assert_eq!(keys.quiet(), Some(Key::Other));
        assert_eq!(keys.quiet(), None);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(bytes in proptest::collection::vec(
            prop_oneof![Just(0x1b_u8), Just(b'['), Just(b'~'), Just(b'2'), Just(b'0'), Just(b'1'), any::<u8>()], 0..60),
            cut in 0_usize..60)
        {
            let whole = Keys::default().push(&bytes);
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            let mut keys = Keys::default();
            let mut parts = keys.push(left);
            parts.extend(keys.push(right));
            prop_assert_eq!(parts, whole);
        }
    }
}
