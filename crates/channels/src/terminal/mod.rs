//! The terminal as a channel: the answer once on standard output; on standard error progress, questions and what
//! is no answer.
//! Invariant: a reply is printed at most once by one process, and nothing but data goes to standard output.
//! It must not know the gateway, the journal or the command line.

mod ask;
mod card;
mod dialog;
mod keyboard;
mod live;
mod page;
mod render;
mod screen;
mod surface;
mod talk;
mod watch;
mod wrap;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use corvid_core::wire::{EventBody, LiveEvent, ReplyComposed, SessionId};
use corvid_core::{Channel, Clock, DeliverError, Delivery};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Notify, watch as watched};
use tokio::time::{Instant, interval_at};

pub use card::card_lines;
pub use keyboard::Keyboard;
pub use page::Printed;
use page::{Page, Reply};
pub use render::{Look, plain, screen};
use screen::Screen;
pub use surface::{Form, Person, Surface};
use watch::Watch;

/// The channel's name in addresses.
pub const NAME: &str = "terminal";

/// How often the moving line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// The terminal that this process was started from.
pub struct Terminal {
    lines: bool,
    page: Arc<tokio::sync::Mutex<Page>>,
    screen: Mutex<Screen>,
    live: Mutex<Option<Receiver<LiveEvent>>>,
    composed: Mutex<Vec<ReplyComposed>>,
    /// Held by whoever reads the keyboard; none once it is gone.
    person: Arc<tokio::sync::Mutex<Option<Person>>>,
    /// Of the person who sat here at first; for looking at the terminal alone.
    keyboard: Option<Keyboard>,
    waits: bool,
    /// How many questions are open, or wait for the keyboard.
    asking: watched::Sender<usize>,
    /// Told when the running call is to go to the background; none while that is not offered.
    background: Mutex<Option<Arc<Notify>>>,
    clock: Arc<dyn Clock>,
}

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
            keyboard: surface
                .person
                .as_ref()
                .map(|person| person.keyboard.clone()),
            person: Arc::new(tokio::sync::Mutex::new(surface.person)),
            waits: surface.waits,
            asking: watched::Sender::new(0),
            background: Mutex::default(),
            clock,
        }
    }

    /// Shows what happens until the sender is gone.
    pub async fn follow(&self, live: Receiver<LiveEvent>) {
        *locked(&self.live) = Some(live);
        let draws = locked(&self.screen).draws();
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        let mut tick = 0;
        let mut asking = self.asking.subscribe();
        let mut watch = Watch::default();
        loop {
            if draws {
                watch.tend(self, self.clock.now());
            }
            tokio::select! {
                // Events first, so that a line is never drawn from a state that is already over.
                biased;
                event = self.next() => match event {
                    Some(event) => self.show(event).await,
                    None => break,
                },
                // Whoever asks needs the keyboard.
                _ = asking.changed() => {}
                pressed = watch.pressed() => watch.act(self, pressed).await,
                _ = ticks.tick(), if draws => {
                    tick += 1;
                    self.draw(tick);
                }
            }
        }
        locked(&self.screen).erase();
    }

    /// Makes room for the reply of another turn: without it the first one is the only one that is printed.
    pub async fn turn_page(&self) {
        locked(&self.screen).go_on();
        self.page.lock().await.turn();
    }

    /// Offers from now on to move a running command to the background by a key; told each time it is pressed.
    pub fn background(&self) -> Arc<Notify> {
        Arc::clone(locked(&self.background).get_or_insert_default())
    }

    /// Gives the keyboard back, for a process that is about to end without dropping this.
    pub fn leave(&self) {
        locked(&self.screen).unprompt();
        keyboard::give_back();
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
            unapproved: reply.unapproved.clone(),
            repeated: true,
        })
        .await
    }

    /// The replies whose composing was seen so far: this process's own, and those it made for others.
    pub fn composed(&self) -> Vec<ReplyComposed> {
        locked(&self.composed).clone()
    }

    /// Draws the moving line on the screen as it is now, unless that is another job's.
    fn draw(&self, tick: usize) {
        let mut screen = locked(&self.screen);
        if let Some(keyboard) = &self.keyboard {
            if !keyboard.is_in_front() {
                return;
            }
            if let Some(columns) = keyboard.columns() {
                screen.resize(columns);
            }
        }
        screen.draw(self.clock.now(), tick);
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
        let notices = aside.notices.iter().map(|notice| format!("note: {notice}"));
        let unapproved = aside.unapproved.iter();
        let unapproved = unapproved.map(|call| format!("needed an approval and got none: {call}"));
        let lines: Vec<String> = notices.chain(unapproved).collect();
        let mut screen = locked(&self.screen);
        if let Some(text) = aside.text {
            screen.tell(&text);
        }
        screen.keep(&lines);
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
        let Some(said) = delivery.reply() else {
            let reason = "a terminal takes replies alone";
            return Err(DeliverError::Gone(reason.to_owned()));
        };
        let reply = Reply {
            session: None,
            text: delivery.text.clone(),
            ending: said.ending,
            notices: said.notices.clone(),
            unapproved: said.unapproved.clone(),
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
