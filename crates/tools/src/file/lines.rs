//! Reading some lines of a text file of any size.
//! Invariant: memory is bounded by what is shown, never by the file or a line of it.
//! It must not know where the file is.

use std::io::{self, BufRead};

use crate::blocking::Leash;
use crate::display::visible;

/// The longest line that is shown whole, in characters.
pub(crate) const LINE_CHARS: usize = 2_000;

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first line, from 1.
    pub(crate) first: u64,
    /// At most so many lines.
    pub(crate) lines: u64,
    /// At most so many characters, line ends included.
    pub(crate) chars: usize,
}

/// Some lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The lines, each with its newline.
    pub(crate) text: String,
    /// How many lines there are in `text`.
    pub(crate) shown: u64,
    /// How many lines were passed over before.
    pub(crate) passed: u64,
    /// Whether more lines follow.
    pub(crate) more: bool,
    /// Whether something in `text` was no valid UTF-8.
    pub(crate) lossy: bool,
}

/// Why lines cannot be read.
#[derive(Debug)]
pub(crate) enum LinesError {
    /// The file could not be read.
    Io(io::Error),
    /// The call was ended.
    Ended(corvid_core::ToolError),
}

/// Reads the lines of the window.
pub(crate) fn read(
    reader: &mut impl BufRead,
    window: Window,
    leash: &Leash,
) -> Result<Lines, LinesError> {
    let mut lines = Lines::default();
    let mut chars = 0;
    while lines.passed + 1 < window.first {
        leash.check().map_err(LinesError::Ended)?;
        if next(reader, 0, leash)?.is_none() {
            return Ok(lines);
        }
        lines.passed += 1;
    }
    while lines.shown < window.lines {
        leash.check().map_err(LinesError::Ended)?;
        let Some(line) = next(reader, LINE_CHARS * 4, leash)? else {
            return Ok(lines);
        };
        let (text, lossy) = line.text();
        let length = text.chars().count();
        // The first line is shown in any case, or reading on would stand still.
        if lines.shown > 0 && chars + length > window.chars {
            lines.more = true;
            return Ok(lines);
        }
        chars += length;
        lines.text += &text;
        lines.lossy |= lossy;
        lines.shown += 1;
    }
    lines.more = !reader.fill_buf().map_err(LinesError::Io)?.is_empty();
    Ok(lines)
}

/// A line, of which only the beginning may be kept.
struct Line {
    kept: Vec<u8>,
    bytes: u64,
}

impl Line {
    /// The line as it is shown, with its newline, and whether something in it was no valid UTF-8.
    fn text(&self) -> (String, bool) {
        let kept = self.kept.strip_suffix(b"\n").unwrap_or(&self.kept);
        let kept = kept.strip_suffix(b"\r").unwrap_or(kept);
        let text = String::from_utf8_lossy(kept);
        let cut_in_file = (self.bytes > self.kept.len() as u64).then_some(self.kept.len());
        let cut_here = text.char_indices().nth(LINE_CHARS).map(|(byte, _)| byte);
        // A character cut by the bound is not the file's fault.
        let lossy = matches!(text, std::borrow::Cow::Owned(_)) && cut_in_file.is_none();
        let shown = visible(&text[..cut_here.unwrap_or(text.len())]);
        if let Some(kept) = cut_here.or(cut_in_file) {
            let left = self.bytes.saturating_sub(kept as u64);
            return (
                format!("{shown}[… {left} bytes more in this line]\n"),
                lossy,
            );
        }
        (format!("{shown}\n"), lossy)
    }
}

/// The next line with its newline, of which at most `keep` bytes are kept; `None` at the end.
fn next(reader: &mut impl BufRead, keep: usize, leash: &Leash) -> Result<Option<Line>, LinesError> {
    let mut line = Line {
        kept: Vec::new(),
        bytes: 0,
    };
    loop {
        let buffer = reader.fill_buf().map_err(LinesError::Io)?;
        if buffer.is_empty() {
            return Ok((line.bytes > 0).then_some(line));
        }
        let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
        let used = end.unwrap_or(buffer.len());
        let room = keep.saturating_sub(line.kept.len()).min(used);
        line.kept.extend_from_slice(&buffer[..room]);
        line.bytes += used as u64;
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
        leash.check().map_err(LinesError::Ended)?;
    }
}
