//! Receiving: updates are polled, handed in, and only then confirmed.
//! Invariant: the next poll, which confirms a batch, is sent after all of it was taken; what was not taken is handed in
//! again. No update is passed over for its number, which may start anew: the journal knows what it has.
//! It must not know what an update means.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use corvid_core::faults::crash_point;
use corvid_core::wire::Millis;
use corvid_core::{Attachment, Condition, Inbox, ListenError, NotTaken, Press, Said, TaskKind};
use futures_util::StreamExt as _;

use super::api::Fault;
use super::decode::{self, Decoded, Heard, Identity, Pieces, Pressed};
use super::files::Kept;
use super::{NAME, Telegram, register};

/// How many conversations hand in at once.
const AT_ONCE: usize = 16;

/// The first and the longest pause before something is tried again.
const PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;

/// Receives until it cannot go on.
pub(super) async fn listen(telegram: &Telegram, inbox: Arc<dyn Inbox>) -> ListenError {
    let mut poll = Poll {
        telegram,
        inbox: &*inbox,
        me: None,
        offset: None,
        pieces: Pieces::default(),
        failures: 0,
    };
    loop {
        let Err(fault) = poll.receive().await;
        match fault {
            Fault::Unauthorized => return ListenError::Final(telegram.refused()),
            Fault::Conflict => return ListenError::Retry(telegram.contested()),
            fault => poll.recover(&fault).await,
        }
    }
}

impl Telegram {
    fn refused(&self) -> String {
        format!(
            "Telegram refuses the token of bot {}; get one from @BotFather, then `agent config set telegram.token …`",
            self.account
        )
    }

    fn contested(&self) -> String {
        format!(
            "another program receives the messages of Telegram bot {}, and only one can; stop the other one, or give \
             this one a bot of its own",
            self.account
        )
    }
}

struct Poll<'a> {
    telegram: &'a Telegram,
    inbox: &'a dyn Inbox,
    /// Who the bot is, once Telegram has told.
    me: Option<Identity>,
    /// Confirms what is below it; none once that is known to have arrived, for numbers may start anew below it.
    offset: Option<i32>,
    pieces: Pieces,
    /// Faults since it went well.
    failures: u32,
}

