//! The content of text files as bytes: line ends, replacing a passage, telling text from binary.
//! Invariant: bytes that an edit does not name stay as they are, valid UTF-8 or not.
//! It must not know where a file is or how it is written.

use std::borrow::Cow;

use memchr::memmem;

/// How many bytes from the beginning tell a binary file.
const SNIFFED: usize = 8 * 1024;

/// The lines looked through for the one nearest to a passage that is not there.
const NEAREST_LINES: usize = 20_000;

/// The least likeness (0 to 1) at which a line is worth naming.
const ALIKE: f64 = 0.6;

/// How many places of an ambiguous passage an error names.
const PLACES: usize = 5;

/// A passage to replace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'a> {
    /// What is there.
    pub(crate) old: &'a str,
    /// What takes its place.
    pub(crate) new: &'a str,
    /// Which of the places.
    pub(crate) places: Places,
}

/// Which places of a passage are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// The only one.
    One,
    /// Every one.
    All,
}

/// Whether these first bytes of a file are no text.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(SNIFFED)]).is_some()
}

/// Whether every line of `bytes` ends with a carriage return and a newline, and there is one.
pub(crate) fn has_crlf(bytes: &[u8]) -> bool {
    let mut ends = memchr::memchr_iter(b'\n', bytes).peekable();
    ends.peek().is_some() && ends.all(|at| at > 0 && bytes[at - 1] == b'\r')
}

/// `text` with the line ends of `like`: where that file ends its lines with CRLF throughout and the text
/// knows only newlines, the text gets CRLF too.
pub(crate) fn with_line_ends_of<'a>(like: &[u8], text: &'a str) -> Cow<'a, str> {
    if text.contains('\n') && !text.contains('\r') && has_crlf(like) {
        Cow::Owned(text.replace('\n', "\r\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Replaces the passage in `content`; returns the new content and how many places changed.
///
/// # Errors
/// One sentence for the model: the passage is not there (with the nearest line), or is there more than once.
pub(crate) fn replace(
    content: &[u8],
    replacement: Replacement<'_>,
) -> Result<(Vec<u8>, usize), String> {
    let old = with_line_ends_of(content, replacement.old);
    let new = with_line_ends_of(content, replacement.new);
    let places: Vec<usize> = memmem::find_iter(content, old.as_bytes()).collect();
    match (places.len(), replacement.places) {
        (0, _) => return Err(not_found(content, replacement.old)),
        (2.., Places::One) => return Err(ambiguous(content, &places)),
        _ => {}
    }
    let mut changed = Vec::with_capacity(content.len() + new.len());
    let mut at = 0;
    for &place in &places {
        changed.extend_from_slice(&content[at..place]);
        changed.extend_from_slice(new.as_bytes());
        at = place + old.len();
    }
    changed.extend_from_slice(&content[at..]);
    Ok((changed, places.len()))
}

fn ambiguous(content: &[u8], places: &[usize]) -> String {
    let lines: Vec<_> = places
        .iter()
        .take(PLACES)
        .map(|place| line_of(content, *place).to_string())
        .collect();
    let more = if places.len() > PLACES { ", …" } else { "" };
    format!(
        "`old` is in the file {} times (lines {}{more}); add lines around it until it is there once, or set `all`",
        places.len(),
        lines.join(", ")
    )
}

fn not_found(content: &[u8], old: &str) -> String {
    let hint = nearest(content, old).map_or_else(
        || "read the file again".to_owned(),
        |(number, line)| format!("the nearest line is {number}: {line:?}"),
    );
    format!("`old` is not in the file; it must match exactly, white space included; {hint}")
}

/// The line that is most like the first line of `old` that says anything, and its number.
fn nearest(content: &[u8], old: &str) -> Option<(usize, String)> {
    let wanted = bounded(old.lines().find(|line| !line.trim().is_empty())?);
    let mut best: Option<(f64, usize, String)> = None;
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if index >= NEAREST_LINES {
            break;
        }
        let line = String::from_utf8_lossy(&line[..line.len().min(1_000)]);
        let line = bounded(line.trim_end_matches('\r'));
        let likeness = strsim::sorensen_dice(line.trim(), wanted.trim());
        if likeness >= ALIKE && best.as_ref().is_none_or(|(most, ..)| likeness > *most) {
            best = Some((likeness, index + 1, line));
        }
    }
    best.map(|(_, number, line)| (number, line))
}

fn bounded(line: &str) -> String {
    line.chars().take(160).collect()
}

/// The number of the line, from 1, that the byte at `place` is in.
fn line_of(content: &[u8], place: usize) -> usize {
    memchr::memchr_iter(b'\n', &content[..place]).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once<'a>(old: &'a str, new: &'a str) -> Replacement<'a> {
        let places = Places::One;
        Replacement { old, new, places }
    }

    #[test]
    fn a_passage_is_replaced_and_every_other_byte_stays() {
        let check = |content: &[u8], old, new, expect: &[u8]| {
            let (changed, places) = replace(content, once(old, new)).expect("it is there once");
            assert_eq!((changed.as_slice(), places), (expect, 1));
        };
        check(b"a\nb\nc", "b", "x\ny", b"a\nx\ny\nc");
        check(b"a\r\nb\r\nc", "a\nb", "x\ny\nz", b"x\r\ny\r\nz\r\nc");
        check(b"a\r\nb\nc", "b\nc", "x\nc", b"a\r\nx\nc");
        check(b"\xff\nkey=1\n\xfe", "key=1", "key=2", b"\xff\nkey=2\n\xfe");
        check("grüße".as_bytes(), "üß", "ues", b"gruese");
    }

    #[test]
    fn every_place_is_replaced_when_asked() {
        let all = Replacement {
            places: Places::All,
            ..once("aa", "b")
        };
        assert_eq!(replace(b"aaa aa", all), Ok((b"ba b".to_vec(), 2)));
    }

    #[test]
    fn an_ambiguous_passage_is_refused_with_its_places() {
        assert_eq!(
            replace(b"x\ny\nx\n", once("x", "z")),
            Err(
                "`old` is in the file 2 times (lines 1, 3); add lines around it until it is there once, \
                 or set `all`"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_missing_passage_names_the_nearest_line() {
        let content = b"fn main() {\n\tgreet(\"hello\");\n}\n";
        let error = replace(content, once("    greet(\"hello\");", "x"));
        assert!(
            error.is_err_and(|text| text.ends_with(r#"nearest line is 2: "\tgreet(\"hello\");""#))
        );
        let error = replace(content, once("zebra", "x"));
        assert!(error.is_err_and(|text| text.ends_with("read the file again")));
    }

    #[test]
    fn line_ends_are_those_of_the_file() {
        assert!(has_crlf(b"a\r\n\r\n"));
        assert!(!has_crlf(b"a\r\n\n"));
        assert!(!has_crlf(b"a"));
        assert_eq!(with_line_ends_of(b"a\r\n", "x\ny"), "x\r\ny");
        assert_eq!(with_line_ends_of(b"a\r\n", "x\r\ny\n"), "x\r\ny\n");
        assert_eq!(with_line_ends_of(b"a\n", "x\ny"), "x\ny");
    }
}
