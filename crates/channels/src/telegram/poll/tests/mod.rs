//! Receiving, against a real server that speaks the Bot API.

mod confirming;
mod faults;
mod files;
mod handing;
mod secrecy;

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Address, Part};
use corvid_core::{
    Attachment, Condition, Inbox, ListenError, Mark, Marks, NotTaken, Press, Said, Secret, Tasks,
};
use corvid_testkit::telegram::Remote;
use corvid_testkit::{FakeTelegram, ManualClock};
use tokio::sync::Barrier;

use super::super::{Telegram, TelegramConfig};

type Outcome = Result<(), Box<dyn Error>>;

/// A server, a bot and an inbox.
struct Scene {
    fake: FakeTelegram,
    clock: Arc<ManualClock>,
    inbox: Arc<Recorder>,
    telegram: Telegram,
}

impl Scene {
    fn begin() -> Result<Self, Box<dyn Error>> {
        Self::with(Recorder::default(), 50)
    }

    fn with(inbox: Recorder, poll_secs: u32) -> Result<Self, Box<dyn Error>> {
        let fake = FakeTelegram::start()?;
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let telegram = bot(&fake, fake.token(), &clock, poll_secs)?;
        let inbox = Arc::new(inbox);
        Ok(Self {
            fake,
            clock,
            inbox,
            telegram,
        })
    }

    fn people(&self) -> &Remote {
        self.fake.remote()
    }

    /// Listens until the condition holds; whoever waits is let go on at once meanwhile.
    async fn until(&self, mut done: impl FnMut(&Remote) -> bool) -> Outcome {
        let inbox: Arc<dyn Inbox> = self.inbox.clone();
        tokio::select! {
            reached = self.people().until(|people| Ok(done(people))) => Ok(reached?),
            end = super::listen(&self.telegram, inbox) => Err(end.to_string().into()),
            never = self.hurry() => match never {},
        }
    }

    /// Listens until it cannot go on.
    async fn end(&self) -> ListenError {
        let inbox: Arc<dyn Inbox> = self.inbox.clone();
        super::listen(&self.telegram, inbox).await
    }

    async fn hurry(&self) -> std::convert::Infallible {
        loop {
            let next = self.clock.next_wait().await;
            self.clock.set(next);
        }
    }
}

/// The bot with that token.
fn bot(
    fake: &FakeTelegram,
    token: &str,
    clock: &Arc<ManualClock>,
    poll_secs: u32,
) -> Result<Telegram, String> {
    let config = TelegramConfig {
        token: Secret::new(token),
        api_url: Some(fake.url()),
        draft_previews: false,
        poll_secs,
    };
    let commands = vec![("help".to_owned(), "say what I can do".to_owned())];
    let clock = Arc::clone(clock);
    Telegram::new(config, clock, Arc::new(NoMarks), Tasks::default(), commands)
}

/// Whether everything was confirmed.
fn confirmed(people: &Remote) -> bool {
    people.pending().is_ok_and(|pending| pending == 0)
}

/// An inbox that writes down what it takes.
#[derive(Default)]
struct Recorder {
    taken: Mutex<Vec<String>>,
    attachments: Mutex<Vec<Attachment>>,
    conditions: Mutex<Vec<Condition>>,
    /// How often nothing is taken.
    refusals: Mutex<u32>,
    /// Everybody is taken only once so many are there.
    crowd: Option<Barrier>,
}

impl Recorder {
    fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("no panic").clone()
    }

    fn distinct(&self) -> usize {
        self.taken().into_iter().collect::<HashSet<_>>().len()
    }

    fn conditions(&self) -> Vec<Condition> {
        self.conditions.lock().expect("no panic").clone()
    }

    fn refuses(&self) -> bool {
        let mut refusals = self.refusals.lock().expect("no panic");
        let refuses = *refusals > 0;
        *refusals = refusals.saturating_sub(1);
        refuses
    }

    async fn take(&self, what: String) -> Result<(), NotTaken> {
        if let Some(crowd) = &self.crowd {
            crowd.wait().await;
        }
        if self.refuses() {
            return Err(NotTaken("the disk is full".to_owned()));
        }
        self.taken.lock().expect("no panic").push(what);
        Ok(())
    }
}

#[async_trait]
impl Inbox for Recorder {
    async fn receive(&self, said: Said) -> Result<(), NotTaken> {
        let words: Vec<&str> = said.parts.iter().map(Part::own_words).collect();
        let (person, words) = (&said.person, words.join(" "));
        self.take(format!("{} {person}: {words}", said.external_id))
            .await?;
        let mut attachments = self.attachments.lock().expect("no panic");
        attachments.extend(said.attachments);
        Ok(())
    }

    async fn press(&self, press: Press) -> Result<String, NotTaken> {
        let button = press.button.map(|button| button.encode());
        let (person, button) = (press.person, button.unwrap_or_default());
        self.take(format!("{person} presses {button}")).await?;
        Ok("taken".to_owned())
    }

    async fn moved(&self, from: &Address, to: &Address) -> Result<(), NotTaken> {
        let (from, to) = (&from.conversation, &to.conversation);
        self.take(format!("{from} is now {to}")).await
    }

    fn report(&self, channel: &str, account: &str, condition: Condition) {
        assert_eq!((channel, account), ("telegram", "4242"));
        self.conditions.lock().expect("no panic").push(condition);
    }
}

/// Receiving marks nothing.
struct NoMarks;

#[async_trait]
impl Marks for NoMarks {
    async fn marks(&self, _: &str) -> Result<Vec<Mark>, String> {
        Err("there are none".to_owned())
    }

    async fn mark(&self, _: &str, _: &Mark) -> Result<(), String> {
        Err("there are none".to_owned())
    }
}
