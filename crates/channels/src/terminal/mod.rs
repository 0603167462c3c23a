//! The terminal as a channel: the reply once on standard output, progress and questions on standard error.
//! Invariant: a reply is printed at most once by one process, and nothing but data goes to standard output.
//! It must not know the gateway, the journal or the command line.

mod live;
mod question;
mod render;
mod screen;
mod wrap;

use std::future::poll_fn;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use corvid_core::wire::{Ending, Frame, LiveEvent, OutcomeAnswer, ReplyComposed, SessionId};
use corvid_core::{
    Capabilities, Channel, Clock, DeliverError, Delivery, OutcomeQuestion, Questions,
};
use tokio::sync::mpsc::Receiver;

pub use live::Live;
pub use render::{Look, plain, screen};
use screen::Screen;

/// The channel's name in addresses.
pub const NAME: &str = "terminal";

/// How often the moving line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

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
    /// Where the person's answers are read, with the person's id; none if nobody sits there.
    pub person: Option<(String, Box<dyn BufRead + Send>)>,
}

/// How a reply is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the model wrote it.
    Plain,
    /// Laid out for a screen.
    Screen(Look),
    /// As [`Frame`]s of this session, one JSON object a line, the reply last.
    Json(SessionId),
}

/// The terminal that this process was started from.
pub struct Terminal {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

struct State {
    out: Box<dyn Write + Send>,
    form: Form,
    screen: Screen,
    live: Option<Receiver<LiveEvent>>,
    person: Option<(String, Box<dyn BufRead + Send>)>,
    printed: Printed,
}

/// What became of the reply on standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Printed {
    /// No reply was printed yet.
    #[default]
    Nothing,
    /// It was printed whole, or as far as its reader cared to read.
    Reply,
    /// Standard output did not take it, for this reason.
    Failed(String),
}

impl Terminal {
    /// A terminal on these streams.
    pub fn new(surface: Surface, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(State {
                out: surface.out,
                form: surface.form,
                screen: Screen::new(surface.err, surface.progress),
                live: None,
                person: surface.person,
                printed: Printed::Nothing,
            }),
            clock,
        }
    }

    /// Shows what happens until the sender is gone.
    pub async fn follow(&self, live: Receiver<LiveEvent>) {
        let draws = {
            let mut state = self.state();
            state.live = Some(live);
            state.screen.draws()
        };
        let mut ticks = tokio::time::interval(TICK);
        let mut tick = 0;
        loop {
            tokio::select! {
                // Events first, so that a line is never drawn from a state that is already over.
                biased;
                event = self.next() => match event {
                    Some(event) => self.state().show(&event, self.clock.now()),
                    None => break,
                },
                _ = ticks.tick(), if draws => {
                    tick += 1;
                    self.state().screen.draw(self.clock.now(), tick);
                }
            }
        }
        self.state().screen.erase();
    }

    /// Writes one line to standard error, made inert.
    pub fn notice(&self, text: &str) {
        self.state().screen.keep(&[text.to_owned()]);
    }

    /// Writes one line to standard error if a person watches it.
    pub fn hint(&self, text: &str) {
        self.state().screen.hint(text);
    }

    /// Prints a reply that was recorded earlier.
    pub fn print_recorded(&self, session: &SessionId, reply: &ReplyComposed) {
        self.state().print(&Reply {
            session: Some(session),
            text: &reply.text,
            ending: reply.ending,
            notices: &reply.notices,
            repeated: true,
        });
    }

    /// What became of the reply on standard output.
    pub fn printed(&self) -> Printed {
        self.state().printed.clone()
    }

    async fn next(&self) -> Option<LiveEvent> {
        poll_fn(|context| match &mut self.state().live {
            Some(live) => live.poll_recv(context),
            None => Poll::Ready(None),
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Channel for Terminal {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            edits: false,
            interactive: self.state().person.is_some(),
        }
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        let mut state = self.state();
        // What happened before the reply is shown before it, and nothing is shown after it.
        while let Some(event) = state.live.as_mut().and_then(|live| live.try_recv().ok()) {
            state.show(&event, self.clock.now());
        }
        state.print(&Reply {
            session: None,
            text: &delivery.text,
            ending: delivery.ending,
            notices: &delivery.notices,
            repeated: false,
        });
        match &state.printed {
            Printed::Failed(reason) => Err(DeliverError::Gone(format!(
                "standard output did not take the reply: {reason}"
            ))),
            Printed::Nothing | Printed::Reply => Ok(format!("stdout:{}", delivery.id)),
        }
    }
}

#[async_trait]
impl Questions for Terminal {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> (OutcomeAnswer, String) {
        let person = {
            let mut state = self.state();
            let person = state.person.take();
            state
                .screen
                .pause(&question::lines(question, person.is_some()));
            person
        };
        let Some((id, input)) = person else {
            self.state().screen.resume();
            return (OutcomeAnswer::Skip, "nobody".to_owned());
        };
        // Reading a terminal blocks, and only on a thread of its own may it.
        let read = tokio::task::spawn_blocking(move || question::read_answer(input)).await;
        let mut state = self.state();
        state.screen.resume();
        match read {
            Ok((Some(answer), input)) => {
                state.person = Some((id.clone(), input));
                (answer, id)
            }
            Ok((None, _)) | Err(_) => (OutcomeAnswer::Skip, "nobody".to_owned()),
        }
    }
}

struct Reply<'a> {
    /// The session, where it may be another than the one that was asked for.
    session: Option<&'a SessionId>,
    text: &'a str,
    ending: Ending,
    notices: &'a [String],
    repeated: bool,
}

impl State {
    fn show(&mut self, event: &LiveEvent, now: corvid_core::wire::Millis) {
        if self.printed != Printed::Nothing {
            return;
        }
        if let Form::Json(session) = &self.form {
            let frame = Frame::Live {
                session: session.clone(),
                event: Box::new(event.clone()),
            };
            // Progress that nobody reads any more must not end the turn.
            if self.write_frame(&frame).is_err() {
                self.form = Form::Plain;
            }
        }
        self.screen.apply(event, now);
    }

    /// Prints a reply unless one was printed already.
    fn print(&mut self, reply: &Reply<'_>) {
        if self.printed != Printed::Nothing {
            return;
        }
        self.screen.end();
        let written = match &self.form {
            Form::Plain => self.write(plain(reply.text).as_bytes()),
            Form::Screen(look) => self.write(screen(reply.text, *look).as_bytes()),
            Form::Json(session) => {
                let frame = Frame::Reply {
                    session: reply.session.unwrap_or(session).clone(),
                    text: reply.text.to_owned(),
                    ending: reply.ending,
                    notices: reply.notices.to_vec(),
                    repeated: reply.repeated,
                };
                self.write_frame(&frame)
            }
        };
        self.printed = match written {
            Ok(()) => Printed::Reply,
            // A reader that left has read what it wanted; the journal has the rest.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Printed::Reply,
            Err(error) => Printed::Failed(error.to_string()),
        };
        let notices: Vec<String> = reply
            .notices
            .iter()
            .map(|notice| format!("note: {notice}"))
            .collect();
        self.screen.keep(&notices);
    }

    fn write_frame(&mut self, frame: &Frame) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        self.write(&line)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
