//! How a person's keys become an answer.
//! Invariant: pure; only a key pressed alone, after the question was seen, decides: neither what was typed before,
//! nor a paste, nor the tail of a burst.
//! It must not know the question, nor read or draw anything.

mod answers;
mod line;

use console::truncate_str;
use corvid_core::wire::Millis;

pub(super) use answers::{approval, inquiry, outcome};
use line::Line;

use super::keyboard::Key;

/// How long after a question appears, or after a key that came too early, keys decide nothing, in milliseconds:
/// more than between two keys of somebody who types.
const DEAF: Millis = 300;

/// A key that decides stands alone for so long before and after, in milliseconds: less than any finger needs,
/// more than lies between two bytes of a paste or of one key's sequence.
pub(super) const SETTLE: Millis = 40;

const EARLY: &str = "that came too early";
const ALONE: &str = "one key at a time";
const PASTED: &str = "a paste is no answer";
const UNCLEAR: &str = "press one of these keys";
const EMPTY: &str = "please type something";

/// One way to answer.
pub(super) struct Way<T> {
    /// The key.
    pub(super) key: &'static str,
    /// The same in words, for whole lines.
    pub(super) words: &'static [&'static str],
    /// What it means.
    pub(super) meaning: &'static str,
    /// What it does.
    pub(super) then: Then<T>,
}

/// What a key does.
pub(super) enum Then<T> {
    /// It is the answer.
    Say(T),
    /// A text is typed, which is.
    Type(Typed<T>),
}

/// A text to be typed.
pub(super) struct Typed<T> {
    /// What stands before it.
    pub(super) label: &'static str,
    /// What it says; none if it says nothing.
    pub(super) says: Says<T>,
}

/// What a typed text says.
pub(super) type Says<T> = Box<dyn Fn(&str) -> Option<T> + Send + Sync>;

/// A question under way.
pub(super) struct Dialog<T> {
    /// Ways to answer by a key; none for a question that is answered by a text alone.
    ways: Vec<Way<T>>,
    /// The text for a question without ways, and what leaving it says.
    open: Option<(Typed<T>, T)>,
    /// The way whose text is typed now.
    typing: Option<usize>,
    line: Line,
    pending: Option<Pending>,
    deaf_until: Option<Millis>,
    last_key: Option<Millis>,
    hint: &'static str,
    said: Option<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Way(usize),
    Enter,
}

/// The line at which an answer is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    /// The line.
    pub(super) text: String,
    /// Columns from its end back to the cursor.
    pub(super) back: usize,
}

impl<T: Clone> Dialog<T> {
    fn new(ways: Vec<Way<T>>, open: Option<(Typed<T>, T)>) -> Self {
        Self {
            ways,
            open,
            typing: None,
            line: Line::default(),
            pending: None,
            deaf_until: None,
            last_key: None,
            hint: "",
            said: None,
        }
    }

    /// The keys and what they mean.
    pub(super) fn legend(&self) -> Vec<(&str, &str)> {
        let ways = self.ways.iter().map(|way| (way.key, way.meaning));
        let open = self.open.as_ref().map(|_| ("Enter", "sends what you type"));
        let leave = self.open.as_ref().map(|_| ("Esc", "leaves it unanswered"));
        ways.chain(open).chain(leave).collect()
    }

    /// The question appears, or appears again; keys count a moment later.
    pub(super) fn appear(&mut self, now: Millis) {
        self.deaf_until = Some(now.saturating_add(DEAF));
        self.pending = None;
    }

    /// The answer, once there is one.
    pub(super) fn said(&self) -> Option<&T> {
        self.said.as_ref()
    }

    /// When [`Dialog::quiet`] must be told, if nothing is typed until then.
    pub(super) fn settles_at(&self) -> Option<Millis> {
        self.pending?;
        self.last_key.map(|last| last.saturating_add(SETTLE))
    }

    /// Takes in a key.
    pub(super) fn key(&mut self, key: &Key, now: Millis) {
        self.quiet(now);
        if self.said.is_some() || self.is_deaf(now) {
            return;
        }
        let alone = self
            .last_key
            .is_none_or(|last| now.saturating_sub(last) >= SETTLE);
        self.last_key = Some(now);
        self.hint = "";
        let pending = self.pending.take();
        if self.typed().is_some() {
            if pending == Some(Pending::Enter) {
                self.line.end_line();
            }
            self.type_key(key);
            return;
        }
        if pending.is_some() || !alone {
            self.hint = ALONE;
            return;
        }
        match key {
            Key::Paste(_) => self.hint = PASTED,
            Key::Char(character) => {
                let way = self.way(&character.to_lowercase().to_string());
                self.pending = way.map(Pending::Way);
                self.hint = if way.is_none() { UNCLEAR } else { "" };
            }
            _ => self.hint = UNCLEAR,
        }
    }

