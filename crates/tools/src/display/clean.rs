//! Makes bytes that a program wrote harmless to look at, page by page: valid text without control sequences.
//! Invariant: what a page shows and where the next one begins fit each other, at any border.
//! It must not know where the bytes came from.

use super::controls::Controls;

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
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if cleaner.chars >= limit {
                break;
            }
            cleaner.take(character, character.len_utf8());
        }
        let invalid = chunk.invalid();
        let last = cleaner.at + invalid.len() == bytes.len();
        let left = last && rest == Rest::Follows && is_cut_character(invalid);
        if cleaner.chars >= limit || left {
            break;
        }
        if !invalid.is_empty() {
            cleaner.take(char::REPLACEMENT_CHARACTER, invalid.len());
        }
    }
    cleaner.cleaned(limit, rest)
}

/// Cleans short text whole.
pub(crate) fn clean_line(text: &str, limit: usize) -> String {
    let line = clean(text.as_bytes(), limit, Rest::Ends).text;
    line.replace('\n', " ")
}

#[derive(Default)]
struct Cleaner {
    text: String,
    chars: usize,
    controls: Controls,
    /// Bytes taken.
    at: usize,
    /// The last place at which nothing was half done.
    whole: Place,
}

/// A place in the bytes and in the text.
#[derive(Clone, Copy, Default)]
struct Place {
    bytes: usize,
    chars: usize,
    text: usize,
}

impl Cleaner {
    /// Takes a character of so many bytes.
    fn take(&mut self, character: char, bytes: usize) {
        self.at += bytes;
        if let Some(shown) = self.controls.filter(character) {
            self.text.push(shown);
            self.chars += 1;
        }
        if self.controls.are_over() {
            self.whole = self.place();
        }
    }

    fn place(&self) -> Place {
        Place {
            bytes: self.at,
            chars: self.chars,
            text: self.text.len(),
        }
    }

    fn cleaned(mut self, limit: usize, rest: Rest) -> Cleaned {
        let mut end = self.whole;
        if end.chars < limit {
            if rest == Rest::Ends {
                end = self.place();
            } else if end.bytes == 0 {
                // A sequence longer than all these bytes is passed by, or reading on would stand still.
                end.bytes = self.at;
            }
        }
        self.text.truncate(end.text);
        Cleaned {
            text: self.text,
            chars: end.chars,
            consumed: end.bytes,
        }
    }
}

/// Whether these bytes may be the beginning of a longer UTF-8 character.
fn is_cut_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

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
        check(
            "safe\u{202e}txt\u{2066}.\u{e0041}\u{200f}\u{2028}",
            "safetxt.",
        );
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

    /// Bytes in which sequences begin, end and break off everywhere.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            "\\PC{0,3}".prop_map(String::into_bytes),
            select(vec![
                "\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\u{9b}", "\u{9d}", "\u{9c}"
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            select(vec![
                "\r",
                "\n",
                "\x07",
                "\x18",
                "\u{202e}",
                "\u{e0041}",
                "31m",
                "0;t"
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_comes_out_acts_or_hides(bytes in hostile(), limit in 0_usize..60) {
            let acts = |character: char| {
                corvid_core::text::acts(character) && !matches!(character, '\n' | '\t')
            };
            for rest in [Rest::Ends, Rest::Follows] {
                let cleaned = clean(&bytes, limit, rest);
                prop_assert!(!cleaned.text.contains(acts), "{:?}", cleaned.text);
                prop_assert_eq!(cleaned.text.chars().count(), cleaned.chars);
                prop_assert!(cleaned.chars <= limit);
                prop_assert!(cleaned.consumed <= bytes.len());
            }
        }

        #[test]
        fn reading_on_never_stands_still(bytes in hostile(), page in 4_usize..30) {
            let mut at = 0;
            while at < bytes.len() {
                let end = bytes.len().min(at + page);
                let rest = if end == bytes.len() { Rest::Ends } else { Rest::Follows };
                let cleaned = clean(&bytes[at..end], usize::MAX, rest);
                prop_assert!(cleaned.consumed > 0);
                at += cleaned.consumed;
            }
        }
    }
}
