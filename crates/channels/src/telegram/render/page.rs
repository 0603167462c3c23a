//! A document's blocks laid out as rich text.
//! Invariant: nothing of the document is dropped, and none of its text can call a person or lie about a link.
//! It must not know how long a message may be.

use unicode_width::UnicodeWidthStr as _;

use super::link::{Lead, lead};
use super::rich::{Rich, Style};
use crate::markdown::{Block, Face, Mark, Span, read};

/// The widest column of a table that the others are aligned to, in columns of a screen.
const WIDEST_COLUMN: usize = 40;

/// How a rule is drawn.
const RULE: &str = "──────────";

/// Markdown as rich text.
pub(in crate::telegram) fn rich(markdown: &str) -> Rich {
    let mut page = Page::default();
    page.blocks(&read(markdown), "\n\n");
    page.rich
}

/// A text that calls nobody: an `@` before what would be a name is cut off from it by a joiner that takes no room.
pub(in crate::telegram) fn uncalling(text: &str) -> String {
    let mut calm = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        calm.push(c);
        let named = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let in_word = before.is_some_and(|before: char| before.is_alphanumeric() || before == '_');
        if c == '@' && !in_word && characters.peek().is_some_and(named) {
            calm.push('\u{2060}');
        }
        before = Some(c);
    }
    calm
}

#[derive(Default)]
struct Page {
    rich: Rich,
    /// What every line begins with.
    indent: String,
    /// What the next line begins with, if that is something else.
    marker: Option<String>,
    quotes: usize,
}

impl Page {
    fn blocks(&mut self, blocks: &[Block], gap: &str) {
        for (index, block) in blocks.iter().enumerate() {
            if index > 0 {
                self.rich.push(gap);
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(spans) => self.spans(spans, Face::default()),
            Block::Heading { spans, .. } => {
                let strong = Face {
                    strong: true,
                    ..Face::default()
                };
                self.spans(spans, strong);
            }
            Block::Code { language, text } => self.code(language, text),
            Block::Quote(blocks) => self.quote(blocks),
            Block::List { start, items } => self.list(*start, items),
            Block::Table { header, rows } => self.code("", &table(header, rows)),
            Block::Rule => {
                self.line(RULE);
            }
        }
    }

    /// A block of code, exactly as it is, wherever it stands.
    fn code(&mut self, language: &str, text: &str) {
        if let Some(marker) = self.marker.take() {
            self.rich.push(&marker).push("\n");
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        self.rich.push_in(Style::Pre(language.to_owned()), text);
    }

    /// A quotation; Telegram does not nest them, so that inner ones get a bar.
    fn quote(&mut self, blocks: &[Block]) {
        let start = self.rich.len();
        let outer = self.indent.clone();
        if self.quotes > 0 {
            self.begin_line();
            self.marker = Some("│ ".to_owned());
            self.indent.push_str("│ ");
        }
        self.quotes += 1;
        self.blocks(blocks, "\n\n");
        self.quotes -= 1;
        self.indent = outer;
        self.marker = None;
        if self.quotes == 0 {
            self.rich.face(start, Style::Quote);
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Block>]) {
        for (index, item) in (0_u64..).zip(items) {
            if index > 0 {
                self.rich.push("\n");
            }
            let sign = match start {
                Some(first) => format!("{}. ", first.saturating_add(index)),
                None => "• ".to_owned(),
            };
            let outer = self.indent.clone();
            let lead = self.marker.take().unwrap_or_else(|| outer.clone());
            self.marker = Some(format!("{lead}{sign}"));
            self.indent = format!("{outer}{}", " ".repeat(sign.chars().count() + 1));
            self.blocks(item, "\n");
            if let Some(unused) = self.marker.take() {
                self.rich.push(unused.trim_end());
            }
            self.indent = outer;
        }
    }

    fn spans(&mut self, spans: &[Span], base: Face) {
        let mut rest = spans;
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|span| span.link == first.link);
            let (group, left) = rest.split_at(alike.count());
            match &first.link {
                None => self.run(group, base),
                Some(target) => self.link(group, base, target),
            }
            rest = left;
        }
    }

