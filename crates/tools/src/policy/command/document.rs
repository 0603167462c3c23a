//! Here-documents: what is written to a command's input by the lines below it.
//! Invariant: a document ends here where it ends for a shell, or the line counts as unreadable.
//! It must not know which commands run their input.

use super::super::pattern::UNKNOWN;
use super::reader::Reader;
use super::word::Word;

/// A here-document that is announced.
pub(super) struct Awaited {
    /// The line that ends it.
    end: Word,
    /// Whether tabs before that line do not count.
    indented: bool,
}

impl Reader<'_> {
    /// The announcement, behind `<<`.
    pub(super) fn here_document(&mut self) {
        let indented = self.eat("-");
        self.skip_blanks();
        let end = self.word();
        // A shell expands nothing in this word, so what it is cannot be told.
        self.line.unreadable |= end.text.contains(UNKNOWN);
        self.awaited.push(Awaited { end, indented });
    }

    /// Takes the texts of the here-documents that were announced.
    pub(super) fn here_documents(&mut self) {
        for Awaited { end, indented } in std::mem::take(&mut self.awaited) {
            let mut body = String::new();
            while !self.rest.is_empty() {
                let line = self.line_of_document(&end);
                let bare = if indented {
                    line.trim_start_matches('\t')
                } else {
                    &line
                };
                if bare == end.text {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            // A quoted end leaves the text as it is; otherwise what is in it is expanded.
            if !end.dressed {
                body = self.expanded(&body);
            }
            self.line.inputs.push(body);
        }
    }

    /// The next line; unless the end is quoted, with those that it is joined with by backslashes.
    fn line_of_document(&mut self, end: &Word) -> String {
        let mut whole = String::new();
        loop {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let backslashes = line.len() - line.trim_end_matches('\\').len();
            match line.strip_suffix('\\') {
                Some(line) if backslashes % 2 == 1 && !end.dressed && !rest.is_empty() => {
                    whole.push_str(line);
                }
                _ => return whole + line,
            }
        }
    }

    fn expanded(&mut self, text: &str) -> String {
        let mut inner = Reader {
            rest: text,
            line: std::mem::take(&mut self.line),
            awaited: Vec::new(),
            depth: self.depth,
        };
        let text = inner.text_to_the_end();
        self.line = inner.line;
        text
    }
}