    /// Takes in that the time is `now`, and that nothing was typed meanwhile.
    pub(super) fn quiet(&mut self, now: Millis) {
        if self.settles_at().is_none_or(|time| now < time) {
            return;
        }
        match self.pending.take() {
            Some(Pending::Way(way)) => self.choose(way),
            Some(Pending::Enter) => self.send(),
            None => {}
        }
    }

    /// Takes in a whole line, where there are no single keys.
    pub(super) fn line(&mut self, line: &str, now: Millis) {
        if self.said.is_some() || self.is_deaf(now) {
            return;
        }
        self.hint = "";
        let line = line.trim();
        if self.typed().is_some() {
            self.line.clear();
            self.line.key(&Key::Paste(line.to_owned()));
            return self.send();
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let whole = self.way(&line.to_lowercase());
        match whole.or_else(|| self.way(&word.to_lowercase())) {
            Some(way) if whole.is_some() => self.choose(way),
            Some(way) => match &self.ways[way].then {
                Then::Type(typed) => self.said = (typed.says)(rest.trim()),
                Then::Say(_) => self.hint = UNCLEAR,
            },
            None => self.hint = UNCLEAR,
        }
    }

    /// The line at which the answer is typed, at most `width` columns wide; `left` says how much time there is.
    pub(super) fn prompt(&self, width: usize, left: &str) -> Prompt {
        let hint = match self.hint {
            "" => String::new(),
            hint => format!(" · {hint}"),
        };
        let Some(typed) = self.typed() else {
            let keys: Vec<&str> = self.ways.iter().map(|way| way.key).collect();
            let left = if left.is_empty() {
                String::new()
            } else {
                format!(" · {left}")
            };
            let text = format!("  {}?{hint}{left} ", keys.join("/"));
            return Prompt {
                text: truncate_str(&text, width, "").into_owned(),
                back: 0,
            };
        };
        let label = format!("  {}{hint}: ", typed.label);
        // On a narrow screen what is typed matters more than what it is for.
        let label = truncate_str(&label, width / 2, "").into_owned();
        let view = self
            .line
            .view(width.saturating_sub(console::measure_text_width(&label)));
        Prompt {
            text: format!("{label}{}", view.text),
            back: view.back,
        }
    }

    fn type_key(&mut self, key: &Key) {
        match key {
            Key::Enter => self.pending = Some(Pending::Enter),
            Key::Escape if self.line.clear() => {}
            Key::Escape => self.leave(),
            Key::Control('d') if self.line.is_empty() => self.leave(),
            key => self.line.key(key),
        }
    }

    /// Whether keys do not count yet; one that comes now puts it off.
    fn is_deaf(&mut self, now: Millis) -> bool {
        if self.deaf_until.is_none_or(|until| now >= until) {
            self.deaf_until = None;
            return false;
        }
        self.deaf_until = Some(now.saturating_add(DEAF));
        self.hint = EARLY;
        true
    }

    fn way(&self, word: &str) -> Option<usize> {
        self.ways
            .iter()
            .position(|way| way.key == word || way.words.contains(&word))
    }

    fn choose(&mut self, way: usize) {
        match &self.ways[way].then {
            Then::Say(answer) => self.said = Some(answer.clone()),
            Then::Type(_) => self.typing = Some(way),
        }
    }

    /// The text that is typed now.
    fn typed(&self) -> Option<&Typed<T>> {
        match self.typing.map(|way| &self.ways[way].then) {
            Some(Then::Type(typed)) => Some(typed),
            _ => self.open.as_ref().map(|(typed, _)| typed),
        }
    }

    fn send(&mut self) {
        let text = self.line.text();
        self.said = self.typed().and_then(|typed| (typed.says)(text.trim()));
        if self.said.is_none() {
            self.hint = EMPTY;
        }
    }

    /// Back to the keys; where there are none, the question is left.
    fn leave(&mut self) {
        match (self.typing.take(), &self.open) {
            (None, Some((_, left))) => self.said = Some(left.clone()),
            _ => self.line = Line::default(),
        }
    }
}

#[cfg(test)]
mod tests;
