//! Deliveries: replies, notices and files.
//! Invariant: handed over again, a delivery changes nothing that is seen, and finishes what is not.
//! It must not know the outbox.

use corvid_core::wire::Address;
use corvid_core::{Content, DeliverError, Delivery, Mark, Reply, turn_post};
use teloxide_core::types::MessageId;

use super::document::Attached;
use super::{Arrival, Part, Poster, Stuck};
use crate::telegram::api::{Fault, Outgoing};
use crate::telegram::render::{Sheet, Sheets, caption, last_word, sheets};
use crate::telegram::spot::{MessageSpot, Spot};

/// The part that is the file, or the reply as a file.
pub(super) const DOCUMENT: u32 = u32::MAX - 1;

/// The part that is heard at the end.
const LAST_WORD: u32 = u32::MAX;

/// What is kept of something that can be sent but once: it is on its way, or was surely not sent.
pub(super) const SENDING: &str = "sending";
pub(super) const UNSENT: &str = "unsent";

impl Poster {
    /// Sends a delivery, and returns the external id of its first message.
    ///
    /// # Errors
    /// See [`DeliverError`].
    pub(in crate::telegram) async fn deliver(
        &self,
        delivery: &Delivery,
    ) -> Result<String, DeliverError> {
        let Some(spot) = Spot::parse(&delivery.to.conversation) else {
            let reason = format!(
                "`{}` is no conversation on Telegram",
                delivery.to.conversation
            );
            return Err(DeliverError::Gone(reason));
        };
        let post = match &delivery.content {
            Content::Reply(reply) => turn_post(&reply.session, reply.turn, &delivery.to),
            Content::Notice | Content::File { .. } => format!("notice {}", delivery.id),
        };
        let alone = self.alone(&post).await;
        let sent = match &delivery.content {
            Content::Reply(reply) => self.reply(&post, spot, delivery, reply).await,
            Content::Notice => self.text(&post, spot, &sheets(delivery).sheets).await,
            Content::File { path, name } => {
                let file = Attached {
                    path,
                    name,
                    caption: caption(delivery),
                };
                self.file(&post, spot, &file).await
            }
        };
        drop(alone);
        match sent {
            Ok(first) => Ok(first.to_string()),
            Err(stuck) => Err(error(stuck, spot, &delivery.to)),
        }
    }

    async fn reply(
        &self,
        post: &str,
        spot: Spot,
        delivery: &Delivery,
        reply: &Reply,
    ) -> Result<MessageSpot, Stuck> {
        let Sheets {
            sheets,
            is_beginning,
        } = sheets(delivery);
        let first = self.text(post, spot, &sheets).await?;
        if is_beginning {
            self.whole(post, spot, &delivery.text).await?;
        }
        if let Some(word) = last_word(reply) {
            self.last_word(post, spot, first, word).await?;
        }
        Ok(first)
    }

    /// Puts a text's messages, and takes away those that it no longer needs.
    pub(super) async fn text(
        &self,
        post: &str,
        spot: Spot,
        sheets: &[Sheet],
    ) -> Result<MessageSpot, Stuck> {
        let kept = self.kept(post).await?;
        let mut first = None;
        for (number, sheet) in (0..).zip(sheets) {
            let part = Part {
                post,
                number,
                spot,
                arrival: Arrival::Silent,
            };
            let message = self.put(part, &kept, sheet).await?;
            first.get_or_insert(message);
        }
        let count = u32::try_from(sheets.len()).unwrap_or(u32::MAX);
        let spare = |mark: &&Mark| (count..DOCUMENT).contains(&mark.part);
        for message in kept.iter().filter(spare) {
            if let Some(MessageSpot { chat, message }) = MessageSpot::parse(&message.external_id) {
                let message = MessageId(message);
                // What cannot be taken away any more is but a stray placeholder.
                let gone = self.api.delete(chat, message).await;
                if let Err(Fault::Wait { .. }) = self.heeded(chat, gone) {
                    break;
                }
            }
        }
        first.ok_or_else(|| Stuck::Fault(Fault::Refused("there is no text to send".to_owned())))
    }

    /// What is heard, once; better not at all than twice.
    async fn last_word(
        &self,
        post: &str,
        spot: Spot,
        answer: MessageSpot,
        word: String,
    ) -> Result<(), Stuck> {
        let kept = self.kept(post).await?;
        let before = kept.iter().find(|mark| mark.part == LAST_WORD);
        if before.is_some_and(|mark| mark.external_id != UNSENT) {
            return Ok(());
        }
        self.pacer.turn(spot.chat).await;
        self.keep(post, LAST_WORD, SENDING).await?;
        let sent = self
            .api
            .send(&Outgoing {
                chat: spot.chat,
                thread: spot.thread,
                text: word,
                reply_to: Some(answer.message),
                ..Outgoing::default()
            })
            .await;
        match self.heeded(spot.chat, sent) {
            Ok(message) => {
                let message = MessageSpot {
                    chat: spot.chat,
                    message: message.0,
                };
                self.keep(post, LAST_WORD, &message.to_string()).await
            }
            Err(fault @ Fault::Wait { .. }) => {
                self.keep(post, LAST_WORD, UNSENT).await?;
                Err(fault.into())
            }
            // The answer itself is there.
            Err(fault) => {
                tracing::info!(%fault, "the end of a turn is not heard");
                Ok(())
            }
        }
    }
}

/// What the outbox does next.
fn error(stuck: Stuck, spot: Spot, to: &Address) -> DeliverError {
    let fault = match stuck {
        Stuck::Fault(fault) => fault,
        Stuck::Marks(reason) => {
            return DeliverError::Retry {
                reason,
                after_ms: None,
            };
        }
    };
    let reason = fault.to_string();
    match fault {
        Fault::Wait { ms } => DeliverError::Retry {
            reason,
            after_ms: Some(ms),
        },
        // A message that goes away between its sending and its edit is an accident.
        Fault::Unreachable(_)
        | Fault::Unauthorized
        | Fault::Conflict
        | Fault::NotModified
        | Fault::MessageGone(_) => DeliverError::Retry {
            reason,
            after_ms: None,
        },
        Fault::Moved(chat) => {
            let there = Spot { chat, ..spot };
            DeliverError::Moved(Address {
                conversation: there.to_string(),
                ..to.clone()
            })
        }
        Fault::Blocked(_) => DeliverError::Dead(reason),
        Fault::Unparsed(_) | Fault::TooLong(_) | Fault::Refused(_) => DeliverError::Gone(reason),
    }
}
