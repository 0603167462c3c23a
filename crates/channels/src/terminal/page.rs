//! Standard output: one answer to a page, and before it the JSON lines of what happens.
//! Invariant: a reply is taken at most once before the page is turned; what is no answer is no data, but in JSON lines, which say so.
//! It must not know standard error, nor who waits for the writing.

use std::io::{self, Write};

use corvid_core::wire::{Ending, Frame, LiveEvent, SessionId};

use super::Form;
use super::render::{plain, screen};

/// Standard output.
pub(super) struct Page {
    out: Box<dyn Write + Send>,
    form: Form,
    printed: Printed,
}

/// What became of the reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Printed {
    /// No reply was printed yet.
    #[default]
    Nothing,
    /// It was printed whole, or as far as its reader cared to read; what is no answer, on standard error.
    Reply,
    /// Standard output did not take it, for this reason.
    Failed(String),
}

/// A reply to print.
pub(super) struct Reply {
    /// The session, where it may be another than the one that was asked for.
    pub(super) session: Option<SessionId>,
    /// The text in markdown.
    pub(super) text: String,
    /// How the turn ended.
    pub(super) ending: Ending,
    /// What the person should know beside the text.
    pub(super) notices: Vec<String>,
    /// What needed an approval and got none, since nobody could be asked or answered in time.
    pub(super) unapproved: Vec<String>,
    /// It was recorded earlier.
    pub(super) repeated: bool,
}

/// What of a reply belongs on standard error.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// The text in markdown of a turn that ended without an answer.
    pub(super) text: Option<String>,
    /// What the person should know beside the text.
    pub(super) notices: Vec<String>,
    /// What needed an approval and got none, since nobody could be asked or answered in time.
    pub(super) unapproved: Vec<String>,
}

impl Page {
    /// An empty page.
    pub(super) fn new(out: Box<dyn Write + Send>, form: Form) -> Self {
        Self {
            out,
            form,
            printed: Printed::Nothing,
        }
    }

    /// Writes an event's line, if lines are asked for; nothing comes after the reply.
    pub(super) fn event(&mut self, event: LiveEvent) {
        let Form::Json(session) = &self.form else {
            return;
        };
        if self.printed != Printed::Nothing {
            return;
        }
        let frame = Frame::Live {
            session: session.clone(),
            event: Box::new(event),
        };
        // Progress that nobody reads any more must not end the turn.
        if self.frame(&frame).is_err() {
            self.form = Form::Plain;
        }
    }

    /// Makes room for another reply, unless standard output takes none any more.
    pub(super) fn turn(&mut self) {
        if self.printed == Printed::Reply {
            self.printed = Printed::Nothing;
        }
    }

    /// Prints the reply unless one was printed already. Returns what became of it, and what standard error is
    /// to show now.
    pub(super) fn reply(&mut self, reply: Reply) -> (Printed, Aside) {
        if self.printed != Printed::Nothing {
            return (self.printed.clone(), Aside::default());
        }
        let mut aside = Aside {
            text: None,
            notices: reply.notices.clone(),
            unapproved: reply.unapproved.clone(),
        };
        let written = match &self.form {
            Form::Plain | Form::Screen(_) if reply.ending != Ending::Answered => {
                aside.text = Some(reply.text);
                Ok(())
            }
            Form::Plain => self.write(plain(&reply.text).as_bytes()),
            Form::Screen(look) => self.write(screen(&reply.text, *look).as_bytes()),
            Form::Json(session) => {
                let frame = Frame::Reply {
                    session: reply.session.unwrap_or_else(|| session.clone()),
                    text: reply.text,
                    ending: reply.ending,
                    notices: reply.notices,
                    unapproved: reply.unapproved,
                    repeated: reply.repeated,
                };
                self.frame(&frame)
            }
        };
        self.printed = match written {
            Ok(()) => Printed::Reply,
            // A reader that left has read what it wanted; the journal has the rest.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Printed::Reply,
            Err(error) => Printed::Failed(error.to_string()),
        };
        (self.printed.clone(), aside)
    }

    fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        self.write(&line)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}
