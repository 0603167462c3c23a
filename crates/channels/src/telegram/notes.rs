//! What changes something that is shown already.
//! Invariant: best effort; nothing that fails here is told.
//! It must not know why it changes.

use corvid_core::Note;
use corvid_core::wire::Address;
use teloxide_core::types::MessageId;

use super::ask::Asker;
use super::post::Poster;
use super::spot::MessageSpot;

/// The sign that a message has joined the running turn.
const TAKEN_UP: &str = "👀";

/// Does what a note says, as far as it concerns this bot.
pub(super) async fn note(
    poster: &Poster,
    asker: &Asker,
    hosts: impl Fn(&Address) -> bool,
    note: &Note,
) {
    match note {
        Note::TakenUp { to, external_id } => {
            if let Some(message) = MessageSpot::parse(external_id).filter(|_| hosts(to)) {
                poster.taken_up(message).await;
            }
        }
        Note::Settled { question, how } => asker.settled(question, how).await,
        Note::OutcomeSettled { key, answer } => asker.outcome_settled(key, *answer).await,
    }
}

impl Poster {
    async fn taken_up(&self, message: MessageSpot) {
        let id = MessageId(message.message);
        let done = self.api.react(message.chat, id, TAKEN_UP).await;
        if let Err(fault) = self.heeded(message.chat, done) {
            tracing::debug!(%fault, "a message is not marked as taken up");
        }
    }
}
