//! Wildcard patterns: `*` stands for any run of characters, `?` for one.
//! Invariant: no pattern and no text can stall a decision: time is at most the product of their lengths, and
//! mostly their sum.
//! It must not know what the text is.

/// Stands in a text for what cannot be read: any run of characters. No command, path or host holds a NUL.
pub(super) const UNKNOWN: char = '\0';

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// Bytes before the first wildcard.
    literal: usize,
    /// What stands before the first and behind the last `*`; none without one.
    ends: Option<(usize, usize)>,
}

impl Pattern {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            literal: text.find(['*', '?']).unwrap_or(text.len()),
            ends: text
                .find('*')
                .zip(text.rfind('*'))
                .map(|(first, last)| (first, last + 1)),
            text,
        }
    }

    /// The pattern as written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What it begins with, up to the first wildcard.
    pub(super) fn literal(&self) -> &str {
        &self.text[..self.literal]
    }

    /// Whether it covers every text.
    pub(super) fn is_all(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(|byte| byte == b'*')
    }

    /// Whether it covers the whole of `text`, whatever stands in its unknown places.
    pub(super) fn covers(&self, text: &str) -> bool {
        text.as_bytes().starts_with(self.literal().as_bytes())
            && wildcard(
                &self.text.as_bytes()[self.literal..],
                &text.as_bytes()[self.literal..],
            )
    }

    /// Whether it may cover the whole of `text`, if the right thing stands in its unknown places.
    pub(super) fn may_cover(&self, text: &Open<'_>) -> bool {
        match self.ends {
            // Between the ends a `*` and an unknown place can take up all of each other, so the ends decide.
            Some((first, last)) => {
                let (head, tail) = (self.text[..first].chars(), self.text[last..].chars());
                agree(head, text.head.chars()) && agree(tail.rev(), text.tail.chars().rev())
            }
            None => fills(text.whole, &self.text),
        }
    }
}

/// A text with unknown places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    whole: &'a str,
    /// Before the first unknown place.
    head: &'a str,
    /// Behind the last.
    tail: &'a str,
}

impl<'a> Open<'a> {
    /// None if the text has no unknown place.
    pub(super) fn of(whole: &'a str) -> Option<Self> {
        let (head, _) = whole.split_once(UNKNOWN)?;
        let (_, tail) = whole.rsplit_once(UNKNOWN)?;
        Some(Self { whole, head, tail })
    }

    /// What stands before the first unknown place.
    pub(super) fn head(&self) -> &'a str {
        self.head
    }
}

/// Whether a pattern without `*` and a text are the same as far as both go.
fn agree(pattern: impl Iterator<Item = char>, text: impl Iterator<Item = char>) -> bool {
    pattern
        .zip(text)
        .all(|(one, other)| one == '?' || one == other)
}

/// Whether `open` can become `pattern`, which has no `*`.
fn fills(open: &str, pattern: &str) -> bool {
    // The same as covering, with the unknown places for wildcards; a `?` of the pattern is any character.
    let parts: Vec<&str> = open.split(UNKNOWN).collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let is_at = |part: &str, at: usize| {
        pattern.len() >= at + part.chars().count()
            && agree(pattern[at..].iter().copied(), part.chars())
    };
    let last = parts.len() - 1;
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        let count = part.chars().count();
        let found = if index == 0 {
            is_at(part, 0).then_some(0)
        } else if index == last {
            let end = pattern.len().checked_sub(count);
            end.filter(|end| *end >= at && is_at(part, *end))
        } else {
            (at..=pattern.len()).find(|at| is_at(part, *at))
        };
        match found {
            Some(found) => at = found + count,
            None => return false,
        }
    }
    true
}

/// Whether `pattern` covers the whole of `text`. Linear in space and, since only the latest `*` is ever
/// retried, at most quadratic in time.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut retry = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, seen));
                at += 1;
            }
            // What is unknown need not be one character.
            Some(&byte) if byte == text[seen] || (byte == b'?' && text[seen] != 0) => {
                // One character, however many bytes it takes.
                seen += 1;
                while byte == b'?' && text.get(seen).is_some_and(|next| next & 0xc0 == 0x80) {
                    seen += 1;
                }
                at += 1;
            }
            _ => {
                let Some((after, from)) = retry else {
                    return false;
                };
                retry = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_texts() {
        let check = |pattern: &str, text, expect| {
            assert_eq!(
                Pattern::new(pattern).covers(text),
                expect,
                "`{pattern}` on `{text}`"
            );
        };
        check("", "", true);
        check("*", "", true);
        check("*", "a/b\nc", true);
        check("git *", "git push", true);
        check("git *", "git", false);
        check("*.rs", "src/lib.rs", true);
        check("*.rs", "src/lib.rs.bak", false);
        check("a*b*c", "axxbyybzzc", true);
        check("a*b*c", "axxbyyb", false);
        check("gr??e", "grüße", true);
        check("gr?e", "grüße", false);
        check("?", "", false);
        check("git *", "git \0", true);
        check("git ?", "git \0", false);
        check("git push", "git \0", false);
    }

    #[test]
    fn what_is_unknown_may_be_anything() {
        let check = |pattern: &str, text, expect| {
            assert_eq!(
                Open::of(text).map(|text| Pattern::new(pattern).may_cover(&text)),
                Some(expect),
                "`{pattern}` on {text:?}"
            );
        };
        check("git push*", "git \0", true);
        check("git push*", "\0", true);
        check("git push*", "\0 push", true);
        check("git push*", "g\0t p\0", true);
        check("git push*", "git p\0l", true);
        check("git push", "git p\0l", false);
        check("git push*", "echo \0", false);
        check("git ?ush", "git \0", true);
        check("git ?u?h now", "\0 p\0 now", true);
        check("git push now", "\0 now \0 now", false);
        check("*.env", "src/\0", true);
        check("a?c", "a\0", true);
        check("a?c", "ac\0d", false);
        check("rm *", &format!("rm {}\0", "x".repeat(50_000)), true);
    }

    proptest::proptest! {
        /// Whatever stands in the unknown places, a pattern that covers it may cover the open text.
        #[test]
        fn no_filling_is_ruled_out(
            pattern in "[ab*?]{0,8}",
            parts in proptest::collection::vec("[ab]{0,4}", 2..5),
            fillings in proptest::collection::vec("[ab]{0,4}", 4),
        ) {
            let pattern = Pattern::new(pattern);
            let open = parts.join("\0");
            let mut filled = String::new();
            for (part, filling) in parts.iter().zip(std::iter::once("").chain(fillings.iter().map(String::as_str))) {
                filled.push_str(filling);
                filled.push_str(part);
            }
            let may_cover = Open::of(&open).is_some_and(|open| pattern.may_cover(&open));
            proptest::prop_assert!(may_cover || !pattern.covers(&filled), "{filled}");
            proptest::prop_assert!(may_cover || !pattern.covers(&open));
        }
    }
}
