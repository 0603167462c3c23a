//! What a client is told whose request is not served.
//! Invariant: one plain sentence, the same in the status line (which some clients show instead) and the body.
//! It must not know why.

use std::fmt;

/// A request that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: Status,
    sentence: String,
}

/// The kinds of refusal, as HTTP tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// What was sent is no request to a proxy, or could be read in two ways.
    Malformed = 400,
    /// The place must not be reached.
    Forbidden = 403,
    /// The request took too long to arrive.
    Late = 408,
    /// The head is too long.
    TooLong = 431,
    /// The place may be reached, but cannot be.
    Unreachable = 502,
}

impl Refusal {
    pub(super) fn new(status: Status, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
        }
    }

    pub(super) fn malformed(sentence: &str) -> Self {
        Self::new(Status::Malformed, sentence)
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The whole answer.
    pub(super) fn answer(&self) -> String {
        // Nothing of it may end the line: a reason from the system could be in any language.
        let line: String = self
            .sentence
            .chars()
            .map(|char| if matches!(char, ' '..='~') { char } else { '?' })
            .collect();
        format!(
            "HTTP/1.1 {} {line}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{}\n",
            self.status as u16,
            self.sentence.len() + 1,
            self.sentence
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_status_line() {
        let refusal = Refusal::new(Status::Unreachable, "no\r\nX: ü");
        assert_eq!(
            refusal.answer(),
            "HTTP/1.1 502 no??X: ?\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n\
             Connection: close\r\n\r\nno\r\nX: ü\n"
        );
    }
}
