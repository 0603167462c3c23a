//! The forms of all secrets, and the automaton that finds them at once.
//! Invariant: of the hits that begin first the longest is taken, and hits never overlap.
//! It must not know a stream, nor how a form is written.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::{MARK, spelling};
use crate::Secret;

/// Every form of every secret.
pub(super) struct Forms {
    /// The forms, sorted, each once.
    sorted: Vec<Vec<u8>>,
    /// What stands in place of each.
    marks: Vec<String>,
    finder: AhoCorasick,
    /// Whether some form begins with this byte.
    begins: [bool; 256],
    /// The longest form, in bytes.
    longest: usize,
}

/// A form that was found.
pub(super) struct Hit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) mark: &'a str,
}

impl Forms {
    pub(super) fn new(secrets: &[(String, Secret)]) -> Self {
        let mut found: Vec<(Vec<u8>, String)> = Vec::new();
        for (name, secret) in secrets {
            let mark = format!("{MARK}:{name}]");
            let forms = spelling::forms(secret.expose());
            found.extend(forms.into_iter().map(|form| (form, mark.clone())));
        }
        // Of two names for one value the first holds, since the sort is stable.
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.dedup_by(|(later, _), (earlier, _)| later == earlier);
        let (sorted, marks): (Vec<Vec<u8>>, Vec<String>) = found.into_iter().unzip();
        let mut begins = [false; 256];
        for first in sorted.iter().filter_map(|form| form.first()) {
            begins[usize::from(*first)] = true;
        }
        #[expect(
            clippy::expect_used,
            reason = "only gigabytes of secrets cannot be built, and without the finder nothing may pass"
        )]
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&sorted)
            .expect("the secrets fit into an automaton");
        Self {
            longest: sorted.iter().map(Vec::len).max().unwrap_or(0),
            sorted,
            marks,
            finder,
            begins,
        }
    }

    /// The first hit at or after `from`, the longest of those that begin there.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<Hit<'_>> {
        let hit = self
            .finder
            .find(Input::new(bytes).range(from..bytes.len()))?;
        Some(Hit {
            start: hit.start(),
            end: hit.end(),
            mark: &self.marks[hit.pattern().as_usize()],
        })
    }

    /// Where, at or after `from`, a form may have begun of which more is to come; the end of `bytes` if nowhere.
    pub(super) fn unfinished(&self, bytes: &[u8], from: usize) -> usize {
        // What is a whole longest form long is not unfinished.
        let earliest = (bytes.len() + 1).saturating_sub(self.longest).max(from);
        (earliest..bytes.len())
            .find(|at| self.begins[usize::from(bytes[*at])] && self.has_longer(&bytes[*at..]))
            .unwrap_or(bytes.len())
    }

    /// The longest form, in bytes.
    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The text with marks for its hits.
    pub(super) fn replace<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut without = String::new();
        let mut rest = 0;
        while let Some(hit) = self.find(text.as_bytes(), rest) {
            // Forms are whole characters, so that a hit neither begins nor ends within one.
            without.push_str(&text[rest..hit.start]);
            without.push_str(hit.mark);
            rest = hit.end;
        }
        if rest == 0 {
            return Cow::Borrowed(text);
        }
        without.push_str(&text[rest..]);
        Cow::Owned(without)
    }

    /// Whether some form begins with these bytes and goes on.
    fn has_longer(&self, start: &[u8]) -> bool {
        let at = self.sorted.partition_point(|form| form.as_slice() <= start);
        self.sorted
            .get(at)
            .is_some_and(|form| form.starts_with(start))
    }
}
