//! What a terminal is made of: its streams, how each is written, and who sits there.
//! Invariant: plain values; whoever starts the program decides them once.
//! It must not know what is written.

use std::io::Write;

use corvid_core::wire::SessionId;

use super::{Keyboard, Look};

/// What standard output and error are, and who sits there.
pub struct Surface {
    /// Standard output.
    pub out: Box<dyn Write + Send>,
    /// How a reply is written there.
    pub form: Form,
    /// Standard error.
    pub err: Box<dyn Write + Send>,
    /// How progress is drawn there; none in a pipe.
    pub progress: Option<Look>,
    /// Who sits there; none if nobody does.
    pub person: Option<Person>,
    /// Whether a question that nobody here answers is shown, and waits for an answer from elsewhere.
    pub waits: bool,
}

/// Who sits at the terminal.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their immutable id: the local user's.
    pub id: String,
    /// Where their answers are typed.
    pub keyboard: Keyboard,
}

/// How an answer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the model wrote it.
    Plain,
    /// Laid out for a screen.
    Screen(Look),
    /// As [`Frame`](corvid_core::wire::Frame)s of this session, one JSON object a line, the reply last.
    Json(SessionId),
}
