//! Text with faces, as Telegram shows it: text beside entities, whose places it counts in UTF-16.
//! Invariant: faces lie within the text, on characters' borders, are never empty, and none stands in code.
//! It must not know where the text came from.

use std::ops::Range;

use teloxide_core::types::{MessageEntity, MessageEntityKind};
use url::Url;

use crate::split::{Hold, HoldKind, Room, split};

/// The longest message, in UTF-16 units after the entities are taken out.
pub(in crate::telegram) const MESSAGE: Room = Room {
    limit: 4_096,
    unit: char::len_utf16,
};

/// The most entities that Telegram keeps of a message.
const MOST_ENTITIES: usize = 100;

/// Text with faces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::telegram) struct Rich {
    text: String,
    faces: Vec<Faced>,
}

/// A stretch of text in one face, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Faced {
    range: Range<usize>,
    style: Style,
}

/// A face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::telegram) enum Style {
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Struck through.
    Struck,
    /// Code in running text.
    Code,
    /// A block of code, with its language, which may be empty.
    Pre(String),
    /// A link.
    Link(Url),
    /// A quotation.
    Quote,
}

impl Rich {
    /// The text without its faces.
    pub(in crate::telegram) fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is nothing to see.
    pub(in crate::telegram) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Adds text without a face.
    pub(in crate::telegram) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds text in a face.
    pub(in crate::telegram) fn push_in(&mut self, style: Style, text: &str) -> &mut Self {
        let start = self.text.len();
        self.text.push_str(text);
        self.face(start, style);
        self
    }

    /// Adds what was written elsewhere.
    pub(in crate::telegram) fn append(&mut self, other: Self) -> &mut Self {
        let by = self.text.len();
        self.text.push_str(&other.text);
        let moved = other.faces.into_iter().map(|faced| Faced {
            range: faced.range.start + by..faced.range.end + by,
            style: faced.style,
        });
        self.faces.extend(moved);
        self
    }

    /// Gives a face to what was added since the text was `start` bytes long.
    pub(super) fn face(&mut self, start: usize, style: Style) {
        if start < self.text.len() {
            self.faces.push(Faced {
                range: start..self.text.len(),
                style,
            });
        }
    }

    /// How long the text is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// It in pieces that fit into one message each; none of them is blank.
    pub(in crate::telegram) fn split(&self) -> Vec<Self> {
        self.split_for(MESSAGE)
    }

    /// It in pieces of that room.
    pub(in crate::telegram) fn split_for(&self, room: Room) -> Vec<Self> {
        let holds: Vec<Hold> = self
            .faces
            .iter()
            .map(|faced| Hold {
                range: faced.range.clone(),
                kind: match faced.style {
                    Style::Pre(_) => HoldKind::Code,
                    _ => HoldKind::Words,
                },
            })
            .collect();
        let pieces = split(&self.text, &holds, room).into_iter();
        pieces.map(|range| self.piece(&range)).collect()
    }

    fn piece(&self, range: &Range<usize>) -> Self {
        let faces = self.faces.iter().filter_map(|faced| {
            let start = faced.range.start.max(range.start);
            let end = faced.range.end.min(range.end);
            (start < end).then(|| Faced {
                range: start - range.start..end - range.start,
                style: faced.style.clone(),
            })
        });
        Self {
            text: self.text[range.clone()].to_owned(),
            faces: faces.collect(),
        }
    }

    /// The faces in Telegram's own terms, in the order of their places, an outer one before what it holds.
    /// What goes beyond the most that Telegram keeps is left out, plain faces first.
    pub(in crate::telegram) fn entities(&self) -> Vec<MessageEntity> {
        let mut kept: Vec<&Faced> = self.faces.iter().collect();
        kept.sort_by_key(|faced| faced.style.weight());
        kept.truncate(MOST_ENTITIES);
        kept.sort_by_key(|faced| {
            let Range { start, end } = faced.range;
            (start, usize::MAX - end, faced.style.depth())
        });
        let mut place = Place::of(&self.text);
        let starts: Vec<usize> = kept.iter().map(|f| place.at(f.range.start)).collect();
        let faces = kept.into_iter().zip(starts);
        faces
            .map(|(faced, offset)| MessageEntity {
                kind: faced.style.kind(),
                offset,
                length: self.text[faced.range.clone()].encode_utf16().count(),
            })
            .collect()
    }
}

impl Style {
    /// What is given up last stands first.
    fn weight(&self) -> u8 {
        match self {
            Self::Pre(_) => 0,
            Self::Link(_) => 1,
            Self::Quote => 2,
            Self::Code => 3,
            Self::Bold | Self::Italic | Self::Struck => 4,
        }
    }

    /// Of two at the same place the one that holds the other stands first.
    fn depth(&self) -> u8 {
        match self {
            Self::Quote => 0,
            Self::Link(_) => 1,
            Self::Bold | Self::Italic | Self::Struck => 2,
            Self::Code | Self::Pre(_) => 3,
        }
    }

    fn kind(&self) -> MessageEntityKind {
        match self {
            Self::Bold => MessageEntityKind::Bold,
            Self::Italic => MessageEntityKind::Italic,
            Self::Struck => MessageEntityKind::Strikethrough,
            Self::Code => MessageEntityKind::Code,
            Self::Pre(language) => MessageEntityKind::Pre {
                language: Some(language.clone()).filter(|language| !language.is_empty()),
            },
            Self::Link(url) => MessageEntityKind::TextLink { url: url.clone() },
            Self::Quote => MessageEntityKind::Blockquote,
        }
    }
}

/// A place in a text, counted on in UTF-16 so that many places cost one pass.
struct Place<'t> {
    text: &'t str,
    byte: usize,
    units: usize,
}

impl<'t> Place<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            byte: 0,
            units: 0,
        }
    }

    /// The units before a byte that does not lie before the last one asked for.
    fn at(&mut self, byte: usize) -> usize {
        self.units += self.text[self.byte..byte].encode_utf16().count();
        self.byte = byte;
        self.units
    }
}
