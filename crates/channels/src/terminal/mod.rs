//! The terminal as a channel: the answer once on standard output; on standard error progress, questions and what
//! is no answer.
//! Invariant: a reply is printed at most once by one process, and nothing but data goes to standard output.
//! It must not know the gateway, the journal or the command line.

mod live;
mod page;
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
use corvid_core::wire::{EventBody, LiveEvent, OutcomeAnswer, Question, ReplyComposed, SessionId};
use corvid_core::{Channel, Clock, DeliverError, Delivery, Heard, OutcomeQuestion, Questions};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval_at};

pub use page::Printed;
use page::{Page, Reply};
use question::Said;
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
    pub person: Option<Person>,
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

/// The terminal that this process was started from.
pub struct Terminal {
    lines: bool,
    page: Arc<tokio::sync::Mutex<Page>>,
    screen: Mutex<Screen>,
    live: Mutex<Option<Receiver<LiveEvent>>>,
    composed: Mutex<Vec<ReplyComposed>>,
    person: Mutex<Option<Person>>,
    clock: Arc<dyn Clock>,
}

/// Who sits at the terminal: their id, and where their answers are read.
pub type Person = (String, Box<dyn BufRead + Send>);

impl Terminal {
    /// A terminal on these streams.
    pub fn new(surface: Surface, clock: Arc<dyn Clock>) -> Self {
        Self {
            lines: matches!(surface.form, Form::Json(_)),
            page: Arc::new(tokio::sync::Mutex::new(Page::new(
                surface.out,
                surface.form,
            ))),
            screen: Mutex::new(Screen::new(surface.err, surface.progress)),
            live: Mutex::default(),
            composed: Mutex::default(),
            person: Mutex::new(surface.person),
            clock,
        }
    }

    /// Shows what happens until the sender is gone.
    pub async fn follow(&self, live: Receiver<LiveEvent>) {
        *locked(&self.live) = Some(live);
        let draws = locked(&self.screen).draws();
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        let mut tick = 0;
        loop {
            tokio::select! {
                // Events first, so that a line is never drawn from a state that is already over.
                biased;
                event = self.next() => match event {
                    Some(event) => self.show(event).await,
                    None => break,
                },
                _ = ticks.tick(), if draws => {
                    tick += 1;
                    locked(&self.screen).draw(self.clock.now(), tick);
                }
            }
        }
        locked(&self.screen).erase();
    }

    /// Writes one line to standard error, made inert.
    pub fn notice(&self, text: &str) {
        locked(&self.screen).keep(&[text.to_owned()]);
    }

    /// Writes one line to standard error if a person watches it.
    pub fn hint(&self, text: &str) {
        locked(&self.screen).hint(text);
    }

    /// Prints a reply that was recorded earlier, unless this process has printed one; says what became of it.
    pub async fn print_recorded(&self, session: &SessionId, reply: &ReplyComposed) -> Printed {
        self.print(Reply {
            session: Some(session.clone()),
            text: reply.text.clone(),
            ending: reply.ending,
            notices: reply.notices.clone(),
            repeated: true,
        })
        .await
    }

    /// The replies whose composing was seen so far: this process's own, and those it made for others.
    pub fn composed(&self) -> Vec<ReplyComposed> {
        locked(&self.composed).clone()
    }

    async fn next(&self) -> Option<LiveEvent> {
        poll_fn(|context| match &mut *locked(&self.live) {
            Some(live) => live.poll_recv(context),
            None => Poll::Ready(None),
        })
        .await
    }

    fn waiting(&self) -> Option<LiveEvent> {
        locked(&self.live).as_mut()?.try_recv().ok()
    }

    async fn show(&self, event: LiveEvent) {
        locked(&self.screen).apply(&event, self.clock.now());
        if let LiveEvent::Committed { event } = &event
            && let EventBody::ReplyComposed(reply) = &event.body
        {
            locked(&self.composed).push(reply.clone());
        }
        if self.lines {
            self.write(|page| page.event(event)).await;
        }
    }

    async fn print(&self, reply: Reply) -> Printed {
        locked(&self.screen).end();
        let Some((printed, aside)) = self.write(|page| page.reply(reply)).await else {
            return Printed::Failed("the writing was cut off".to_owned());
        };
        let notices = aside.notices.iter();
        let notices: Vec<String> = notices.map(|notice| format!("note: {notice}")).collect();
        let mut screen = locked(&self.screen);
        if let Some(text) = aside.text {
            screen.tell(&text);
        }
        screen.keep(&notices);
        printed
    }

    /// Writes to standard output, in the order of the calls. Its reader may be slow: the writing waits on a
    /// thread of its own, and signals are heard meanwhile.
    async fn write<R: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Page) -> R + Send + 'static,
    ) -> Option<R> {
        let mut page = Arc::clone(&self.page).lock_owned().await;
        tokio::task::spawn_blocking(move || write(&mut page))
            .await
            .ok()
    }
}

#[async_trait]
impl Channel for Terminal {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        // What happened before the reply is shown before it, and nothing is shown after it.
        while let Some(event) = self.waiting() {
            self.show(event).await;
        }
        let reply = Reply {
            session: None,
            text: delivery.text.clone(),
            ending: delivery.ending,
            notices: delivery.notices.clone(),
            repeated: delivery.maybe_sent,
        };
        match self.print(reply).await {
            Printed::Failed(reason) => Err(DeliverError::Gone(format!(
                "standard output did not take it: {reason}"
            ))),
            Printed::Nothing | Printed::Reply => Ok(format!("stdout:{}", delivery.id)),
        }
    }
}

#[async_trait]
impl Questions for Terminal {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> (OutcomeAnswer, String) {
        let nobody = (OutcomeAnswer::Skip, "nobody".to_owned());
        let person = locked(&self.person).take();
        locked(&self.screen).pause(&question::lines(question, person.is_some()));
        let Some((id, mut input)) = person else {
            locked(&self.screen).resume();
            return nobody;
        };
        let answered = loop {
            // Reading a terminal blocks, and only on a thread of its own may it.
            let reading = tokio::task::spawn_blocking(move || (question::read(&mut *input), input));
            match reading.await {
                Ok((Said::Answer(answer), input)) => {
                    *locked(&self.person) = Some((id.clone(), input));
                    break (answer, id);
                }
                Ok((Said::Unclear, handed_back)) => input = handed_back,
                Ok((Said::Nothing, _)) | Err(_) => break nobody,
            }
            locked(&self.screen).pause(question::AGAIN);
        };
        locked(&self.screen).resume();
        answered
    }

    async fn ask(&self, _question: &Question) -> Heard {
        Heard::Nobody
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
