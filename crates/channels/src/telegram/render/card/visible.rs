//! Text that somebody decides upon, as text in which every character is seen.
//! Invariant: two different texts never look alike.
//! It must not know what the text is.

use corvid_core::wire::CardForm;

use crate::spelled::{BLANK, END, spelled};

/// Text in which every character is seen. A line's end is marked, since a screen breaks lines as well; in a diff,
/// where every line has a sign, it is not.
pub(super) fn visible(text: &str, form: CardForm) -> String {
    let mut shown = String::with_capacity(text.len());
    for whole in text.split_inclusive('\n') {
        let (line, ended) = match whole.strip_suffix('\n') {
            Some(line) => (line, true),
            None => (whole, false),
        };
        // The sign of an unchanged line in a diff is a blank.
        let signs = usize::from(form == CardForm::Diff && line.starts_with(' '));
        let solid = line.trim_end_matches(' ').len().max(signs);
        shown.extend(line[..solid].chars().map(seen));
        shown.extend(line[solid..].chars().map(|_| BLANK.to_string()));
        if ended && form != CardForm::Diff {
            shown.push(END);
        }
        if ended {
            shown.push('\n');
        }
    }
    let unended = shown.strip_suffix('\n').map(str::to_owned);
    unended.unwrap_or(shown)
}

/// The same on one line, for what stands among words of ours.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\n' { END.to_string() } else { seen(c) })
        .collect()
}

fn seen(character: char) -> String {
    spelled(character).unwrap_or_else(|| character.to_string())
}
