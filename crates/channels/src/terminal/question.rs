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

/// Reads lines until one is an answer; none at the end of input. Hands the input back.
pub(super) fn read_answer(
    mut input: Box<dyn BufRead + Send>,
) -> (Option<OutcomeAnswer>, Box<dyn BufRead + Send>) {
    loop {
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => return (None, input),
            Ok(_) => {}
        }
        let answer = match line.trim().to_lowercase().as_str() {
            "r" | "retry" => OutcomeAnswer::Retry,
            "w" | "worked" | "it worked" => OutcomeAnswer::Worked,
            "s" | "skip" => OutcomeAnswer::Skip,
            _ => continue,
        };
        return (Some(answer), input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &'static str, expect: Option<OutcomeAnswer>) {
        assert_eq!(read_answer(Box::new(typed.as_bytes())).0, expect);
    }

    #[test]
    fn letters_and_words_answer() {
        check("r\n", Some(OutcomeAnswer::Retry));
        check("It worked\n", Some(OutcomeAnswer::Worked));
        check("SKIP\n", Some(OutcomeAnswer::Skip));
    }

    #[test]
    fn anything_else_is_asked_again() {
        check("yes\n\nw\n", Some(OutcomeAnswer::Worked));
        check("yes\n", None);
    }
}
