//! The forms of all secrets, and their hits in a text, those that are broken over lines among them.
//! Invariant: of the hits that begin first the longest is taken, and hits never overlap.
//! It must not know a stream, nor how a form is written.

use std::borrow::Cow;

use super::finder::{Finder, Hit};
use super::lines::{Breakable, Joined};
use super::{MARK, spelling};
use crate::Secret;

/// Every form of every secret.
pub(super) struct Forms {
    /// All forms, as they are.
    whole: Finder,
    /// Those that may be broken over lines.
    broken: Finder,
    breakable: Breakable,
}

impl Forms {
    pub(super) fn new(secrets: &[(String, Secret)]) -> Self {
        let marked = |forms: fn(&str) -> Vec<Vec<u8>>| {
            let mut found = Vec::new();
            for (name, secret) in secrets {
                let mark = format!("{MARK}:{name}]");
                let forms = forms(secret.expose()).into_iter();
                found.extend(forms.map(|form| (form, mark.clone())));
            }
            Finder::new(found)
        };
        let broken = marked(spelling::breakable);
        Self {
            whole: marked(spelling::forms),
            breakable: Breakable::new(broken.forms()),
            broken,
        }
    }

    /// The hits in a text, one after another.
    pub(super) fn hits<'a>(&'a self, bytes: &'a [u8]) -> Hits<'a> {
        Hits {
            forms: self,
            bytes,
            at: 0,
            whole: Next::Unknown,
            broken: Next::Unknown,
            run: Joined::default(),
            after_run: 0,
        }
    }

    /// Where, at or after `from`, a form may have begun of which more is to come; the end of `bytes` if nowhere.
    pub(super) fn unfinished(&self, bytes: &[u8], from: usize) -> usize {
        let whole = self.whole.unfinished(bytes, from);
        let broken = self.breakable.last_run(bytes, from).and_then(|run| {
            let at = self.broken.unfinished(&run.bytes, 0)?;
            Some(run.start(at))
        });
        whole.into_iter().chain(broken).min().unwrap_or(bytes.len())
    }

    /// The longest form with every break that it may have, in bytes.
    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        let broken = self.broken.longest();
        let breaks = broken.saturating_sub(1) * super::lines::LONGEST_BREAK;
        self.whole.longest().max(broken + breaks)
    }

    /// The text with marks for its hits.
    pub(super) fn replace<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut without = String::new();
        let mut rest = 0;
        for hit in self.hits(text.as_bytes()) {
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
}

/// The hits in a text.
pub(super) struct Hits<'a> {
    forms: &'a Forms,
    bytes: &'a [u8],
    /// Where the last hit ended.
    at: usize,
    whole: Next<'a>,
    broken: Next<'a>,
    /// The run of lines that is being searched for broken forms.
    run: Joined,
    after_run: usize,
}

/// What is known of the next hit of one kind.
#[derive(Clone, Copy)]
enum Next<'a> {
    Unknown,
    Known(Option<Hit<'a>>),
}

impl<'a> Next<'a> {
    /// The next hit at or after `at`, searched for unless it is known.
    fn from(self, at: usize, find: impl FnOnce() -> Option<Hit<'a>>) -> Option<Hit<'a>> {
        match self {
            Self::Known(hit) if hit.is_none_or(|hit| hit.start >= at) => hit,
            _ => find(),
        }
    }
}

impl<'a> Hits<'a> {
    /// The first broken form at or after the last hit.
    fn find_broken(&mut self) -> Option<Hit<'a>> {
        let forms = self.forms;
        loop {
            let from = self.run.at_or_after(self.at);
            if from < self.run.bytes.len()
                && let Some(hit) = forms.broken.find(&self.run.bytes, from)
            {
                let (start, end) = self.run.place(hit.start, hit.end);
                return Some(Hit { start, end, ..hit });
            }
            let from = self.after_run.max(self.at);
            self.after_run = forms.breakable.next_run(self.bytes, from, &mut self.run)?;
        }
    }
}

impl<'a> Iterator for Hits<'a> {
    type Item = Hit<'a>;

    fn next(&mut self) -> Option<Hit<'a>> {
        let (forms, bytes, at) = (self.forms, self.bytes, self.at);
        let whole = self.whole.from(at, || forms.whole.find(bytes, at));
        let broken = self.broken.from(at, || self.find_broken());
        self.whole = Next::Known(whole);
        self.broken = Next::Known(broken);
        let hit = match (whole, broken) {
            (Some(whole), Some(broken)) => {
                let is_broken = broken.start < whole.start
                    || (broken.start == whole.start && broken.end > whole.end);
                if is_broken { broken } else { whole }
            }
            (whole, broken) => whole.or(broken)?,
        };
        self.at = hit.end;
        Some(hit)
    }
}
