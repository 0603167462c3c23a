//! A bot that writes, the server it writes to, and marks that outlive it.
//! Invariant: whoever waits for the clock is let go on at once, so that no test waits for time.
//! It must not know what a test is after.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{Address, DeliveryId, Ending, InputId, SessionId};
use corvid_core::{Clock, Content, Delivery, Mark, Marks, Reply, Secret, Tasks};
use corvid_testkit::telegram::{Group, Remote, Say, SeenChat, Setup};
use corvid_testkit::{FakeTelegram, ManualClock};

use super::{Telegram, TelegramConfig};

pub(super) type Outcome = Result<(), Box<dyn Error>>;

/// Somebody who talks with the bot.
pub(super) const PERSON: i64 = 4711;

/// A group with topics.
pub(super) const FORUM: i64 = -1_001;

/// What its topic is.
pub(super) const TOPIC: i32 = 7;

/// When the clock stands at the beginning.
pub(super) const START: i64 = 1_700_000_000_000;

/// A server and what outlives a bot.
pub(super) struct Scene {
    pub(super) fake: FakeTelegram,
    pub(super) clock: Arc<ManualClock>,
    pub(super) marks: Arc<Kept>,
    pub(super) drafts: bool,
}

impl Scene {
    pub(super) fn begin() -> Result<Self, Box<dyn Error>> {
        let clock = Arc::new(ManualClock::new(START));
        let shared: Arc<dyn Clock> = clock.clone();
        let fake = FakeTelegram::start_with(Setup::default(), shared)?;
        fake.remote().say(Say::private(PERSON, "hello"))?;
        let forum = Group::forum(FORUM, "crows", [PERSON], [TOPIC]);
        fake.remote().group(forum)?;
        Ok(Self {
            fake,
            clock,
            marks: Arc::default(),
            drafts: false,
        })
    }

    pub(super) fn server(&self) -> &Remote {
        self.fake.remote()
    }

    /// A bot as after a start: it remembers what is marked, and nothing else.
    pub(super) fn bot(&self) -> Result<Telegram, Box<dyn Error>> {
        let config = TelegramConfig {
            token: Secret::new(self.fake.token()),
            api_url: Some(self.fake.url()),
            draft_previews: self.drafts,
            poll_secs: 0,
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let marks: Arc<dyn Marks> = self.marks.clone();
        Ok(Telegram::new(
            config,
            clock,
            marks,
            Tasks::default(),
            Vec::new(),
        )?)
    }

    /// What a future comes to while time passes as soon as somebody waits for it.
    pub(super) async fn hurried<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::select! {
            done = future => done,
            never = self.hurry() => match never {},
        }
    }

    async fn hurry(&self) -> std::convert::Infallible {
        loop {
            let next = self.clock.next_wait().await;
            self.clock.set(next);
        }
    }

    /// The chat with the person as they see it.
    pub(super) fn chat(&self) -> Result<SeenChat, Box<dyn Error>> {
        Ok(self.server().chat(PERSON)?)
    }

    /// What the bot wrote to the person.
    pub(super) fn texts(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let chat = self.chat()?;
        let texts = chat.bot_texts().into_iter();
        Ok(texts.map(str::to_owned).collect())
    }

    /// Nothing was sent that a bot should not send.
    pub(super) fn well_behaved(&self) -> Outcome {
        let violations = self.server().violations()?;
        assert!(violations.is_empty(), "{violations:#?}");
        Ok(())
    }
}

/// Marks as a store keeps them.
#[derive(Default)]
pub(super) struct Kept(Mutex<BTreeMap<(String, u32), String>>);

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_ok_and(|marks| marks.is_empty())
    }
}

#[async_trait]
impl Marks for Kept {
    async fn marks(&self, post: &str) -> Result<Vec<Mark>, String> {
        // A store answers later, so that a kill may come between.
        tokio::task::yield_now().await;
        let marks = self.0.lock().map_err(|error| error.to_string())?;
        let own = marks.iter().filter(|((name, _), _)| name == post);
        Ok(own
            .map(|((_, part), external_id)| Mark {
                part: *part,
                external_id: external_id.clone(),
            })
            .collect())
    }

    async fn mark(&self, post: &str, mark: &Mark) -> Result<(), String> {
        tokio::task::yield_now().await;
        let key = (post.to_owned(), mark.part);
        let kept = self.0.lock();
        let kept = kept.map(|mut marks| marks.insert(key, mark.external_id.clone()));
        kept.map_err(|error| error.to_string())?;
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// A conversation of the bot's.
pub(super) fn at(conversation: &str) -> Address {
    Address {
        channel: "telegram".to_owned(),
        account: "4242".to_owned(),
        conversation: conversation.to_owned(),
    }
}

/// A delivery to the person.
pub(super) fn delivery(text: &str, content: Content) -> Delivery {
    Delivery {
        id: DeliveryId::new("d-1"),
        to: at(&PERSON.to_string()),
        text: text.to_owned(),
        content,
        maybe_sent: false,
        late: false,
    }
}

/// A reply that was answered at once.
pub(super) fn reply() -> Reply {
    Reply {
        session: SessionId::new("s-1"),
        turn: 3,
        inputs: vec![InputId::new("i-1")],
        ending: Ending::Answered,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
    }
}
