//! Cutting a text that is too long for one message: after a paragraph, else after a line, else after a word.
//! Invariant: every piece fits, only white space at the cuts is dropped, and nothing that fits into a piece of its own
//! is cut.
//! It must not know a messenger: the limit, its unit and what belongs together are handed in.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

/// How long a piece may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The most units in a piece.
    pub limit: usize,
    /// How many units a character takes.
    pub unit: fn(char) -> usize,
}

/// A stretch of the text that belongs together, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Where it is.
    pub range: Range<usize>,
    /// What it is.
    pub kind: HoldKind,
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldKind {
    /// Running text (a link, a bold run, a quotation).
    Words,
    /// Code in which blanks count: cut only at its lines' ends, as far as they fit.
    Code,
}

/// Cuts `text` into pieces and returns where they are, in order; none of them is blank. A hold that is too long for a
/// piece is cut like any other text; whoever spells it closes and opens it again.
pub fn split(text: &str, holds: &[Hold], room: Room) -> Vec<Range<usize>> {
    let code = holds.iter().filter(|hold| hold.kind == HoldKind::Code);
    let mut code: Vec<Range<usize>> = code.map(|hold| hold.range.clone()).collect();
    code.sort_by_key(|code| code.start);
    let cutter = Cutter {
        text,
        code,
        whole: holds
            .iter()
            .filter(|hold| fits(&text[hold.range.clone()], room))
            .map(|hold| hold.range.clone())
            .collect(),
        room,
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = cutter.cut(start);
        let piece = cutter.trimmed(start..end);
        if !text[piece.clone()].trim().is_empty() {
            pieces.push(piece);
        }
        start = cutter.resume(end);
    }
    pieces
}

/// Whether a text fits into one piece.
pub fn fits(text: &str, room: Room) -> bool {
    let mut left = room.limit;
    text.chars().all(|character| {
        let unit = (room.unit)(character);
        let enough = unit <= left;
        left = left.saturating_sub(unit);
        enough
    })
}

struct Cutter<'t> {
    text: &'t str,
    /// Code, in the order of its places.
    code: Vec<Range<usize>>,
    /// What is not cut.
    whole: Vec<Range<usize>>,
    room: Room,
}

/// How good a place to cut is, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Anywhere,
    Word,
    Line,
    Paragraph,
}

impl Cutter<'_> {
    /// Where the piece that begins at `start` ends.
    fn cut(&self, start: usize) -> usize {
        let (full, third) = self.reach(start);
        if full == self.text.len() {
            return full;
        }
        let places = || {
            let window = self.text[start..].char_indices();
            let ends = window.map(move |(at, character)| start + at + character.len_utf8());
            ends.take_while(move |end| *end <= full)
        };
        // Only those that the piece touches, since each place is held against all of them.
        let near: Vec<&Range<usize>> = self
            .whole
            .iter()
            .filter(|hold| hold.start < full && start < hold.end)
            .collect();
        let is_inside = |at: usize| near.iter().any(|hold| hold.start < at && at < hold.end);
        let best = |from: usize| {
            places()
                .filter(|end| *end >= from && !is_inside(*end))
                .filter_map(|end| Some((self.grade(start, end)?, end)))
                .max()
        };
        // A piece that is a third full may end with its paragraph; one that is not had better go on.
        let roomy = best(third).filter(|(grade, _)| *grade > Grade::Anywhere);
        let found = roomy.or_else(|| best(start)).map(|(_, end)| end);
        found.unwrap_or(full)
    }

    /// How far a piece that begins at `start` can reach, and where a third of it is; at least one character.
    fn reach(&self, start: usize) -> (usize, usize) {
        let mut used = 0;
        let (mut full, mut third) = (start, start);
        for (at, character) in self.text[start..].char_indices() {
            used += (self.room.unit)(character);
            if used > self.room.limit && full > start {
                break;
            }
            full = start + at + character.len_utf8();
            if used <= self.room.limit / 3 {
                third = full;
            }
        }
        (full, third)
    }

    fn code_at(&self, at: usize) -> bool {
        let begun = self.code.partition_point(|code| code.start < at);
        begun > 0 && at < self.code[begun - 1].end
    }

    /// How good it is to cut at `end`; none if a character would be torn off what it belongs to.
    fn grade(&self, start: usize, end: usize) -> Option<Grade> {
        let (before, after) = (&self.text[start..end], &self.text[end..]);
        let next = after.chars().next()?;
        let last = before.chars().next_back()?;
        if last == '\n' || next == '\n' {
            let paragraph = before.ends_with("\n\n") || after.starts_with("\n\n");
            return Some(if paragraph && !self.code_at(end) {
                Grade::Paragraph
            } else {
                Grade::Line
            });
        }
        if last.is_whitespace() || next.is_whitespace() {
            return Some(Grade::Word);
        }
        // Marks and joiners belong to what stands before them, and a joiner binds what follows.
        let bound = next.width() == Some(0) || last == '\u{200d}';
        (!bound).then_some(Grade::Anywhere)
    }

    /// The piece without the white space at its end. Blanks in code are kept.
    fn trimmed(&self, piece: Range<usize>) -> Range<usize> {
        let text = &self.text[piece.clone()];
        let kept = if self.code_at(piece.end) {
            text.strip_suffix('\n').unwrap_or(text)
        } else {
            text.trim_end()
        };
        piece.start..piece.start + kept.len()
    }

    /// Where the next piece begins: white space at a cut is dropped, but in code only one line's end.
    fn resume(&self, end: usize) -> usize {
        let rest = &self.text[end..];
        if self.code_at(end) {
            let ended = self.text[..end].ends_with('\n');
            return end + usize::from(!ended && rest.starts_with('\n'));
        }
        let skipped = rest.len() - rest.trim_start().len();
        let blanks = end..end + skipped;
        // Code that begins behind the blanks keeps its own.
        let begun = self.code.partition_point(|code| code.start < end);
        let code = self.code.get(begun).map(|code| code.start);
        let code = code.filter(|at| blanks.contains(at));
        code.unwrap_or(blanks.end)
    }
}

#[cfg(test)]
mod tests;