impl Poll<'_> {
    /// Goes on until something fails.
    async fn receive(&mut self) -> Result<Infallible, Fault> {
        let api = &self.telegram.api;
        let me = match &self.me {
            Some(me) => me.clone(),
            None => self.begin().await?,
        };
        loop {
            let updates = api.updates(self.offset, self.telegram.poll_secs).await?;
            if self.failures > 0 {
                self.failures = 0;
                self.report(Condition::Up(format!("@{}", me.username)));
            }
            let Some(newest) = updates.iter().map(|update| update.id).max() else {
                self.offset = None;
                continue;
            };
            let batch: Vec<Decoded> = updates
                .iter()
                .map(|update| self.decode(&update.body, &me))
                .collect();
            self.hand_in(batch).await;
            crash_point("poll.before_confirm");
            self.offset = Some(newest.saturating_add(1));
        }
    }

    /// Makes sure that updates come here, and asks who the bot is.
    async fn begin(&mut self) -> Result<Identity, Fault> {
        let api = &self.telegram.api;
        let me = api.me().await?;
        let me = Identity {
            id: i64::try_from(me.id.0).unwrap_or_default(),
            username: me.username.unwrap_or_default(),
        };
        if api.has_webhook().await? {
            api.drop_webhook().await?;
        }
        register::register(api, &self.telegram.commands).await?;
        self.failures = 0;
        self.report(Condition::Up(format!("@{}", me.username)));
        self.me = Some(me.clone());
        Ok(me)
    }

    fn decode(&mut self, update: &serde_json::Value, me: &Identity) -> Decoded {
        let mut decoded = decode::decode(update, me);
        match &mut decoded {
            Decoded::Said(heard) => self.pieces.join(heard),
            Decoded::Standing { chat, standing } => {
                tracing::info!(chat, standing, "the bot's standing in a chat has changed");
            }
            Decoded::Nothing(why) => tracing::debug!(why, "an update was passed over"),
            Decoded::Pressed(_) | Decoded::Moved { .. } => {}
        }
        decoded
    }

    /// Hands a batch in, different conversations at once, one conversation in order; returns when all was taken.
    async fn hand_in(&self, batch: Vec<Decoded>) {
        futures_util::stream::iter(lines(batch))
            .for_each_concurrent(AT_ONCE, async |line| {
                for decoded in line {
                    self.until_taken(decoded).await;
                }
            })
            .await;
    }

    async fn until_taken(&self, decoded: Decoded) {
        let mut refusals = 0;
        while let Err(NotTaken(reason)) = self.take(&decoded).await {
            tracing::warn!(reason, "a message was not taken and is handed in again");
            self.pause(refusals).await;
            refusals += 1;
        }
    }

    async fn take(&self, decoded: &Decoded) -> Result<(), NotTaken> {
        match decoded {
            Decoded::Said(heard) => self.inbox.receive(self.said(heard)).await,
            Decoded::Pressed(pressed) => self.press(pressed).await,
            Decoded::Moved { from, to } => {
                let origin = |chat| decode::origin(&self.telegram.account, chat, None);
                self.inbox.moved(&origin(*from), &origin(*to)).await
            }
            Decoded::Standing { .. } | Decoded::Nothing(_) => Ok(()),
        }
    }

    /// Whoever pressed waits for an answer, and the others need not wait for it to arrive.
    async fn press(&self, pressed: &Pressed) -> Result<(), NotTaken> {
        let origin = decode::origin(&self.telegram.account, pressed.chat, pressed.thread);
        let press = Press {
            origin,
            external_id: format!("cb:{}", pressed.callback),
            person: pressed.person.to_string(),
            button: pressed.button.clone(),
        };
        let toast = self.inbox.press(press).await?;
        let api = self.telegram.api.clone();
        let callback = pressed.callback.clone();
        let answer = async move {
            if let Err(fault) = api.answer_press(&callback, &toast).await {
                tracing::debug!(%fault, "a press was not answered");
            }
        };
        let tasks = &self.telegram.tasks;
        drop(tasks.spawn(TaskKind::Service, "telegram press", answer));
        Ok(())
    }

    fn said(&self, heard: &Heard) -> Said {
        let enclosed = heard.enclosed.iter();
        let attachments = enclosed.map(|enclosed| Attachment {
            name: enclosed.name.clone(),
            media_type: enclosed.media_type.clone(),
            kind: enclosed.kind,
            bytes: enclosed.bytes,
            source: Arc::new(Kept::new(self.telegram.api.clone(), enclosed)),
        });
        Said {
            origin: decode::origin(&self.telegram.account, heard.chat, heard.thread),
            place: heard.place,
            external_id: heard.external_id.clone(),
            edits: heard.edits.clone(),
            person: heard.person.to_string(),
            name: heard.name.clone(),
            parts: heard.parts.clone(),
            attachments: attachments.collect(),
            together: heard.together.clone(),
            at: heard.at,
        }
    }

    /// Tells of a fault, and waits before the next try.
    async fn recover(&mut self, fault: &Fault) {
        self.report(Condition::Failing(fault.to_string()));
        match fault {
            Fault::Wait { ms } => {
                let wait = Millis::try_from(*ms).unwrap_or(Millis::MAX);
                self.sleep(wait).await;
            }
            _ => self.pause(self.failures).await,
        }
        self.failures += 1;
    }

    fn report(&self, condition: Condition) {
        self.inbox.report(NAME, &self.telegram.account, condition);
    }

    /// A pause that grows with the number of those before it.
    async fn pause(&self, earlier: u32) {
        let longest = PAUSE_MS.saturating_mul(1 << earlier.min(6));
        let longest = longest.min(LONGEST_PAUSE_MS);
        // Half of it is left to chance, lest everybody come back at once.
        let wait = longest / 2 + longest / 2 * Millis::from(chance()) / 255;
        self.sleep(wait).await;
    }

    async fn sleep(&self, wait: Millis) {
        let clock = &self.telegram.clock;
        clock.sleep_until(clock.now().saturating_add(wait)).await;
    }
}

/// What happens in one conversation, or in two of which one became the other, in its order.
fn lines(batch: Vec<Decoded>) -> Vec<Vec<Decoded>> {
    let moves: HashMap<i64, i64> = batch.iter().filter_map(moved).collect();
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut lines: Vec<Vec<Decoded>> = Vec::new();
    for decoded in batch {
        let Some(chat) = chat(&decoded) else { continue };
        let chat = moves.get(&chat).copied().unwrap_or(chat);
        let place = *places.entry(chat).or_insert(lines.len());
        if place == lines.len() {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.get_mut(place) {
            line.push(decoded);
        }
    }
    lines
}

fn moved(decoded: &Decoded) -> Option<(i64, i64)> {
    match decoded {
        Decoded::Moved { from, to } => Some((*from, *to)),
        Decoded::Said(_) | Decoded::Pressed(_) | Decoded::Standing { .. } | Decoded::Nothing(_) => {
            None
        }
    }
}

fn chat(decoded: &Decoded) -> Option<i64> {
    match decoded {
        Decoded::Said(heard) => Some(heard.chat),
        Decoded::Pressed(pressed) => Some(pressed.chat),
        Decoded::Moved { to, .. } => Some(*to),
        Decoded::Standing { .. } | Decoded::Nothing(_) => None,
    }
}

/// A random byte; the middle where the system has none.
fn chance() -> u8 {
    let mut byte = [127];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        Err(_) => 127,
    }
}

#[cfg(test)]
mod tests;
