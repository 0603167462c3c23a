//! What is on its way to Telegram while a turn is shown, one thing at a time.
//! Invariant: whatever changes the turn's message has its post for itself.
//! It must not know when something is due.

use std::future::Future;
use std::pin::Pin;

use crate::telegram::api::Fault;
use crate::telegram::post::{Arrival, Part, Poster, Stuck, kept_message};
use crate::telegram::render::{Rich, Sheet};
use crate::telegram::spot::{MessageSpot, Spot};

/// Something that is on its way.
pub(super) type Act<'p> = Pin<Box<dyn Future<Output = Came> + Send + 'p>>;

/// What came of it.
pub(super) enum Came {
    /// There is a message for the turn.
    Placed(Result<MessageSpot, Stuck>),
    /// A whole answer was left behind.
    Left {
        /// The turn's message from here on; none if there is none yet.
        next: Option<MessageSpot>,
        /// What of the answer still has to be left.
        rest: Vec<Rich>,
        /// Why there is a rest.
        stuck: Option<Stuck>,
    },
    /// Anything else was done.
    Done(Result<(), Fault>),
}

/// Waits for what is on its way; for ever if that is nothing.
pub(super) async fn finished(act: &mut Option<Act<'_>>) -> Came {
    match act {
        Some(act) => act.await,
        None => std::future::pending().await,
    }
}

/// Shows that the bot is writing.
pub(super) async fn typed(poster: &Poster, spot: Spot) -> Came {
    let done = poster.api.typing(spot.chat, spot.thread).await;
    Came::Done(poster.heeded(spot.chat, done))
}

/// Shows a draft.
pub(super) async fn drafted(poster: &Poster, spot: Spot, number: i64, rich: Rich) -> Came {
    let draft = poster
        .api
        .draft(spot.chat, spot.thread, number, rich.text());
    let done = draft.await;
    Came::Done(poster.heeded(spot.chat, done))
}

/// The message that the reply will be put into: the one that is kept, or a new one.
pub(super) async fn placed(poster: &Poster, post: String, spot: Spot) -> Came {
    let alone = poster.alone(&post).await;
    let placed = kept_or_new(poster, turns_message(&post, spot)).await;
    drop(alone);
    Came::Placed(placed)
}

async fn kept_or_new(poster: &Poster, part: Part<'_>) -> Result<MessageSpot, Stuck> {
    let kept = poster.kept(part.post).await?;
    match kept_message(&kept, part) {
        Some(message) => Ok(message),
        None => poster.place(part).await,
    }
}

/// Leaves the pieces of a whole answer behind, in the turn's message as far as there is one, and begins a new message
/// for the turn.
pub(super) async fn left(
    poster: &Poster,
    post: String,
    spot: Spot,
    message: Option<MessageSpot>,
    pieces: Vec<Rich>,
) -> Came {
    let alone = poster.alone(&post).await;
    let (mut next, mut rest) = (message, pieces);
    let part = turns_message(&post, spot);
    let stuck = leave(poster, part, &mut next, &mut rest).await.err();
    drop(alone);
    Came::Left { next, rest, stuck }
}

/// Leaves piece after piece; tried again it goes on where it was stuck.
async fn leave(
    poster: &Poster,
    part: Part<'_>,
    next: &mut Option<MessageSpot>,
    rest: &mut Vec<Rich>,
) -> Result<(), Stuck> {
    let mut message = match *next {
        Some(message) => message,
        None => kept_or_new(poster, part).await?,
    };
    *next = Some(message);
    while let Some(rich) = rest.first() {
        poster.pacer.turn(part.spot.chat).await;
        let sheet = Sheet {
            rich: rich.clone(),
            buttons: Vec::new(),
        };
        poster.fill(message, &sheet).await?;
        // From here on the reply goes into this one, whoever sends it.
        message = poster.place(part).await?;
        *next = Some(message);
        rest.remove(0);
    }
    Ok(())
}

/// Puts the text so far into the turn's message.
pub(super) async fn edited(
    poster: &Poster,
    post: String,
    message: MessageSpot,
    rich: Rich,
) -> Came {
    let alone = poster.alone(&post).await;
    let sheet = Sheet {
        rich,
        buttons: Vec::new(),
    };
    let done = poster.fill(message, &sheet).await;
    drop(alone);
    Came::Done(done)
}

/// The part that is the turn's message, into which its reply goes.
fn turns_message(post: &str, spot: Spot) -> Part<'_> {
    Part {
        post,
        number: 0,
        spot,
        arrival: Arrival::Silent,
    }
}
