//! Receiving: updates are polled, handed in, and only then confirmed.
//! Invariant: the next poll, which confirms a batch, is sent after all of it was taken; what was not taken is handed in
//! again. No update is passed over for its number, which may start anew: the journal knows what it has.
//! It must not know what an update means.

mod hand;
mod pause;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::Millis;
use corvid_core::{Condition, Inbox, ListenError};

use self::hand::Hand;
use super::api::Fault;
use super::decode::{self, Decoded, Identity, Pieces};
use super::{NAME, Telegram, register};

/// Receives until it cannot go on.
pub(super) async fn listen(telegram: &Telegram, inbox: Arc<dyn Inbox>) -> ListenError {
    let mut poll = Poll {
        telegram,
        inbox: &*inbox,
        me: None,
        offers: false,
        offset: None,
        pieces: Pieces::default(),
        failures: 0,
    };
    loop {
        let Err(fault) = poll.receive().await;
        match fault {
            Fault::Unauthorized => return ListenError::Final(telegram.refused()),
            Fault::Conflict => {
                telegram.is_contested.store(true, Ordering::Relaxed);
                return ListenError::Retry(telegram.contested());
            }
            fault => poll.recover(&fault).await,
        }
    }
}

impl Telegram {
    fn refused(&self) -> String {
        format!(
            "Telegram refuses the token of bot {}; get one from @BotFather, then `agent config set telegram.token …` and `agent restart`",
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
    /// Whether the commands are offered.
    offers: bool,
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
        if !self.offers {
            self.offer().await?;
        }
        loop {
            let updates = api.updates(self.offset, self.telegram.poll_secs).await?;
            if self.failures > 0 {
                self.telegram.is_contested.store(false, Ordering::Relaxed);
                self.up(&me);
            }
            let Some(newest) = updates.iter().map(|update| update.id).max() else {
                self.offset = None;
                continue;
            };
            let batch: Vec<Decoded> = updates
                .iter()
                .map(|update| self.decode(&update.body, &me))
                .collect();
            if defect("confirm-before-commit") {
                drop(api.updates(Some(newest.saturating_add(1)), 0).await);
            }
            Hand::new(self.telegram, self.inbox).batch(batch).await;
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
        if self.telegram.is_contested.load(Ordering::Relaxed) {
            // Whoever else polls lets every call but a poll pass.
            self.failures = 1;
        } else {
            self.up(&me);
        }
        self.me = Some(me.clone());
        Ok(me)
    }

    /// Offers the commands. That they cannot be offered now keeps nobody from writing: it is tried again after the
    /// next fault.
    async fn offer(&mut self) -> Result<(), Fault> {
        match register::register(&self.telegram.api, &self.telegram.commands).await {
            Err(fault @ (Fault::Unauthorized | Fault::Conflict)) => return Err(fault),
            Err(fault) => tracing::warn!(%fault, "Telegram does not offer the commands yet"),
            Ok(()) => self.offers = true,
        }
        Ok(())
    }

    fn up(&mut self, me: &Identity) {
        self.failures = 0;
        self.report(Condition::Up(format!("@{}", me.username)));
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

    /// Tells of a fault, and waits before the next try.
    async fn recover(&mut self, fault: &Fault) {
        self.report(Condition::Failing(fault.to_string()));
        let clock = &*self.telegram.clock;
        match fault {
            Fault::Wait { ms } => {
                let wait = Millis::try_from(*ms).unwrap_or(Millis::MAX);
                pause::sleep(clock, wait).await;
            }
            _ => pause::pause(clock, self.failures).await,
        }
        self.failures += 1;
    }

    fn report(&self, condition: Condition) {
        self.inbox.report(NAME, &self.telegram.account, condition);
    }
}

#[cfg(test)]
mod tests;
