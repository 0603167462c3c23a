//! A reply as terminal text: laid out and coloured for a screen, as it was written for a pipe.
//! Invariant: pure; the only escape sequences in it are the ones written here.
//! It must not know whether anything is a terminal.

use console::{Style, measure_text_width};

use super::wrap::{Piece, wrap};
use crate::inert::inert;
use crate::markdown::{Block, Face, Mark, Span, read};

/// How text is laid out on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The screen's width in columns.
    pub width: usize,
    /// Whether colours and faces may be used (`NO_COLOR`, a dumb terminal).
    pub color: bool,
}

/// The widest text that is still pleasant to read, in columns.
const READABLE: usize = 100;

/// The narrowest text that is laid out, in columns.
const NARROWEST: usize = 10;

/// Markdown for a screen, ended by a line feed; empty for an empty text.
pub fn screen(markdown: &str, look: Look) -> String {
    let width = look.width.clamp(NARROWEST, READABLE);
    let page = Page {
        width,
        color: look.color,
    };
    let lines = page.blocks(&read(markdown), width);
    lines.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(line.trim_end_matches(' '));
        text.push('\n');
        text
    })
}

/// Markdown for a pipe: the very text, made inert, ended by a line feed; empty for an empty text.
pub fn plain(markdown: &str) -> String {
    let mut text = inert(markdown).into_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

struct Page {
    width: usize,
    color: bool,
}

impl Page {
    fn blocks(&self, blocks: &[Block], width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for block in blocks {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(self.block(block, width));
        }
        lines
    }

    fn block(&self, block: &Block, width: usize) -> Vec<String> {
        match block {
            Block::Paragraph(spans) => wrap(&self.pieces(spans, &self.style()), width),
            Block::Heading { level, spans } => {
                let style = match level {
                    1 => self.style().bold().underlined(),
                    _ => self.style().bold(),
                };
                wrap(&self.pieces(spans, &style), width)
            }
            Block::Code { text, .. } => {
                let style = self.style().cyan();
                text.lines()
                    .map(|line| format!("  {}", style.apply_to(line)))
                    .collect()
            }
            Block::Quote(blocks) => {
                let bar = self.style().dim().apply_to("│ ").to_string();
                prefixed(
                    self.blocks(blocks, width.saturating_sub(2).max(10)),
                    &bar,
                    &bar,
                )
            }
            Block::List { start, items } => self.list(*start, items, width),
            Block::Table { header, rows } => self.table(header, rows),
            Block::Rule => vec![
                self.style()
                    .dim()
                    .apply_to("─".repeat(self.width.min(40)))
                    .to_string(),
            ],
        }
    }

    fn list(&self, start: Option<u64>, items: &[Vec<Block>], width: usize) -> Vec<String> {
        let loose = items.iter().any(|item| {
            item.iter()
                .filter(|block| !matches!(block, Block::List { .. }))
                .count()
                > 1
        });
        let mut lines = Vec::new();
        for (index, item) in (0_u64..).zip(items) {
            if loose && index > 0 {
                lines.push(String::new());
            }
            let marker = match start {
                Some(first) => format!("{}. ", first.saturating_add(index)),
                None => "• ".to_owned(),
            };
            let indent = " ".repeat(measure_text_width(&marker));
            let inner = width.saturating_sub(indent.len()).max(10);
            let mut item_lines = Vec::new();
            for block in item {
                if loose && !item_lines.is_empty() {
                    item_lines.push(String::new());
                }
                item_lines.extend(self.block(block, inner));
            }
            if item_lines.is_empty() {
                item_lines.push(String::new());
            }
            lines.extend(prefixed(item_lines, &marker, &indent));
        }
        lines
    }

    fn table(&self, header: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) -> Vec<String> {
        let bold = self.style().bold();
        let cell = |spans: &Vec<Span>, style: &Style| -> String {
            let pieces = self.pieces(spans, style);
            wrap(&pieces, usize::MAX).join(" ")
        };
        let header: Vec<String> = header.iter().map(|spans| cell(spans, &bold)).collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|spans| cell(spans, &self.style())).collect())
            .collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                std::iter::once(&header)
                    .chain(&rows)
                    .filter_map(|row| row.get(column))
                    .map(|text| measure_text_width(text))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| -> String {
            row.iter()
                .zip(&widths)
                .map(|(text, width)| {
                    let padding = width.saturating_sub(measure_text_width(text));
                    format!("{text}{}", " ".repeat(padding))
                })
                .collect::<Vec<_>>()
                .join("  ")
        };
        let rule = widths
            .iter()
            .map(|width| "─".repeat(*width))
            .collect::<Vec<_>>()
            .join("  ");
        let rule = self.style().dim().apply_to(rule).to_string();
        [line(&header), rule]
            .into_iter()
            .chain(rows.iter().map(line))
            .collect()
    }

    fn pieces(&self, spans: &[Span], base: &Style) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for span in spans {
            let style = faced(span.face, base);
            // Without colours a reader could not tell code from text.
            let text = match span.face.mark {
                Mark::Code if !self.color => format!("`{}`", span.text),
                _ => span.text.clone(),
            };
            pieces.push(Piece { text, style });
            if let Some(link) = span
                .link
                .as_ref()
                .filter(|link| !span.text.contains(*link) && !link.is_empty())
            {
                pieces.push(Piece {
                    text: format!(" ({link})"),
                    style: self.style().dim(),
                });
            }
        }
        pieces
    }

    fn style(&self) -> Style {
        Style::new().force_styling(self.color)
    }
}

