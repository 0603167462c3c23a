//! Wildcard patterns: `*` stands for any run of characters, `?` for one.
//! Invariant: no pattern and no text can stall a decision; time is bounded by the product of their lengths.
//! It must not know what the text is.

/// Stands in a text for what cannot be read: any run of characters. No command, path or host holds a NUL.
pub(super) const UNKNOWN: char = '\0';

/// How much of a text that cannot be read whole is looked at, in bytes; whatever follows counts as unknown.
const LOOKED_AT: usize = 4096;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// Bytes before the first wildcard.
    literal: usize,
}

impl Pattern {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            literal: text.find(['*', '?']).unwrap_or(text.len()),
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
    pub(super) fn may_cover(&self, text: &str) -> bool {
        let Some(known) = text.find(UNKNOWN) else {
            return self.covers(text);
        };
        let (known, literal) = (&text.as_bytes()[..known], self.literal().as_bytes());
        let shorter = known.len().min(literal.len());
        known[..shorter] == literal[..shorter] && overlap(&self.text, text)
    }
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

/// Whether some text is covered by both `pattern` and `text` with its unknown places.
fn overlap(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let cut = text.floor_char_boundary(LOOKED_AT);
    let beyond = (cut < text.len()).then_some(UNKNOWN);
    let text: Vec<char> = text[..cut].chars().chain(beyond).collect();
    // `meets[j]`: whether what is left of the pattern and `text[j..]` have something in common.
    let mut meets = vec![false; text.len() + 1];
    for at in (0..=pattern.len()).rev() {
        let rest = pattern.get(at);
        let mut next = vec![false; text.len() + 1];
        for seen in (0..=text.len()).rev() {
            // `meets` is the row of `at + 1`, `next` the one being made.
            next[seen] = match (rest, text.get(seen)) {
                (None, None) => true,
                (Some('*'), Some(_)) => meets[seen] || next[seen + 1],
                (Some('*'), None) => meets[seen],
                (Some(_), Some(&UNKNOWN)) => next[seen + 1] || meets[seen],
                (None, Some(&UNKNOWN)) => next[seen + 1],
                (Some('?'), Some(_)) => meets[seen + 1],
                (Some(one), Some(other)) => one == other && meets[seen + 1],
                (Some(_), None) | (None, Some(_)) => false,
            };
        }
        meets = next;
    }
    meets[0]
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
                Pattern::new(pattern).may_cover(text),
                expect,
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
        check("git push*", "git pull", false);
        check("*.env", "src/\0", true);
        check("a?c", "a\0", true);
        check("a?c", "ac\0d", false);
        check("rm *", &format!("rm {}\0", "x".repeat(3 * LOOKED_AT)), true);
    }
}
