//! Putting posts into conversations so that none is seen twice: a silent placeholder, its id kept, then its text by
//! edit, which may be repeated without harm.
//! Invariant: no text is in a message whose id is not kept; one post is worked at by one task at a time.
//! It must not know what a post says.

mod deliver;
mod document;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use corvid_core::faults::{crash_point, defect};
use corvid_core::{Clock, Mark, Marks, Tasks};
use teloxide_core::types::MessageId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::api::{Api, Fault, Outgoing};
use super::pace::Pacer;
use super::render::Sheet;
use super::spot::{MessageSpot, Spot};

/// What stands in a message before its text does.
pub(super) const PLACEHOLDER: &str = "…";

/// Writes into conversations in one bot's name.
pub(super) struct Poster {
    pub(super) api: Api,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pacer: Pacer,
    pub(super) tasks: Tasks,
    /// How a turn is shown while it goes on in a private chat.
    pub(super) previews: Previews,
    marks: Arc<dyn Marks>,
    busy: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

/// How a reply is shown while it is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Previews {
    /// As a message that grows.
    Edits,
    /// As a draft, which leaves no message behind; in private chats only.
    Drafts,
}

/// Where a part of a post goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'p> {
    /// The post's name in the marks.
    pub(super) post: &'p str,
    /// The part's number.
    pub(super) number: u32,
    /// The conversation.
    pub(super) spot: Spot,
    /// How its message comes.
    pub(super) arrival: Arrival,
}

/// How a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Without a sound.
    Silent,
    /// With a sound, and these words for the notification.
    Heard(&'static str),
}

/// Why a part is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stuck {
    /// Telegram did not take it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The marks cannot be read or kept.
    #[error("{0}")]
    Marks(String),
}

impl Poster {
    /// Nothing is sent yet.
    pub(super) fn new(
        api: Api,
        clock: Arc<dyn Clock>,
        marks: Arc<dyn Marks>,
        tasks: Tasks,
        previews: Previews,
    ) -> Self {
        Self {
            api,
            pacer: Pacer::new(Arc::clone(&clock)),
            clock,
            tasks,
            previews,
            marks,
            busy: Mutex::default(),
        }
    }

    /// Waits until nobody else works at a post; it is one's own until the guard is dropped.
    pub(super) async fn alone(&self, post: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(busy.entry(post.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// The parts of a post that were sent.
    pub(super) async fn kept(&self, post: &str) -> Result<Vec<Mark>, Stuck> {
        self.marks.marks(post).await.map_err(Stuck::Marks)
    }

    /// Keeps what became of a part.
    pub(super) async fn keep(&self, post: &str, part: u32, said: &str) -> Result<(), Stuck> {
        let mark = Mark {
            part,
            external_id: said.to_owned(),
        };
        self.marks.mark(post, &mark).await.map_err(Stuck::Marks)
    }

    /// Makes a part say what the sheet says, in the message that is kept for it or else in a new one.
    pub(super) async fn put(
        &self,
        part: Part<'_>,
        kept: &[Mark],
        sheet: &Sheet,
    ) -> Result<MessageSpot, Stuck> {
        if let Some(message) = kept_message(kept, part) {
            self.pacer.turn(part.spot.chat).await;
            match self.fill(message, sheet).await {
                // Somebody deleted it; what it was to say is due all the same.
                Err(Fault::MessageGone(_)) => {}
                done => return Ok(done.map(|()| message)?),
            }
        }
        let message = self.place(part).await?;
        self.pacer.turn(part.spot.chat).await;
        self.fill(message, sheet).await?;
        Ok(message)
    }

    /// Sends a part's placeholder and keeps its id.
    pub(super) async fn place(&self, part: Part<'_>) -> Result<MessageSpot, Stuck> {
        self.pacer.turn(part.spot.chat).await;
        crash_point("post.before_placeholder");
        let (text, silent) = match part.arrival {
            Arrival::Silent => (PLACEHOLDER, true),
            Arrival::Heard(words) => (words, false),
        };
        let placeholder = Outgoing {
            chat: part.spot.chat,
            thread: part.spot.thread,
            text: text.to_owned(),
            silent,
            ..Outgoing::default()
        };
        let sent = self.api.send(&placeholder).await;
        let message = self.heeded(part.spot.chat, sent)?;
        crash_point("post.after_placeholder");
        let message = MessageSpot {
            chat: part.spot.chat,
            message: message.0,
        };
        if !defect("post-without-mark") {
            self.keep(part.post, part.number, &message.to_string())
                .await?;
        }
        crash_point("post.after_mark");
        Ok(message)
    }

    /// Puts text and buttons into a message; that it has them already is as good. What Telegram does not take with its
    /// faces, or its buttons, goes without.
    pub(super) async fn fill(&self, message: MessageSpot, sheet: &Sheet) -> Result<(), Fault> {
        let mut outgoing = Outgoing {
            chat: message.chat,
            text: sheet.rich.text().to_owned(),
            entities: sheet.rich.entities(),
            buttons: sheet.buttons.clone(),
            ..Outgoing::default()
        };
        let mut done = self.edit(message, &outgoing).await;
        if let Err(Fault::Unparsed(reason) | Fault::Refused(reason)) = &done {
            tracing::warn!(%reason, "a message goes without its faces");
            outgoing.entities.clear();
            done = self.edit(message, &outgoing).await;
        }
        if let Err(Fault::Refused(reason)) = &done {
            tracing::warn!(%reason, "a message goes without its buttons");
            outgoing.buttons.clear();
            done = self.edit(message, &outgoing).await;
        }
        crash_point("post.after_edit");
        done
    }

    async fn edit(&self, message: MessageSpot, to: &Outgoing) -> Result<(), Fault> {
        let id = MessageId(message.message);
        let done = self.api.edit(message.chat, id, to).await;
        match self.heeded(message.chat, done) {
            Err(Fault::NotModified) => Ok(()),
            done => done,
        }
    }

    /// An answer, whose wish to wait the pacer then knows.
    pub(super) fn heeded<R>(&self, chat: i64, answer: Result<R, Fault>) -> Result<R, Fault> {
        if let Err(Fault::Wait { ms }) = &answer {
            self.pacer.hold(chat, *ms);
        }
        answer
    }
}

/// The message that was kept for a part; none if there is none, or it is in a chat that the conversation has left.
pub(super) fn kept_message(kept: &[Mark], part: Part<'_>) -> Option<MessageSpot> {
    let mark = kept.iter().find(|mark| mark.part == part.number)?;
    let message = MessageSpot::parse(&mark.external_id)?;
    (message.chat == part.spot.chat).then_some(message)
}

#[cfg(test)]
mod tests;
