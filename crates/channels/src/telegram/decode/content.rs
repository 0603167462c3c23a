//! What a message holds beside its words: files, and what is no file.
//! Invariant: a file is named and never opened; of a picture the largest that can be had is taken.
//! It must not know who sent it.

use corvid_core::AttachmentKind;

use super::Enclosed;
use super::incoming::{Content, File, Message};
use crate::telegram::files::DOWNLOAD_LIMIT;

/// The files that were sent along; a message of Telegram's holds one at most.
pub(super) fn enclosed(message: &Message) -> Vec<Enclosed> {
    let content = &message.content;
    // What moves also comes as a document, for programs that know no better.
    let document = content.document.as_ref();
    let document = document.filter(|_| content.animation.is_none());
    let files = [
        (largest(&content.photo), Form::PHOTO),
        (content.voice.as_ref(), Form::VOICE),
        (document, Form::DOCUMENT),
        (content.animation.as_ref(), Form::VIDEO),
        (content.audio.as_ref(), Form::AUDIO),
        (content.video.as_ref(), Form::VIDEO),
        (content.video_note.as_ref(), Form::VIDEO),
    ];
    let sent = files
        .into_iter()
        .filter_map(|(file, form)| Some((file?, form)));
    sent.map(|(file, form)| form.of(file, message.message_id))
        .collect()
}

/// What is taken for granted of a kind of file.
struct Form {
    /// What it is; by its media type if none.
    kind: Option<AttachmentKind>,
    /// A name for one that has none is this, the message's number, and the ending.
    name: (&'static str, &'static str),
    media_type: &'static str,
}

impl Form {
    const PHOTO: Self = Self {
        kind: Some(AttachmentKind::Image),
        name: ("photo", ".jpg"),
        media_type: "image/jpeg",
    };
    const VOICE: Self = Self {
        kind: Some(AttachmentKind::Voice),
        name: ("voice", ".ogg"),
        media_type: "audio/ogg",
    };
    const AUDIO: Self = Self {
        kind: None,
        name: ("audio", ".mp3"),
        media_type: "audio/mpeg",
    };
    const VIDEO: Self = Self {
        kind: None,
        name: ("video", ".mp4"),
        media_type: "video/mp4",
    };
    const DOCUMENT: Self = Self {
        kind: None,
        name: ("file", ""),
        media_type: "application/octet-stream",
    };

    fn of(&self, file: &File, message: i32) -> Enclosed {
        let told = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (name, ending) = self.name;
        let media_type = told(&file.mime_type).unwrap_or_else(|| self.media_type.to_owned());
        Enclosed {
            file: file.file_id.clone(),
            name: told(&file.file_name).unwrap_or_else(|| format!("{name}-{message}{ending}")),
            kind: self.kind.unwrap_or_else(|| kind_of(&media_type)),
            media_type,
            bytes: file.file_size,
            quoted: None,
        }
    }
}

/// What a message holds that is neither words nor a file, in words.
pub(super) fn described(content: &Content) -> Option<String> {
    let what = if let Some(sticker) = &content.sticker {
        match &sticker.emoji {
            Some(emoji) => format!("a sticker {emoji} was sent"),
            None => "a sticker was sent".to_owned(),
        }
    } else if let Some(dice) = &content.dice {
        format!("{} was thrown: {}", dice.emoji, dice.value)
    } else if let Some(venue) = &content.venue {
        format!("a place was sent: {}, {}", venue.title, venue.address)
    } else if let Some(location) = &content.location {
        let (latitude, longitude) = (location.latitude, location.longitude);
        format!("a location was sent: {latitude}, {longitude}")
    } else if let Some(contact) = &content.contact {
        let (name, number) = (&contact.first_name, &contact.phone_number);
        format!("a contact was sent: {name}, {number}")
    } else if let Some(poll) = &content.poll {
        format!("a poll was sent: {}", poll.question)
    } else if let Some(checklist) = &content.checklist {
        format!("a checklist was sent: {}", checklist.title)
    } else if let Some(game) = &content.game {
        format!("a game was sent: {}", game.title)
    } else if content.story.is_some() {
        "a story was sent, which bots cannot see".to_owned()
    } else if content.paid_media.is_some() {
        "paid media was sent, which bots cannot see".to_owned()
    } else {
        return None;
    };
    Some(format!("[{what}]"))
}

/// Of a picture's sizes the one with the most points of those that bots may fetch.
fn largest(sizes: &[File]) -> Option<&File> {
    let points = |size: &&File| size.width.saturating_mul(size.height);
    let fetchable = |size: &&File| size.file_size.is_none_or(|bytes| bytes <= DOWNLOAD_LIMIT);
    let fits = sizes.iter().filter(fetchable).max_by_key(points);
    fits.or_else(|| sizes.iter().min_by_key(points))
}

/// A picture that was sent as a file is one all the same, if it is of a form that models take; and so is what was
/// spoken.
fn kind_of(media_type: &str) -> AttachmentKind {
    match media_type {
        "image/jpeg" | "image/png" | "image/webp" | "image/gif" => AttachmentKind::Image,
        "audio/ogg" => AttachmentKind::Voice,
        _ => AttachmentKind::File,
    }
}
