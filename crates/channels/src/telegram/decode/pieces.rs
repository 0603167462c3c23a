//! What was said in several messages: albums, and long texts that a messenger cut in pieces.
//! Invariant: only messages of one person in one conversation that follow each other. With what a piece belongs is no
//! part of what it says, so that it is the same input whenever it comes again.
//! It must not know how pieces are put together.

use std::collections::HashMap;

use corvid_core::Place;
use corvid_core::wire::{Millis, Part};

use super::Heard;

/// From this length on, in UTF-16 units, a text may be a piece with more to come. Programs cut at 4,096 units, but
/// rather at the end of a paragraph, a line or a word, as long as that leaves more than half.
const PIECE: usize = 2_048;

/// The next piece of a text is sent at once; Telegram's times are whole seconds.
const AT_ONCE_MS: Millis = 2_000;

/// Conversations whose last piece is remembered; the oldest is forgotten beyond.
const REMEMBERED: usize = 256;

/// The pieces that may have a next one. Only for as long as the process lives: a piece of a text that comes after a
/// restart stands alone, and is taken up as a message of its own.
#[derive(Debug, Default)]
pub(in crate::telegram) struct Pieces {
    last: HashMap<(i64, Option<i32>, i64), Piece>,
}

#[derive(Debug)]
struct Piece {
    together: String,
    form: Form,
    at: Millis,
    addressed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Album,
    Paste,
}

impl Pieces {
    /// Says with what a message belongs, if it is a piece of something. Whoever calls the bot in a group calls it with
    /// one of the pieces.
    pub(in crate::telegram) fn join(&mut self, heard: &mut Heard) {
        if heard.edits.is_some() {
            return;
        }
        let who = (heard.chat, heard.thread, heard.person);
        let before = self.last.remove(&who);
        let (together, form) = match (&heard.together, pasted(heard)) {
            (Some(album), _) => (album.clone(), Form::Album),
            (None, Some(length)) => {
                let before = before.as_ref().filter(|before| before.goes_on_at(heard.at));
                match before {
                    Some(before) => (before.together.clone(), Form::Paste),
                    None if length >= PIECE => {
                        (format!("paste {}", heard.external_id), Form::Paste)
                    }
                    None => return,
                }
            }
            (None, None) => return,
        };
        if before.is_some_and(|before| before.addressed && before.together == together) {
            heard.place = Place::Group { addressed: true };
        }
        heard.together = Some(together.clone());
        if form == Form::Album || pasted(heard).is_some_and(|length| length >= PIECE) {
            let piece = Piece {
                together,
                form,
                at: heard.at,
                addressed: heard.place == Place::Group { addressed: true },
            };
            self.forget_oldest();
            self.last.insert(who, piece);
        }
    }

    fn forget_oldest(&mut self) {
        if self.last.len() < REMEMBERED {
            return;
        }
        let oldest = self.last.iter().min_by_key(|(_, piece)| piece.at);
        if let Some(who) = oldest.map(|(who, _)| *who) {
            self.last.remove(&who);
        }
    }
}

impl Piece {
    /// Whether a text of that time may be the next piece.
    fn goes_on_at(&self, at: Millis) -> bool {
        self.form == Form::Paste && (0..=AT_ONCE_MS).contains(&at.saturating_sub(self.at))
    }
}

/// The length of a message that may be a piece of a text, in UTF-16 units: text and nothing else, and no command.
fn pasted(heard: &Heard) -> Option<usize> {
    if !heard.enclosed.is_empty() {
        return None;
    }
    let text = heard.parts.iter().find_map(|part| match part {
        Part::Text { text } => Some(text),
        Part::Quote { .. } | Part::File { .. } => None,
    })?;
    (!text.starts_with('/')).then(|| text.encode_utf16().count())
}
