//! Text that somebody decides upon, as rows in which every character is seen.
//! Invariant: two different texts never look alike: what acts, hides or only looks like a blank is spelled out, and
//! so is whatever could be taken for such a spelling. No row is wider than asked, on any terminal.
//! It must not know what the text is, nor what stands around its rows.

use console::Style;
use unicode_width::UnicodeWidthChar as _;

use crate::spelled::{BLANK, END, spelled};

/// The narrowest row, in columns: it must hold a spelled-out character.
const NARROWEST: usize = 12;

/// How a text becomes rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The widest row, in columns.
    pub(super) width: usize,
    /// How much of the text's making is shown.
    pub(super) detail: Detail,
}

/// How much of a text's making is shown, beside what hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Line ends, and blanks at the end of every row.
    Exact,
    /// As [`Detail::Exact`], but for line ends and the signs in the first column.
    Diff,
    /// Line ends, and blanks at the end of lines alone: it is read, not run.
    Prose,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Whether it goes on with the line of the row before.
    pub(super) goes_on: bool,
    /// The text, styled.
    pub(super) text: String,
}

/// Breaks a text into rows; `base` is the style of each line's plain characters, `mark` that of what stands for
/// others. A line feed at the very end opens no further line.
pub(super) fn rows(
    text: &str,
    shape: Shape,
    base: impl Fn(&str) -> Style,
    mark: &Style,
) -> Vec<Row> {
    let width = shape.width.max(NARROWEST);
    let mut rows = Vec::new();
    for line in text.split_inclusive('\n') {
        let (line, ended) = match line.strip_suffix('\n') {
            Some(line) => (line, true),
            None => (line, false),
        };
        let mut cells: Vec<Cell> = line.chars().map(Cell::of).collect();
        if ended && shape.detail != Detail::Diff {
            cells.push(Cell::mark(END));
        }
        let style = base(line);
        let broken = broken(&cells, width);
        let last = broken.len() - 1;
        for (index, row) in broken.into_iter().enumerate() {
            let unmarked = match shape.detail {
                Detail::Diff if index == 0 => 1,
                Detail::Prose if index < last => row.len(),
                _ => 0,
            };
            rows.push(Row {
                goes_on: index > 0,
                text: painted(row, unmarked, &style, mark),
            });
        }
    }
    rows
}

/// One character as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    shown: Shown,
    /// In columns; never less than what a terminal takes for it.
    width: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// As it is.
    Plain(char),
    /// By what stands for it.
    Mark(String),
}

impl Cell {
    fn of(character: char) -> Self {
        match spelled(character) {
            Some(spelled) => Self {
                width: spelled.chars().count(),
                shown: Shown::Mark(spelled),
            },
            None => Self {
                shown: Shown::Plain(character),
                width: widest(character),
            },
        }
    }

    fn mark(mark: char) -> Self {
        Self {
            shown: Shown::Mark(mark.to_string()),
            width: 1,
        }
    }

    fn is_blank(&self) -> bool {
        self.shown == Shown::Plain(' ')
    }
}

/// The most columns that a terminal takes for a character that it shows.
fn widest(character: char) -> usize {
    match character {
        // Halves of flags, which terminals count differently.
        '\u{1f1e6}'..='\u{1f1ff}' => 2,
        _ => character.width_cjk().unwrap_or(2).max(1),
    }
}

/// Breaks after a blank where there is one in the second half of a row, else anywhere.
fn broken(cells: &[Cell], width: usize) -> Vec<&[Cell]> {
    let mut rows = Vec::new();
    let mut rest = cells;
    loop {
        let fits = fitting(rest, width);
        if fits == rest.len() {
            rows.push(rest);
            return rows;
        }
        let head = &rest[..fits];
        let after_blank = head.iter().rposition(Cell::is_blank).map(|at| at + 1);
        let at = after_blank.filter(|at| *at > fits / 2).unwrap_or(fits);
        let (row, left) = rest.split_at(at.max(1));
        rows.push(row);
        rest = left;
    }
}

/// How many cells fit.
fn fitting(cells: &[Cell], width: usize) -> usize {
    let mut used = 0;
    for (index, cell) in cells.iter().enumerate() {
        used += cell.width;
        if used > width {
            return index;
        }
    }
    cells.len()
}

/// A row's text; the blanks at its end are marked, but for those among its first `unmarked` cells.
fn painted(row: &[Cell], unmarked: usize, base: &Style, mark: &Style) -> String {
    let seen = row.iter().rposition(|cell| !cell.is_blank());
    let first_trailing = seen.map_or(0, |at| at + 1).max(unmarked);
    let mut text = String::new();
    let mut plain = String::new();
    let flush = |plain: &mut String, text: &mut String| {
        if !plain.is_empty() {
            text.push_str(&base.apply_to(std::mem::take(plain)).to_string());
        }
    };
    for (index, cell) in row.iter().enumerate() {
        match &cell.shown {
            Shown::Plain(' ') if index >= first_trailing => {
                flush(&mut plain, &mut text);
                text.push_str(&mark.apply_to(BLANK).to_string());
            }
            Shown::Plain(character) => plain.push(*character),
            Shown::Mark(shown) => {
                flush(&mut plain, &mut text);
                text.push_str(&mark.apply_to(shown).to_string());
            }
        }
    }
    flush(&mut plain, &mut text);
    text
}
