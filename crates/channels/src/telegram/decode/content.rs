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
    let id = message.message_id;
    let named = |file: &File, kind, name: String, media_type: &str| Enclosed {
        file: file.file_id.clone(),
        name: file
            .file_name
            .clone()
            .filter(|n| !n.is_empty())
            .unwrap_or(name),
        media_type: file
            .mime_type
            .clone()
            .unwrap_or_else(|| media_type.to_owned()),
        kind,
        bytes: file.file_size,
    };
    let plain = AttachmentKind::File;
    let picture = largest(&content.photo).map(|file| {
        named(
            file,
            AttachmentKind::Image,
            format!("photo-{id}.jpg"),
            "image/jpeg",
        )
    });
    let voice = content.voice.as_ref().map(|file| {
        named(
            file,
            AttachmentKind::Voice,
            format!("voice-{id}.ogg"),
            "audio/ogg",
        )
    });
    // What moves also comes as a document, for programs that know no better.
    let document = content
        .document
        .as_ref()
        .filter(|_| content.animation.is_none());
    let document = document.map(|file| {
        let enclosed = named(
            file,
            plain,
            format!("file-{id}"),
            "application/octet-stream",
        );
        let kind = kind_of(&enclosed.media_type);
        Enclosed { kind, ..enclosed }
    });
    let others = [
        (
            &content.animation,
            format!("animation-{id}.mp4"),
            "video/mp4",
        ),
        (&content.audio, format!("audio-{id}.mp3"), "audio/mpeg"),
        (&content.video, format!("video-{id}.mp4"), "video/mp4"),
        (&content.video_note, format!("video-{id}.mp4"), "video/mp4"),
    ];
    let others = others.into_iter().filter_map(|(file, name, media_type)| {
        file.as_ref()
            .map(|file| named(file, plain, name, media_type))
    });
    let first = [picture, voice, document].into_iter().flatten();
    first.chain(others).collect()
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

/// A picture that was sent as a file is one all the same, if it is of a form that models take.
fn kind_of(media_type: &str) -> AttachmentKind {
    match media_type {
        "image/jpeg" | "image/png" | "image/webp" | "image/gif" => AttachmentKind::Image,
        "audio/ogg" => AttachmentKind::Voice,
        _ => AttachmentKind::File,
    }
}
