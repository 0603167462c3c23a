//! Telling a command from a message.
//! Invariant: pure; a path that begins a message is no command.
//! It must not know what a command does.

use super::table::{COMMANDS, Command};

/// Longest word of a command, in bytes, as messengers have it.
const WORD_LIMIT: usize = 32;
/// From which likeness on (1 is the same) another command is offered.
const ALIKE: f64 = 0.5;

/// A command as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its word.
    pub(crate) word: Word,
    /// What follows, trimmed.
    pub(crate) rest: String,
}

/// The word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A known one.
    Known(Command),
    /// One that nobody knows, in small letters.
    Unknown(String),
}

/// Reads a command: `/word`, perhaps with a bot's name (`/word@bot`), perhaps with more behind. Anything else is a
/// message, also what begins with a path; but `/tmp is full` cannot be told from a command.
pub(crate) fn parse(text: &str) -> Option<Line> {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let named = first.strip_prefix('/')?;
    let (word, bot) = match named.split_once('@') {
        Some((word, bot)) => (word, Some(bot)),
        None => (named, None),
    };
    if !is_word(word) || !bot.is_none_or(is_word) {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let known = COMMANDS.iter().find(|known| known.name == word);
    Some(Line {
        word: known.map_or(Word::Unknown(word), |known| Word::Known(known.command)),
        rest: rest.trim().to_owned(),
    })
}

/// The known command that is most like this word, if one is.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(word, name);
    let names = COMMANDS.iter().map(|known| known.name);
    names
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

fn is_word(text: &str) -> bool {
    text.len() <= WORD_LIMIT
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(command: Command, rest: &str) -> Line {
        Line {
            word: Word::Known(command),
            rest: rest.to_owned(),
        }
    }

    #[test]
    fn a_command_is_told_from_a_message() {
        for (text, expect) in [
            ("/new", Some(known(Command::New, ""))),
            (" /NEW \n", Some(known(Command::New, ""))),
            ("/clear", Some(known(Command::New, ""))),
            (
                "/queue  go on\nthen rest ",
                Some(known(Command::Queue, "go on\nthen rest")),
            ),
            ("/queue\ngo on", Some(known(Command::Queue, "go on"))),
            ("/help@corvid_bot", Some(known(Command::Help, ""))),
            ("/start 7f3a", Some(known(Command::Start, "7f3a"))),
            ("/home/me/x is broken", None),
            ("/etc/passwd", None),
            ("/etc/", None),
            ("/", None),
            ("/ new", None),
            ("//new", None),
            ("/-x", None),
            ("/2 things", None),
            ("/a.out fails", None),
            ("/new@", None),
            ("/new@a/b", None),
            ("see /new", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expect, "{text:?}");
        }
        let long = "x".repeat(WORD_LIMIT + 1);
        assert_eq!(parse(&format!("/{long}")), None);
        let unknown = parse("/Sesions all").map(|line| line.word);
        assert_eq!(unknown, Some(Word::Unknown("sesions".to_owned())));
    }

    #[test]
    fn a_slip_is_put_right() {
        for (word, expect) in [
            ("sesions", Some("sessions")),
            ("stpo", Some("stop")),
            ("modle", Some("model")),
            ("xyzzy", None),
        ] {
            assert_eq!(nearest(word), expect, "{word}");
        }
    }
}
