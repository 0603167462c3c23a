//! The words of a question about an unknown outcome, and the reading of its answer.
//! Invariant: only a clear answer counts; the end of input is none.
//! It must not know what becomes of the answer.

use std::io::BufRead;

use corvid_core::OutcomeQuestion;
use corvid_core::text::clip;
use corvid_core::wire::OutcomeAnswer;

/// How much of a call's arguments a question shows, in characters.
const SHOWN_ARGUMENTS: usize = 600;

/// The question. With `answered` it ends at the place where the answer is typed, else with a full line.
pub(super) fn lines(question: &OutcomeQuestion, answered: bool) -> String {
    let OutcomeQuestion {
        tool,
        arguments,
        reason,
        ..
    } = question;
    let arguments = clip(arguments, SHOWN_ARGUMENTS, "");
    let asked =
        format!("? nobody knows whether this happened: {tool} {arguments}\n  because {reason}\n");
    if answered {
        format!("{asked}  [r]etry it, it [w]orked, or [s]kip it? ")
    } else {
        format!("{asked}  nobody is here to ask: it is skipped and the model is told\n")
    }
}

/// What a person is told whose line was no answer.
pub(super) const AGAIN: &str = "  please type r, w or s: ";

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// An answer.
    Answer(OutcomeAnswer),
    /// Something else.
    Unclear,
    /// Nothing any more: the input has ended.
    Nothing,
}

/// Reads one line.
pub(super) fn read(input: &mut dyn BufRead) -> Said {
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(0) | Err(_) => return Said::Nothing,
        Ok(_) => {}
    }
    match line.trim().to_lowercase().as_str() {
        "r" | "retry" => Said::Answer(OutcomeAnswer::Retry),
        "w" | "worked" | "it worked" => Said::Answer(OutcomeAnswer::Worked),
        "s" | "skip" => Said::Answer(OutcomeAnswer::Skip),
        _ => Said::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expect: Said) {
        assert_eq!(read(&mut typed.as_bytes()), expect);
    }

    #[test]
    fn letters_and_words_answer() {
        check("r\n", Said::Answer(OutcomeAnswer::Retry));
        check("It worked\n", Said::Answer(OutcomeAnswer::Worked));
        check("SKIP", Said::Answer(OutcomeAnswer::Skip));
    }

    #[test]
    fn only_a_clear_answer_counts() {
        check("yes\n", Said::Unclear);
        check("\n", Said::Unclear);
        check("", Said::Nothing);
    }
}