    fn link(&mut self, group: &[Span], base: Face, target: &str) {
        let text: String = group.iter().map(|span| span.text.as_str()).collect();
        self.begin_line();
        let start = self.rich.len();
        match lead(&text, target) {
            Lead::Link { url, reveal } => {
                // In a link code is not told apart.
                let plain = group.iter().map(|span| Span {
                    face: Face {
                        mark: match span.face.mark {
                            Mark::Code => Mark::None,
                            mark => mark,
                        },
                        ..span.face
                    },
                    ..span.clone()
                });
                self.run(&plain.collect::<Vec<_>>(), base);
                self.rich.face(start, Style::Link(url));
                if let Some(host) = reveal {
                    self.line(&format!(" ({})", uncalling(&host)));
                }
            }
            Lead::Text => {
                self.run(group, base);
                if !text.contains(target) {
                    self.line(&format!(" ({})", uncalling(target)));
                }
            }
        }
    }

    fn run(&mut self, spans: &[Span], base: Face) {
        for span in spans {
            let face = span.face;
            if face.mark == Mark::Code {
                self.styled(&span.text, &[Style::Code]);
                continue;
            }
            let styles = [
                (face.strong || base.strong, Style::Bold),
                (face.emphasis || base.emphasis, Style::Italic),
                (face.mark == Mark::Struck, Style::Struck),
            ];
            let styles: Vec<Style> = styles
                .into_iter()
                .filter_map(|(has, style)| has.then_some(style))
                .collect();
            self.styled(&uncalling(&span.text), &styles);
        }
    }

    /// Text whose lines begin as they must here; what they begin with has no face.
    fn styled(&mut self, text: &str, styles: &[Style]) {
        let whole = self.indent.is_empty();
        let mut lines: Vec<&str> = vec![text];
        if !whole {
            lines = text.split('\n').collect();
        }
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                self.rich.push("\n");
            }
            if line.is_empty() {
                continue;
            }
            self.begin_line();
            let start = self.rich.len();
            self.rich.push(line);
            for style in styles {
                self.rich.face(start, style.clone());
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.styled(text, &[]);
    }

    /// At a line's beginning writes what stands there.
    fn begin_line(&mut self) {
        let at_start = self.rich.text().is_empty() || self.rich.text().ends_with('\n');
        if let Some(marker) = self.marker.take() {
            self.rich.push(&marker);
        } else if at_start {
            let indent = self.indent.clone();
            self.rich.push(&indent);
        }
    }
}

/// A table as aligned text.
fn table(header: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) -> String {
    let cells = |row: &[Vec<Span>]| -> Vec<String> { row.iter().map(|cell| plain(cell)).collect() };
    let header = cells(header);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let texts = std::iter::once(&header).chain(&rows);
            let widths = texts.filter_map(|row| Some(row.get(column)?.width()));
            widths.max().unwrap_or(0).min(WIDEST_COLUMN)
        })
        .collect();
    let line = |row: &Vec<String>| -> String {
        let cells = row.iter().zip(&widths).map(|(text, width)| {
            let padding = width.saturating_sub(text.width());
            format!("{text}{}", " ".repeat(padding))
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let head = [line(&header), rule.join("  ")];
    let lines: Vec<String> = head.into_iter().chain(rows.iter().map(line)).collect();
    lines.join("\n")
}

/// A cell's text on one line; a link in it is spelled out, since nothing leads anywhere in code.
fn plain(cell: &[Span]) -> String {
    let mut text = String::new();
    for span in cell {
        text.push_str(&span.text.replace('\n', " "));
        if let Some(link) = span.link.as_ref().filter(|link| !span.text.contains(*link)) {
            text.extend([" (", link, ")"]);
        }
    }
    text
}
