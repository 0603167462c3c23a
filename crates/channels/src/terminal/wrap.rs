//! Breaking styled text into lines no wider than the screen.
//! Invariant: no word is dropped or split; one that is too wide has a line to itself, so that it can be copied.
//! It must not know markdown.

use console::{Style, measure_text_width};

/// Text in one style.
pub(super) struct Piece {
    /// The text; a line feed in it ends the line.
    pub(super) text: String,
    /// How it is written.
    pub(super) style: Style,
}

/// Breaks `pieces` between words into lines of at most `width` columns, styles applied.
pub(super) fn wrap(pieces: &[Piece], width: usize) -> Vec<String> {
    let mut lines = Lines {
        width,
        ..Lines::default()
    };
    for piece in pieces {
        for part in piece.text.split_inclusive([' ', '\t', '\n']) {
            let word = part.trim_end_matches([' ', '\t', '\n']);
            lines.add(word, &piece.style);
            if part.ends_with('\n') {
                lines.end_line();
            } else if part.len() > word.len() {
                lines.end_word();
            }
        }
    }
    lines.end_word();
    if !lines.line.is_empty() {
        lines.end_line();
    }
    lines.done
}

#[derive(Default)]
struct Lines {
    width: usize,
    done: Vec<String>,
    line: String,
    line_width: usize,
    /// The word so far; it may change its style in the middle.
    word: String,
    word_width: usize,
}

impl Lines {
    fn add(&mut self, text: &str, style: &Style) {
        if !text.is_empty() {
            self.word.push_str(&style.apply_to(text).to_string());
            self.word_width += measure_text_width(text);
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        if self.line_width > 0 {
            if self.line_width + 1 + self.word_width > self.width {
                self.break_line();
            } else {
                self.line.push(' ');
                self.line_width += 1;
            }
        }
        self.line.push_str(&std::mem::take(&mut self.word));
        self.line_width += std::mem::take(&mut self.word_width);
    }

    fn end_line(&mut self) {
        self.end_word();
        self.break_line();
    }

    fn break_line(&mut self) {
        self.done.push(std::mem::take(&mut self.line));
        self.line_width = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], width: usize, expect: &[&str]) {
        let pieces: Vec<Piece> = pieces
            .iter()
            .map(|text| Piece {
                text: (*text).to_owned(),
                style: Style::new().force_styling(false),
            })
            .collect();
        assert_eq!(wrap(&pieces, width), expect);
    }

    #[test]
    fn lines_break_between_words() {
        check(&["one two three"], 7, &["one two", "three"]);
    }

    #[test]
    fn a_word_may_change_its_style() {
        check(&["un", "believ", "able x"], 9, &["unbelievable", "x"]);
    }

    #[test]
    fn an_asked_for_break_is_kept() {
        check(&["a\nb"], 20, &["a", "b"]);
    }

    #[test]
    fn a_long_word_stays_whole() {
        check(
            &["see https://example.org/x now"],
            10,
            &["see", "https://example.org/x", "now"],
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        check(&["鳥鳥 鳥"], 5, &["鳥鳥", "鳥"]);
    }
}