fn faced(face: Face, base: &Style) -> Style {
    let mut style = base.clone();
    if face.strong {
        style = style.bold();
    }
    if face.emphasis {
        style = style.italic();
    }
    match face.mark {
        Mark::None => style,
        Mark::Struck => style.strikethrough(),
        Mark::Code => style.cyan(),
    }
}

fn prefixed(lines: Vec<String>, first: &str, rest: &str) -> Vec<String> {
    lines
        .into_iter()
        .enumerate()
        .map(|(index, line)| match index {
            0 => format!("{first}{line}"),
            _ => format!("{rest}{line}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "# What I found\n\nThe folder holds **two** files and *one* folder, see [the \
        guide](https://example.org/guide) or run `ls -la` yourself if you would rather look with your own eyes.\n\n\
        1. `main.rs`\n   - opens with `//!`\n   - 40 lines\n2. ~~old~~ `lib.rs`\n\n> quoted words\n> go on\n\n\
        ```sh\nls   -la\n```\n\n| name | bytes |\n|---|---|\n| main.rs | 120 |\n| 鳥 | 7 |\n\n---\n";

    const NARROW: Look = Look {
        width: 60,
        color: false,
    };

    #[test]
    fn markdown_is_laid_out() {
        insta::assert_snapshot!(screen(SAMPLE, NARROW));
    }

    #[test]
    fn markdown_is_coloured() {
        let text = screen(
            "# Big\n\n**bold** *slanted* `code`",
            Look {
                width: 60,
                color: true,
            },
        );
        insta::assert_snapshot!(text.replace('\u{1b}', "^"));
    }

    #[test]
    fn no_colour_means_no_escape_at_all() {
        assert!(!screen(SAMPLE, NARROW).contains('\u{1b}'));
    }

    #[test]
    fn a_pipe_gets_the_text_as_it_was_written() {
        assert_eq!(plain("**a**\n\n- b"), "**a**\n\n- b\n");
        assert_eq!(plain(""), "");
    }

    #[test]
    fn escapes_of_the_model_are_inert_on_both() {
        let hostile =
            "\u{1b}]0;owned\u{7} `\u{1b}[2J` [x](http://a/\u{1b}[31m)\n\n```\n\u{1b}[8m\n```";
        let coloured = Look {
            width: 60,
            color: true,
        };
        for text in [plain(hostile), screen(hostile, NARROW)] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
        }
        assert!(!screen(hostile, coloured).contains("\u{1b}]"));
        assert!(!screen(hostile, coloured).contains("\u{1b}[2J"));
    }
}
