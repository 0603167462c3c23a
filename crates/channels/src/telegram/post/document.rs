//! Files on their way out. A file cannot be put into a message that is there, so that its sending is told beforehand.
//! Invariant: a file is sent at most once; where nobody knows whether it arrived, that is said instead.
//! It must not know what is in a file.

use std::io::Write as _;
use std::path::Path;

use super::deliver::{DOCUMENT, SENDING, UNSENT};
use super::{Poster, Stuck};
use crate::split::{Room, fits};
use crate::telegram::api::{Document, Fault};
use crate::telegram::render::{Rich, Sheet, rich};
use crate::telegram::spot::{MessageSpot, Spot};

/// The longest text below a file, in UTF-16 units.
const CAPTION: Room = Room {
    limit: 1_024,
    unit: char::len_utf16,
};

/// The name of a reply that is too long for messages.
const WHOLE: &str = "answer.md";

/// A file with what stands below it.
pub(super) struct Attached<'f> {
    /// Where it is.
    pub(super) path: &'f Path,
    /// The name that people see.
    pub(super) name: &'f str,
    /// The text below it.
    pub(super) caption: Rich,
}

/// What became of a file.
enum Sent {
    /// It is there, in this message.
    There(MessageSpot),
    /// Whoever sent it died, or heard no answer.
    Perhaps,
}

impl Poster {
    /// Sends a file with its text; text that is too long for a caption comes before it.
    pub(super) async fn file(
        &self,
        post: &str,
        spot: Spot,
        file: &Attached<'_>,
    ) -> Result<MessageSpot, Stuck> {
        let mut caption = file.caption.text().to_owned();
        let mut first = None;
        if !fits(&caption, CAPTION) {
            first = Some(self.text(post, spot, &messages(&file.caption)).await?);
            caption.clear();
        }
        let document = Document {
            chat: spot.chat,
            thread: spot.thread,
            path: file.path,
            name: file.name,
            caption: &caption,
            silent: true,
        };
        let instead = match self.once(post, spot, &document).await {
            Ok(Sent::There(message)) => return Ok(first.unwrap_or(message)),
            Ok(Sent::Perhaps) => perhaps(file.name),
            Err(Stuck::Fault(Fault::TooLong(_) | Fault::Refused(_))) => refused(file.name),
            Err(stuck) => return Err(stuck),
        };
        // In the place of the file's own text, which it repeats.
        let mut text = rich(&instead);
        text.push("\n\n").append(file.caption.clone());
        self.text(post, spot, &messages(&text)).await
    }

    /// Sends a whole reply as a file.
    pub(super) async fn whole(&self, post: &str, spot: Spot, text: &str) -> Result<(), Stuck> {
        let written = tempfile::NamedTempFile::new().and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            Ok(file)
        });
        let written = written.map_err(|error| {
            let reason = format!("the answer cannot be written to a file: {error}");
            Stuck::Fault(Fault::Unreachable(reason))
        })?;
        let document = Document {
            chat: spot.chat,
            thread: spot.thread,
            path: written.path(),
            name: WHOLE,
            caption: "",
            silent: true,
        };
        self.once(post, spot, &document).await.map(|_| ())
    }

    async fn once(&self, post: &str, spot: Spot, document: &Document<'_>) -> Result<Sent, Stuck> {
        let kept = self.kept(post).await?;
        let before = kept.iter().find(|mark| mark.part == DOCUMENT);
        if let Some(mark) = before.filter(|mark| mark.external_id != UNSENT) {
            let there = MessageSpot::parse(&mark.external_id);
            return Ok(there.map_or(Sent::Perhaps, Sent::There));
        }
        // An outage is noticed before the one attempt is used up.
        self.pacer.turn(spot.chat).await;
        let reached = self.api.typing(spot.chat, spot.thread).await;
        self.heeded(spot.chat, reached)?;
        self.keep(post, DOCUMENT, SENDING).await?;
        let sent = self.api.send_document(document).await;
        match self.heeded(spot.chat, sent) {
            Ok(message) => {
                let message = MessageSpot {
                    chat: spot.chat,
                    message: message.0,
                };
                self.keep(post, DOCUMENT, &message.to_string()).await?;
                Ok(Sent::There(message))
            }
            Err(Fault::Unreachable(_)) => Ok(Sent::Perhaps),
            Err(fault) => {
                self.keep(post, DOCUMENT, UNSENT).await?;
                Err(fault.into())
            }
        }
    }
}

fn messages(text: &Rich) -> Vec<Sheet> {
    let pieces = text.split().into_iter();
    pieces
        .map(|rich| Sheet {
            rich,
            buttons: Vec::new(),
        })
        .collect()
}

fn perhaps(name: &str) -> String {
    let name = name.replace('`', "'");
    format!("The file `{name}` may have arrived already; if it has not, ask for it again.")
}

fn refused(name: &str) -> String {
    let name = name.replace('`', "'");
    format!("Telegram does not take the file `{name}`: it is larger than 50 MB, or empty.")
}
