//! Long texts that a messenger cut in pieces: which messages are pieces of one.
//! Invariant: only texts of one person in one conversation that follow each other at once; each piece but the last is
//! long. What a piece belongs with is no part of what it says, so that it is the same input whenever it comes again.
//! It must not know how pieces are put together.

use std::collections::HashMap;

use corvid_core::wire::{Millis, Part};

use super::Heard;

/// From this length on, in UTF-16 units, a text may be a piece with more to come. Programs cut at 4,096 units, but
/// rather at the end of a paragraph, a line or a word, as long as that leaves more than half.
const PIECE: usize = 2_048;

/// The next piece is sent at once; Telegram's times are whole seconds.
const AT_ONCE_MS: Millis = 2_000;

/// Conversations whose last piece is remembered; the oldest is forgotten beyond.
const REMEMBERED: usize = 256;

/// The pieces that may have a next one. Only for as long as the process lives: a piece that comes after a restart
/// stands alone, and is taken up as a message of its own.
#[derive(Debug, Default)]
pub(in crate::telegram) struct Pastes {
    last: HashMap<(i64, Option<i32>, i64), Piece>,
}

#[derive(Debug)]
struct Piece {
    together: String,
    at: Millis,
}

impl Pastes {
    /// Says with what a message belongs, if it is a piece of a paste.
    pub(in crate::telegram) fn join(&mut self, heard: &mut Heard) {
        let who = (heard.chat, heard.thread, heard.person);
        let last = self.last.remove(&who);
        let Some(length) = pasted(heard) else { return };
        let before = last.filter(|last| (0..=AT_ONCE_MS).contains(&(heard.at - last.at)));
        let goes_on = length >= PIECE;
        let together = match before {
            Some(before) => before.together,
            None if goes_on => format!("paste {}", heard.external_id),
            None => return,
        };
        heard.together = Some(together.clone());
        if goes_on {
            self.forget_oldest();
            let at = heard.at;
            self.last.insert(who, Piece { together, at });
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

/// The length of a message that may be a piece, in UTF-16 units: text and nothing else, and no command.
fn pasted(heard: &Heard) -> Option<usize> {
    if heard.edits.is_some() || heard.together.is_some() || !heard.enclosed.is_empty() {
        return None;
    }
    let text = heard.parts.iter().find_map(|part| match part {
        Part::Text { text } => Some(text),
        Part::Quote { .. } | Part::File { .. } => None,
    })?;
    (!text.starts_with('/')).then(|| text.encode_utf16().count())
}
