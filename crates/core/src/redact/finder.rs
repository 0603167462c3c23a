//! A set of forms, each with its mark, and the automaton that finds them at once.
//! Invariant: of the hits that begin first the longest is found.
//! It must not know a stream, nor how a form is written or broken.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

/// Forms to look for.
pub(super) struct Finder {
    /// The forms, sorted, each once.
    sorted: Vec<Vec<u8>>,
    /// What stands in place of each.
    marks: Vec<String>,
    /// Built at the first search.
    automaton: OnceLock<AhoCorasick>,
    /// Whether some form begins with this byte.
    begins: [bool; 256],
    /// The longest form, in bytes.
    longest: usize,
}

/// A form that was found.
#[derive(Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) mark: &'a str,
}

impl Finder {
    /// Looks for these forms; each comes with its mark.
    pub(super) fn new(mut found: Vec<(Vec<u8>, String)>) -> Self {
        // Of two names for one value the first holds, since the sort is stable.
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.dedup_by(|(later, _), (earlier, _)| later == earlier);
        let (sorted, marks): (Vec<Vec<u8>>, Vec<String>) = found.into_iter().unzip();
        let mut begins = [false; 256];
        for first in sorted.iter().filter_map(|form| form.first()) {
            begins[usize::from(*first)] = true;
        }
        Self {
            longest: sorted.iter().map(Vec::len).max().unwrap_or(0),
            sorted,
            marks,
            automaton: OnceLock::new(),
            begins,
        }
    }

    /// The forms, sorted.
    pub(super) fn forms(&self) -> &[Vec<u8>] {
        &self.sorted
    }

    /// The longest form, in bytes.
    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The first hit at or after `from`, the longest of those that begin there.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<Hit<'_>> {
        let input = Input::new(bytes).range(from..bytes.len());
        let hit = self.automaton().find(input)?;
        Some(Hit {
            start: hit.start(),
            end: hit.end(),
            mark: &self.marks[hit.pattern().as_usize()],
        })
    }

    /// Where, at or after `from`, a form may have begun of which more is to come.
    pub(super) fn unfinished(&self, bytes: &[u8], from: usize) -> Option<usize> {
        // What is a whole longest form long is not unfinished.
        let earliest = (bytes.len() + 1).saturating_sub(self.longest).max(from);
        (earliest..bytes.len())
            .find(|at| self.begins[usize::from(bytes[*at])] && self.has_longer(&bytes[*at..]))
    }

    /// Whether some form begins with these bytes and goes on.
    fn has_longer(&self, start: &[u8]) -> bool {
        let at = self.sorted.partition_point(|form| form.as_slice() <= start);
        self.sorted
            .get(at)
            .is_some_and(|form| form.starts_with(start))
    }

    #[expect(
        clippy::expect_used,
        reason = "only gigabytes of secrets cannot be built, and without the finder nothing may pass"
    )]
    fn automaton(&self) -> &AhoCorasick {
        self.automaton.get_or_init(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&self.sorted)
                .expect("the secrets fit into an automaton")
        })
    }
}
