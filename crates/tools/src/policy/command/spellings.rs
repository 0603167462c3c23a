//! The commands of a line in every spelling that a rule may mean.
//! Invariant: more spellings than needed do no harm, one too few would; past a bound the line counts as unreadable.
//! It must not know how a line is taken apart.

use super::super::pattern::UNKNOWN;
use super::programs;
use super::reader::{Line, Simple, is_assignment};

/// How many spellings are told apart, and how many bytes they take together.
const MOST: usize = 256;
const MOST_BYTES: usize = 256 * 1024;

/// How deep lines within lines are read.
const DEEPEST: usize = 8;

/// Words after which a command begins.
const BEFORE_COMMANDS: &[&str] = &[
    "!", "do", "elif", "else", "if", "then", "until", "while", "{",
];

/// Words that stand where a command could and end or head something.
const NO_COMMANDS: &[&str] = &["done", "esac", "fi", "for", "select", "}"];

/// Every spelling of every command in the line, sorted; an unreadable part is [`UNKNOWN`] and may be any command.
pub(super) fn of(line: &Line) -> Vec<String> {
    let mut found = Found::default();
    found.line(line, 0);
    if found.unreadable || found.is_full() {
        // What may be anything makes up for everything that has unknown places.
        found
            .spellings
            .retain(|spelling| !spelling.contains(UNKNOWN));
        found.spellings.push(UNKNOWN.to_string());
    }
    found.spellings.sort_unstable();
    found.spellings.dedup();
    found.spellings
}

#[derive(Default)]
struct Found {
    spellings: Vec<String>,
    bytes: usize,
    unreadable: bool,
}

impl Found {
    fn is_full(&self) -> bool {
        self.spellings.len() > MOST || self.bytes > MOST_BYTES
    }

    fn line(&mut self, line: &Line, depth: usize) {
        self.unreadable |= line.is_unreadable();
        let mut carries = false;
        for simple in line.commands() {
            carries |= self.simple(simple, depth);
        }
        // What is written to a program matters only to one that may run it.
        if carries {
            for text in line.inputs() {
                self.text(text, depth);
            }
        }
    }

    /// Reads text that may be a line of its own.
    fn text(&mut self, text: &str, depth: usize) {
        if depth < DEEPEST && !self.is_full() {
            self.line(&Line::read(text), depth + 1);
        } else {
            self.unreadable = true;
        }
    }

    /// Adds the spellings of one command; says whether it runs something else.
    fn simple(&mut self, simple: &Simple, depth: usize) -> bool {
        let words: Vec<String> = simple.words().map(str::to_owned).collect();
        let words = command_of(&words);
        // Its patterns end with parentheses as substitutions do.
        self.unreadable |= words.first().is_some_and(|word| word == "case");
        self.spell(words, None);
        let Some(carrier) = programs::carrier(words) else {
            return false;
        };
        self.unreadable |= programs::reads_commands(words);
        if carrier.wraps {
            self.wrapped(words, depth);
        }
        true
    }

    /// Adds what a wrapper runs: any of its words may be the first of a command, or a line of its own.
    fn wrapped(&mut self, words: &[String], depth: usize) {
        let filled = programs::fills_in(words);
        let reads_again = programs::reads_again(words);
        for at in 1..words.len() {
            if self.is_full() {
                return;
            }
            self.spell(command_of(&words[at..]), filled);
            let word = &words[at];
            self.unreadable |= reads_again && word.contains(UNKNOWN);
            let value = word.split_once('=').map(|(_, value)| value);
            let parts = value.into_iter().chain(programs::glued(word));
            for text in std::iter::once(word.as_str()).chain(parts) {
                // An alias of git's that is a command line begins so.
                let alias = text.strip_prefix('!');
                self.unreadable |= alias.is_some_and(|line| line.contains(UNKNOWN));
                let is_line = |character| means_something(character, reads_again);
                if alias.is_some() || text.contains(is_line) {
                    self.text(alias.unwrap_or(text), depth);
                }
            }
        }
    }

    /// Adds a command as it is, without the folders before its program, and without the options before its first
    /// operand. `filled` is what the wrapper around it replaces by words that do not stand here.
    fn spell(&mut self, words: &[String], filled: Option<&str>) {
        let Some((program, rest)) = words.split_first() else {
            return;
        };
        let name = programs::name(program);
        self.add(program, rest, filled);
        if name != program {
            self.add(name, rest, filled);
        }
        for operand in operands(rest) {
            if self.is_full() {
                return;
            }
            self.add(name, &rest[operand..], filled);
        }
    }

    fn add(&mut self, program: &str, rest: &[String], filled: Option<&str>) {
        let mut text = program.to_owned();
        for word in rest {
            text.push(' ');
            text.push_str(word);
        }
        if let Some(filled) = filled {
            text = text.replace(filled, UNKNOWN.encode_utf8(&mut [0; 4]));
            text.push(' ');
            text.push(UNKNOWN);
        }
        self.bytes += text.len();
        self.spellings.push(text);
    }
}

/// The words from where the command begins: behind reserved words and assignments.
fn command_of(mut words: &[String]) -> &[String] {
    while let Some((first, rest)) = words.split_first() {
        let first = first.as_str();
        if NO_COMMANDS.contains(&first) {
            return &[];
        }
        if first == "function" {
            words = rest.get(1..).unwrap_or_default();
        } else if BEFORE_COMMANDS.contains(&first) || is_assignment(first) {
            words = rest;
        } else {
            break;
        }
    }
    words
}

/// Where the first operand may be, if options stand before it: any option may or may not take a value.
fn operands(words: &[String]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut may_be_value = false;
    for (at, word) in words.iter().enumerate() {
        if word.starts_with('-') {
            may_be_value = true;
            continue;
        }
        if at > 0 {
            found.push(at);
        }
        if !may_be_value {
            break;
        }
        may_be_value = false;
    }
    found
}

/// Whether a character makes a word more than a word where it is read again: by a shell, or by a wrapper that
/// takes it apart.
fn means_something(character: char, by_shell: bool) -> bool {
    " \t\n;&|()<>$`'\"\\".contains(character) || (by_shell && "*?[{~#".contains(character))
}
