//! Taking a command line apart into its commands, as a shell does before it expands anything.
//! Invariant: nothing that a shell would run is left out; where it is not sure, the line counts as unreadable.
//! It must not know any program.

use super::document::Awaited;
use super::word::{Word, is_of_a_name};

/// How deep substitutions are read.
const DEEPEST: usize = 16;

/// Reserved words, which begin no plain command.
const RESERVED: &[&str] = &[
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function",
    "if", "in", "select", "then", "time", "until", "while", "{", "}",
];

/// The operators before a file, the longer ones first.
const REDIRECTIONS: &[&str] = &["&>>", "&>", ">>", ">|", ">&", "<&", "<>", ">", "<"];

/// A command line taken apart.
#[derive(Default)]
pub(super) struct Line {
    commands: Vec<Simple>,
    /// What is written to the input of commands: here-documents and here-strings.
    pub(super) inputs: Vec<String>,
    /// Whether there is more than one simple command: operators, redirections, comments.
    composed: bool,
    /// Whether something in it stands for something else: variables, substitutions.
    pub(super) substitutes: bool,
    pub(super) unreadable: bool,
}

/// One command with its words.
#[derive(Default)]
pub(super) struct Simple {
    words: Vec<Word>,
}

impl Line {
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader {
            rest: text,
            line: Self::default(),
            awaited: Vec::new(),
            depth: 0,
        };
        reader.commands(false);
        let control = |character: char| character.is_control() && character != '\t';
        reader.line.composed |= text.contains(control);
        reader.line
    }

    pub(super) fn commands(&self) -> &[Simple] {
        &self.commands
    }

    pub(super) fn inputs(&self) -> &[String] {
        &self.inputs
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The words, if the line is one plain command.
    pub(super) fn plain(&self) -> Option<Vec<String>> {
        let [command] = self.commands.as_slice() else {
            return None;
        };
        let program = command.words.first()?;
        let is_more = self.composed || self.substitutes || self.unreadable;
        let names_no_program = program.dressed
            || RESERVED.contains(&program.text.as_str())
            || is_assignment(&program.text);
        if is_more || names_no_program {
            return None;
        }
        Some(command.words.iter().map(|word| word.text.clone()).collect())
    }
}

impl Simple {
    /// The words that are not empty.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.words.iter().map(|word| word.text.as_str());
        words.filter(|word| !word.is_empty())
    }
}

/// Whether a word sets a variable: `name=value`, `name+=value`, `name[0]=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else {
        return false;
    };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(is_of_a_name)
}

/// Reads on from where it stands.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a str,
    pub(super) line: Line,
    /// Here-documents whose text begins after this line.
    pub(super) awaited: Vec<Awaited>,
    pub(super) depth: usize,
}

impl Reader<'_> {
    /// Reads commands to the end, or (within a substitution) behind the parenthesis that closes them.
    fn commands(&mut self, is_nested: bool) {
        let mut open = 0_usize;
        let mut command = Simple::default();
        loop {
            self.skip_blanks();
            let Some(next) = self.peek() else {
                self.line.unreadable |= is_nested;
                break;
            };
            if next == ')' && is_nested && open == 0 {
                self.take();
                break;
            }
            if matches!(next, '<' | '>') || self.rest.starts_with("&>") {
                self.redirection(&mut command);
            } else if is_operator(next) {
                self.take();
                self.line.composed = true;
                match next {
                    '(' => open += 1,
                    ')' => open = open.saturating_sub(1),
                    _ => {}
                }
                self.end(&mut command);
                if next == '\n' {
                    self.here_documents();
                }
            } else if next == '#' {
                self.line.composed = true;
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            } else {
                let word = self.word();
                // Digits right before a redirection are no word of the command.
                if !(self.rest.starts_with(['<', '>']) && word.is_number()) {
                    command.words.push(word);
                }
            }
        }
        self.end(&mut command);
    }

    fn end(&mut self, command: &mut Simple) {
        if !command.words.is_empty() {
            self.line.commands.push(std::mem::take(command));
        }
    }

    fn redirection(&mut self, command: &mut Simple) {
        self.line.composed = true;
        if self.process_substitution() {
            command.words.push(Word::unknown());
        } else if self.eat("<<<") {
            self.skip_blanks();
            let word = self.word();
            self.line.inputs.push(word.text);
        } else if self.eat("<<") {
            self.here_document();
        } else if REDIRECTIONS.iter().any(|operator| self.eat(operator)) {
            self.skip_blanks();
            if !self.process_substitution() {
                self.word();
            }
        }
    }

    /// `<(…)` and `>(…)`.
    fn process_substitution(&mut self) -> bool {
        let is_one = self.eat("<(") || self.eat(">(");
        if is_one {
            self.nested();
        }
        is_one
    }

    /// Reads the commands of a substitution, behind its opening parenthesis.
    pub(super) fn nested(&mut self) {
        if self.descend() {
            self.commands(true);
            self.ascend();
        }
    }

    /// Reads commands that stand in a text of their own.
    pub(super) fn nested_in(&mut self, text: &str) {
        if !self.descend() {
            return;
        }
        let mut inner = Reader {
            rest: text,
            line: std::mem::take(&mut self.line),
            awaited: Vec::new(),
            depth: self.depth,
        };
        inner.commands(false);
        self.line = inner.line;
        self.ascend();
    }

    /// Enters a substitution; past a bound of depth nothing more is read.
    pub(super) fn descend(&mut self) -> bool {
        self.line.substitutes = true;
        if self.depth == DEEPEST {
            self.give_up();
            return false;
        }
        self.depth += 1;
        true
    }

    /// Leaves it.
    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// What is left cannot be read.
    pub(super) fn give_up(&mut self) {
        self.line.unreadable = true;
        self.rest = "";
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.eat("\\\n") {
                return;
            }
        }
    }
}

/// Whether a character ends a word and is no blank.
pub(super) fn is_operator(character: char) -> bool {
    matches!(character, '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')
}
