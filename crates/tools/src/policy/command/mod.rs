//! Reading command lines, so that rules about commands mean what they say.
//! Invariant: what cannot be read is never taken for harmless: it is no plain command, and may be anything.
//! It must not know any rule. And it is no boundary: a program can run whatever it likes, and the sandbox alone
//! holds it. Reading is for honest mistakes and for what a person wants to be asked about.

mod document;
mod programs;
mod reader;
mod repeatable;
mod spellings;
mod word;

use std::cell::OnceCell;

use super::pattern::{Open, Pattern, UNKNOWN};
use super::sketch::Sketch;
use reader::Line;

/// A command line, read at the first need.
pub(super) struct Reading<'a> {
    line: &'a str,
    read: OnceCell<Read>,
}

/// What was read of a line.
struct Read {
    /// The commands in it, each in every spelling that a rule may mean, sorted.
    spellings: Vec<String>,
    /// Which spellings have unknown places.
    open: Vec<usize>,
    /// All spellings and the line itself.
    sketch: Sketch,
    /// The words of the line if it is plain.
    plain: Option<Vec<String>>,
}

/// Whether the same command line always does the same, as far as its text tells: a plain command without patterns of
/// files, of a program that is known to take nothing to do from the folder it runs in.
pub fn repeatable(command: &str) -> bool {
    let reading = Reading::new(command);
    reading.plain().is_some_and(repeatable::is_repeatable)
}

impl<'a> Reading<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line: line.trim(),
            read: OnceCell::new(),
        }
    }

    /// The whole line.
    pub(super) fn line(&self) -> &'a str {
        self.line
    }

    /// Whether the pattern covers a command in the line, in any spelling: with quotes resolved, assignments and
    /// wrappers stripped.
    pub(super) fn has(&self, pattern: &Pattern) -> bool {
        let spellings = &self.read().spellings;
        let literal = pattern.literal();
        let from = spellings.partition_point(|spelling| spelling.as_str() < literal);
        spellings[from..]
            .iter()
            .take_while(|spelling| spelling.starts_with(literal))
            .any(|spelling| pattern.covers(spelling))
    }

    /// Whether the pattern may cover a command in the line of which not everything can be told.
    pub(super) fn may_have(&self, pattern: &Pattern) -> bool {
        let read = self.read();
        let open = read
            .open
            .iter()
            .filter_map(|at| Open::of(&read.spellings[*at]));
        open.into_iter()
            .any(|spelling| pattern.may_cover(&spelling))
    }

    /// The words of a plain command: one command and nothing that composes, redirects or substitutes. None for
    /// any other.
    pub(super) fn plain(&self) -> Option<&[String]> {
        self.read().plain.as_deref()
    }

    /// The words that a pattern must begin with to allow the line: those which make it a shell, an interpreter or
    /// a wrapper. None if it is no plain command; empty if it may be allowed by any pattern.
    pub(super) fn named(&self) -> Option<&[String]> {
        let words = self.plain()?;
        Some(&words[..programs::carrier(words).map_or(0, |carrier| carrier.words)])
    }

    /// A quick look at the line and every command in it.
    pub(super) fn sketch(&self) -> &Sketch {
        &self.read().sketch
    }

    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let line = Line::read(self.line);
            let spellings = spellings::of(&line);
            let open = spellings.iter().enumerate();
            let open = open.filter(|(_, spelling)| spelling.contains(UNKNOWN));
            let mut sketch = Sketch::default();
            sketch.text(self.line);
            for spelling in &spellings {
                sketch.text(spelling);
            }
            Read {
                sketch,
                open: open.map(|(at, _)| at).collect(),
                plain: line.plain(),
                spellings,
            }
        })
    }
}
