//! Reading one word of a command line: its quotes resolved, and what is expanded in it marked as unknown.
//! Invariant: a word with something unknown covers whatever the shell may make of it.
//! It must not know which word names a program.

use super::super::pattern::UNKNOWN;
use super::reader::{Reader, is_operator};

/// One word with its quotes resolved.
#[derive(Default)]
pub(super) struct Word {
    /// With [`UNKNOWN`] for what is expanded.
    pub(super) text: String,
    /// Whether anything in it is quoted, escaped or expanded.
    pub(super) dressed: bool,
}

impl Word {
    /// A word of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            text: UNKNOWN.to_string(),
            dressed: true,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        !self.dressed && self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn push_unknown(&mut self) {
        self.text.push(UNKNOWN);
        self.dressed = true;
    }
}

/// Whether a character may stand in a variable's name.
pub(super) fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

impl Reader<'_> {
    /// Reads the word that begins here; empty if none does.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word::default();
        // `{a,b}` and brackets with quotes in them become words that nothing here can tell.
        let mut is_unknown = false;
        let mut brace = None;
        let mut has_brackets = true;
        while let Some(next) = self.peek() {
            if next == ' ' || next == '\t' || is_operator(next) {
                break;
            }
            self.take();
            match next {
                '\'' => self.single_quoted(&mut word),
                '"' => self.double_quoted(&mut word),
                '\\' => self.escaped(&mut word),
                '$' => self.expansion(&mut word),
                '`' => self.backquoted(&mut word),
                '*' | '?' | UNKNOWN => word.push_unknown(),
                '[' if has_brackets => match self.bracket() {
                    Bracket::Plain => word.push_unknown(),
                    Bracket::Unreadable => is_unknown = true,
                    Bracket::None => {
                        has_brackets = false;
                        word.text.push('[');
                    }
                },
                _ => {
                    word.text.push(next);
                    match next {
                        '{' => brace = Some(word.text.len()),
                        '}' => {
                            let within = brace.map_or("", |from| &word.text[from..]);
                            is_unknown |= within.contains(',') || within.contains("..");
                        }
                        _ => {}
                    }
                }
            }
        }
        if is_unknown { Word::unknown() } else { word }
    }

    /// Reads text in which only expansions mean something, to its end.
    pub(super) fn text_to_the_end(&mut self) -> String {
        let mut word = Word::default();
        while let Some(next) = self.take() {
            self.quoted(next, &mut word);
        }
        word.text
    }

    fn single_quoted(&mut self, word: &mut Word) {
        word.dressed = true;
        match self.rest.split_once('\'') {
            Some((text, rest)) => {
                word.text.push_str(text);
                self.rest = rest;
            }
            None => self.give_up(),
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.dressed = true;
        loop {
            match self.take() {
                None => return self.give_up(),
                Some('"') => return,
                Some(next) => self.quoted(next, word),
            }
        }
    }

    /// One character within double quotes, with what belongs to it.
    fn quoted(&mut self, next: char, word: &mut Word) {
        match next {
            '\\' if self.eat("\n") => {}
            '\\' if self.rest.starts_with(['$', '`', '"', '\\']) => {
                word.text.extend(self.take());
            }
            // Within quotes a quote after the sign is none of its own.
            '$' if !self.rest.starts_with(['"', '\'']) => self.expansion(word),
            '`' => self.backquoted(word),
            _ => word.text.push(next),
        }
    }

    fn escaped(&mut self, word: &mut Word) {
        word.dressed = true;
        match self.take() {
            None => self.give_up(),
            Some('\n') => {}
            Some(next) => word.text.push(next),
        }
    }

    /// What a `$` stands for, behind it.
    fn expansion(&mut self, word: &mut Word) {
        let Some(next) = self.peek() else {
            word.text.push('$');
            return;
        };
        word.dressed = true;
        if self.eat("(") {
            self.nested();
        } else if self.eat("{") {
            self.parameter();
        } else if self.eat("'") {
            self.escapes();
        } else if self.eat("[") {
            self.give_up();
        } else if is_of_a_name(next) {
            self.rest = self.rest.trim_start_matches(is_of_a_name);
        } else if "@*#?-$!".contains(next) {
            self.take();
        } else {
            if next != '"' {
                word.text.push('$');
            }
            return;
        }
        self.line.substitutes = true;
        word.push_unknown();
    }

    /// `${…}`, behind its opening brace.
    fn parameter(&mut self) {
        if !self.descend() {
            return;
        }
        self.parameter_body();
        self.ascend();
    }

    fn parameter_body(&mut self) {
        let mut within = Word::default();
        loop {
            match self.take() {
                None => return self.give_up(),
                Some('}') => return,
                Some('\'') => self.single_quoted(&mut within),
                Some('"') => self.double_quoted(&mut within),
                Some('\\') => self.escaped(&mut within),
                Some('$') => self.expansion(&mut within),
                Some('`') => self.backquoted(&mut within),
                Some(_) => {}
            }
        }
    }

    /// `$'…'`, behind its opening quote.
    fn escapes(&mut self) {
        loop {
            match self.take() {
                None => return self.give_up(),
                Some('\'') => return,
                Some('\\') => {
                    self.take();
                }
                Some(_) => {}
            }
        }
    }

    /// A substitution in backquotes, behind the first of them.
    fn backquoted(&mut self, word: &mut Word) {
        let mut text = String::new();
        loop {
            match self.take() {
                None => return self.give_up(),
                Some('`') => break,
                Some('\\') if self.rest.starts_with(['$', '`', '\\']) => text.extend(self.take()),
                Some(next) => text.push(next),
            }
        }
        self.nested_in(&text);
        word.push_unknown();
    }

    /// The rest of a set of characters, behind its `[`; taken if it is one.
    fn bracket(&mut self) -> Bracket {
        let end = self
            .rest
            .find(|next| next == ' ' || next == '\t' || is_operator(next));
        let run = &self.rest[..end.unwrap_or(self.rest.len())];
        let Some(last) = run.rfind(']') else {
            return Bracket::None;
        };
        if run[..last].contains(['\'', '"', '\\', '$', '`']) {
            return Bracket::Unreadable;
        }
        self.rest = &self.rest[last + 1..];
        Bracket::Plain
    }
}

enum Bracket {
    None,
    Plain,
    Unreadable,
}
