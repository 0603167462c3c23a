//! A quick look at what a call acts on, by which most rules are ruled out before they are matched.
//! Invariant: a rule that matches is never ruled out.
//! It must not know what the texts are.

use memchr::memmem::Finder;

use super::pattern::{Open, UNKNOWN};

/// How many bytes of a beginning are compared.
const START: usize = 8;

/// What the texts of one resource look like.
#[derive(Clone, Default)]
pub(super) struct Sketch {
    /// How each text begins, every beginning once.
    starts: Vec<Start>,
    /// All texts.
    known: String,
    /// Whether some text has unknown places, which may hold anything.
    is_open: bool,
}

/// How a text or a pattern begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    bytes: u64,
    /// Which of the bytes count.
    mask: u64,
}

/// What a pattern needs of the texts it may match.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    start: Start,
    /// Of a pattern that begins with a wildcard: the longest text in it without one.
    needle: Option<Finder<'static>>,
}

impl Sketch {
    /// Adds a text that is matched as a whole.
    pub(super) fn text(&mut self, text: &str) {
        let start = match Open::of(text) {
            Some(open) => {
                self.is_open = true;
                Start::of(open.head())
            }
            // What is shorter than a pattern's beginning does not match it.
            None => Start {
                mask: u64::MAX,
                ..Start::of(text)
            },
        };
        self.add(start, text);
    }

    /// Adds a folder, which patterns for what lies in it match too.
    pub(super) fn folder(&mut self, path: &str) {
        self.add(Start::of(path.trim_end_matches('/')), path);
    }

    fn add(&mut self, start: Start, text: &str) {
        if !self.starts.contains(&start) {
            self.starts.push(start);
        }
        self.known.push_str(text);
        self.known.push(UNKNOWN);
    }
}

impl Start {
    fn of(text: &str) -> Self {
        let mut bytes = [0; START];
        let mut mask = [0; START];
        for (at, byte) in text.bytes().take(START).enumerate() {
            bytes[at] = byte;
            mask[at] = u8::MAX;
        }
        Self {
            bytes: u64::from_ne_bytes(bytes),
            mask: u64::from_ne_bytes(mask),
        }
    }

    /// Whether both begin alike, as far as both count.
    fn is_like(self, other: Self) -> bool {
        (self.bytes ^ other.bytes) & self.mask & other.mask == 0
    }
}

impl Probe {
    pub(super) fn of(pattern: &str) -> Self {
        let mut parts = pattern.split(['*', '?']);
        let start = Start::of(parts.next().unwrap_or_default());
        let longest = parts.max_by_key(|part| part.len());
        let needle = longest.filter(|part| start.mask == 0 && !part.is_empty());
        Self {
            start,
            needle: needle.map(|needle| Finder::new(needle).into_owned()),
        }
    }

    /// Whether the pattern may match one of the texts.
    pub(super) fn fits(&self, sketch: &Sketch) -> bool {
        sketch.starts.iter().any(|start| start.is_like(self.start))
            && (sketch.is_open
                || self
                    .needle
                    .as_ref()
                    .is_none_or(|needle| needle.find(sketch.known.as_bytes()).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pattern::Pattern;
    use super::*;

    proptest! {
        #[test]
        fn what_matches_is_never_ruled_out(
            pattern in "[ab*?]{0,12}",
            texts in prop::collection::vec("[ab\0]{0,12}", 1..4),
        ) {
            let mut sketch = Sketch::default();
            for text in &texts {
                sketch.text(text);
            }
            let (probe, pattern) = (Probe::of(&pattern), Pattern::new(pattern));
            let matches = texts.iter().any(|text| {
                pattern.covers(text) || Open::of(text).is_some_and(|open| pattern.may_cover(&open))
            });
            prop_assert!(probe.fits(&sketch) || !matches);
        }

        #[test]
        fn what_lies_in_a_folder_is_never_ruled_out(inner in "[ab/]{0,12}", folder in "[ab/]{0,6}") {
            let mut sketch = Sketch::default();
            sketch.folder(&folder);
            let pattern = Pattern::new(format!("{inner}*"));
            let matches = super::super::place::reaches(&pattern, &folder);
            prop_assert!(Probe::of(pattern.as_str()).fits(&sketch) || !matches);
        }
    }

    #[test]
    fn most_patterns_are_ruled_out() {
        let mut sketch = Sketch::default();
        sketch.text("git push");
        let fits = |pattern| Probe::of(pattern).fits(&sketch);
        assert!(fits("git *") && fits("*push*") && fits("???push"));
        assert!(!fits("cargo *") && !fits("*secret*") && !fits("git pull*"));
    }
}
