//! From markdown's source to blocks: one pass over the parser's events with a stack of open containers.
//! Invariant: every container that was opened is closed, and nothing of the source's text is dropped.
//! It must not know any channel.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{Block, Face, MAX_DEPTH, Mark, Span};
use crate::inert::inert;

/// Reads markdown. Any text is a document; raw HTML is kept as the text that it is.
pub fn read(source: &str) -> Vec<Block> {
    let source = inert(source);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(&source, options) {
        reader.event(event);
    }
    reader.end_paragraph();
    reader.root
}

#[derive(Default)]
struct Reader {
    root: Vec<Block>,
    open: Vec<Container>,
    /// Containers opened beyond the depth that is kept, still to be closed.
    beyond: usize,
    spans: Vec<Span>,
    face: Face,
    struck: usize,
    link: Option<String>,
    /// Links within each other, as a picture within a link is.
    links: usize,
    /// Whether the link has a text.
    is_linked: bool,
    code: Option<(String, String)>,
    table: Option<Table>,
}

enum Container {
    Quote(Vec<Block>),
    List(Option<u64>, Vec<Vec<Block>>),
    Item(Vec<Block>),
}

#[derive(Default)]
struct Table {
    header: Vec<Vec<Span>>,
    rows: Vec<Vec<Vec<Span>>>,
    row: Vec<Vec<Span>>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => self.text(&text, Mark::Code),
            Event::Text(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::Html(text)
            | Event::InlineHtml(text) => self.text(&text, self.mark()),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]"), Mark::None),
            // In a chat a line's end is meant, whether or not two blanks stand before it.
            Event::SoftBreak | Event::HardBreak => self.text("\n", Mark::None),
            Event::TaskListMarker(done) => {
                self.text(if done { "[x] " } else { "[ ] " }, Mark::None);
            }
            Event::Rule => {
                self.end_paragraph();
                self.push(Block::Rule);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis => self.face.emphasis = true,
            Tag::Strong => self.face.strong = true,
            Tag::Strikethrough => self.struck += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.start_link(&dest_url),
            Tag::CodeBlock(kind) => {
                self.end_paragraph();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        inert(info.split_whitespace().next().unwrap_or("")).into_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::BlockQuote(_) => self.enter(Container::Quote(Vec::new())),
            Tag::List(start) => self.enter(Container::List(start, Vec::new())),
            Tag::Item => self.enter(Container::Item(Vec::new())),
            Tag::Table(_) => {
                self.end_paragraph();
                self.table = Some(Table::default());
            }
            Tag::Paragraph | Tag::Heading { .. } | Tag::HtmlBlock => self.end_paragraph(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis => self.face.emphasis = false,
            TagEnd::Strong => self.face.strong = false,
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Heading(level) => {
                let spans = std::mem::take(&mut self.spans);
                self.push(Block::Heading {
                    level: level as u8,
                    spans,
                });
            }
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    self.push(Block::Code { language, text });
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => self.leave(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::TableHead | TagEnd::TableRow => self.end_row(tag == TagEnd::TableHead),
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let Table { header, rows, .. } = table;
                    self.push(Block::Table { header, rows });
                }
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.end_paragraph(),
            _ => {}
        }
    }

    fn mark(&self) -> Mark {
        match self.struck {
            0 => Mark::None,
            _ => Mark::Struck,
        }
    }

    /// A picture within a link leads where the link does.
    fn start_link(&mut self, target: &str) {
        self.links += 1;
        if self.links == 1 {
            self.link = Some(inert(target).into_owned());
            self.is_linked = false;
        }
    }

    fn end_link(&mut self) {
        self.links = self.links.saturating_sub(1);
        if self.links > 0 {
            return;
        }
        if let Some(target) = self.link.clone().filter(|_| !self.is_linked) {
            self.text(&target, self.mark());
        }
        self.link = None;
    }

    /// The source was inert, but a character reference in it (`&#27;`) is read here.
    fn text(&mut self, text: &str, mark: Mark) {
        let text = &*inert(text);
        self.is_linked |= !text.is_empty();
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        let face = Face { mark, ..self.face };
        match self.spans.last_mut() {
            Some(last) if last.face == face && last.link == self.link => last.text.push_str(text),
            _ => self.spans.push(Span {
                text: text.to_owned(),
                face,
                link: self.link.clone(),
            }),
        }
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.spans);
        if let Some(table) = &mut self.table {
            table.row.push(cell);
        }
    }

    fn end_row(&mut self, is_header: bool) {
        if let Some(table) = &mut self.table {
            let row = std::mem::take(&mut table.row);
            if is_header {
                table.header = row;
            } else {
                table.rows.push(row);
            }
        }
    }

    fn enter(&mut self, container: Container) {
        self.end_paragraph();
        if self.beyond > 0 || self.open.len() >= MAX_DEPTH {
            self.beyond += 1;
        } else {
            self.open.push(container);
        }
    }

    fn leave(&mut self) {
        self.end_paragraph();
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        match self.open.pop() {
            Some(Container::Quote(blocks)) => self.push(Block::Quote(blocks)),
            Some(Container::List(start, items)) => self.push(Block::List { start, items }),
            Some(Container::Item(blocks)) => match self.open.last_mut() {
                Some(Container::List(_, items)) => items.push(blocks),
                _ => blocks.into_iter().for_each(|block| self.push(block)),
            },
            None => {}
        }
    }

    /// Ends the running text; in a tight list that is the only thing that does.
    fn end_paragraph(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end_matches('\n').len());
            self.push(Block::Paragraph(spans));
        }
    }

    fn push(&mut self, block: Block) {
        match self.open.last_mut() {
            Some(Container::Quote(blocks) | Container::Item(blocks)) => blocks.push(block),
            Some(Container::List(_, items)) => items.push(vec![block]),
            None => self.root.push(block),
        }
    }
}

#[cfg(test)]
mod tests;
