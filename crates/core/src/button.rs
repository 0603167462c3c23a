//! Buttons: what a press means, spelled in the few bytes that messengers keep for it.
//! Invariant: a button carries no authority: what it names is looked up, and who presses it is judged, at the press.
//! It must not know how a button looks.

use crate::draw;
use crate::wire::{CallId, OutcomeAnswer, QuestionId, SessionId};

/// What a press means. Spelled in at most [`Button::MAX_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// Answers a question.
    Answer {
        /// The question.
        question: QuestionId,
        /// How.
        choice: Choice,
    },
    /// Says what became of a call.
    Outcome {
        /// The session's [`Button::tag`].
        session: String,
        /// The call.
        call: CallId,
        /// What became of it.
        answer: OutcomeAnswer,
    },
    /// Asks a turn's question again.
    Retry {
        /// The session's [`Button::tag`].
        session: String,
        /// The turn.
        turn: u32,
    },
    /// Ends what runs in the conversation's session.
    Stop {
        /// The session's [`Button::tag`].
        session: String,
    },
}

/// An answer that fits on a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Allow this call.
    Once,
    /// Allow it for the session.
    Session,
    /// Deny it.
    Deny,
    /// The choice of that number, from 0.
    Number(u16),
}

impl Button {
    /// The most that any messenger is asked to keep (Telegram's `callback_data`).
    pub const MAX_BYTES: usize = 64;

    /// A session's short name on a button, which tells an old button from a new one: 8 hex digits.
    pub fn tag(session: &SessionId) -> String {
        let mut tag = draw::sha256_hex(session.as_str().as_bytes());
        tag.truncate(8);
        tag
    }

    /// The button's data.
    pub fn encode(&self) -> String {
        match self {
            Self::Answer { question, choice } => match choice {
                Choice::Once => format!("a|{question}|o"),
                Choice::Session => format!("a|{question}|s"),
                Choice::Deny => format!("a|{question}|d"),
                Choice::Number(number) => format!("a|{question}|{number}"),
            },
            Self::Outcome {
                session,
                call,
                answer,
            } => {
                let answer = match answer {
                    OutcomeAnswer::Retry => 'r',
                    OutcomeAnswer::Worked => 'w',
                    OutcomeAnswer::Skip => 's',
                };
                format!("o|{session}|{call}|{answer}")
            }
            Self::Retry { session, turn } => format!("r|{session}|{turn}"),
            Self::Stop { session } => format!("s|{session}"),
        }
    }

    /// What a button's data means; none if that is nothing.
    pub fn decode(data: &str) -> Option<Self> {
        let mut fields = data.split('|');
        let kind = fields.next()?;
        let fields: Vec<&str> = fields.collect();
        Some(match (kind, fields.as_slice()) {
            ("a", [question, choice]) => Self::Answer {
                question: QuestionId::new(*question),
                choice: match *choice {
                    "o" => Choice::Once,
                    "s" => Choice::Session,
                    "d" => Choice::Deny,
                    number => Choice::Number(number.parse().ok()?),
                },
            },
            ("o", [session, call, answer]) => Self::Outcome {
                session: (*session).to_owned(),
                call: call.parse().ok()?,
                answer: match *answer {
                    "r" => OutcomeAnswer::Retry,
                    "w" => OutcomeAnswer::Worked,
                    "s" => OutcomeAnswer::Skip,
                    _ => return None,
                },
            },
            ("r", [session, turn]) => Self::Retry {
                session: (*session).to_owned(),
                turn: turn.parse().ok()?,
            },
            ("s", [session]) => Self::Stop {
                session: (*session).to_owned(),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_button_is_read_back_and_fits() {
        let session = Button::tag(&SessionId::new("x".repeat(64)));
        let answer = |choice| Button::Answer {
            question: draw::question_id(),
            choice,
        };
        let call = CallId {
            turn: u32::MAX,
            step: u32::MAX,
            index: u32::MAX,
        };
        let outcome = |answer| Button::Outcome {
            session: session.clone(),
            call,
            answer,
        };
        for button in [
            answer(Choice::Once),
            answer(Choice::Session),
            answer(Choice::Deny),
            answer(Choice::Number(u16::MAX)),
            outcome(OutcomeAnswer::Retry),
            outcome(OutcomeAnswer::Worked),
            outcome(OutcomeAnswer::Skip),
            Button::Retry {
                session: session.clone(),
                turn: u32::MAX,
            },
            Button::Stop {
                session: session.clone(),
            },
        ] {
            let data = button.encode();
            assert!(data.len() <= Button::MAX_BYTES, "{data}");
            assert_eq!(Button::decode(&data), Some(button));
        }
    }

    #[test]
    fn what_is_no_button_means_nothing() {
        for data in [
            "",
            "a",
            "a|q-1",
            "a|q-1|x",
            "r|tag|-1",
            "z|1",
            "o|t|1.1|r",
            "s|a|b",
        ] {
            assert_eq!(Button::decode(data), None, "{data}");
        }
    }
}
