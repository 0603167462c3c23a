//! Files on their way out and in.
//! Invariant: what is sent is kept byte for byte; what is too large to be fetched is never handed out.
//! It must not know what is in a file.

use serde_json::json;

use super::{Answer, Doing};
use crate::telegram::refusal::Refusal;
use crate::telegram::text::{self, CAPTION_LIMIT};
use crate::telegram::world::{Media, MediaKind, StoredFile};

/// Bytes of a file that a bot may fetch.
const FETCH_LIMIT: u64 = 20 << 20;

/// Bytes of a file that a bot may send.
const SEND_LIMIT: usize = 50 << 20;

/// Bytes of a photo that a bot may send.
const PHOTO_LIMIT: usize = 10 << 20;

/// `sendDocument`.
pub(super) fn document(doing: &mut Doing<'_>) -> Answer {
    send(doing, "document", MediaKind::Document, SEND_LIMIT)
}

/// `sendPhoto`.
pub(super) fn photo(doing: &mut Doing<'_>) -> Answer {
    send(doing, "photo", MediaKind::Photo, PHOTO_LIMIT)
}

fn send(doing: &mut Doing<'_>, field: &str, kind: MediaKind, limit: usize) -> Answer {
    let mut message = doing.draft_message()?;
    let worded = doing.worded("caption", "caption_entities")?;
    if text::units(&worded.text) > CAPTION_LIMIT {
        return Err(Refusal::bad("message caption is too long"));
    }
    (message.text, message.entities) = (worded.text, worded.entities);
    let known = doing.asked.text(field);
    let file_id = if let Some(file) = doing.asked.file(field) {
        if file.bytes.is_empty() {
            return Err(Refusal::bad("file must be non-empty"));
        }
        if file.bytes.len() > limit {
            return Err(Refusal::new(413, "Request Entity Too Large"));
        }
        let stored = StoredFile {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            bytes: file.bytes.clone(),
            size: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
        };
        doing.world.keep_file(stored)
    } else if known.is_empty() {
        return Err(Refusal::bad(format!("there is no {field} in the request")));
    } else if doing.world.files.contains_key(&known) {
        known
    } else {
        return Err(Refusal::bad("wrong file identifier/HTTP URL specified"));
    };
    message.media = Some(Media { kind, file_id });
    doing.post(message)
}

/// `getFile`.
pub(super) fn get(doing: &mut Doing<'_>) -> Answer {
    let id = doing.asked.text("file_id");
    let Some(file) = doing.world.files.get(&id) else {
        return Err(Refusal::bad(
            "wrong file_id or the file is temporarily unavailable",
        ));
    };
    if file.size > FETCH_LIMIT {
        return Err(Refusal::bad("file is too big"));
    }
    Ok(json!({
        "file_id": id,
        "file_unique_id": format!("unique-{id}"),
        "file_size": file.size,
        "file_path": format!("files/{id}"),
    }))
}
