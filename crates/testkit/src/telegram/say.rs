//! What people do in the fake messenger, as a test says it.
//! Invariant: plain data, spelled the same in a test's code and on the control socket.
//! It must not know what becomes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message that a person writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// The chat; the person's own id for the private one.
    pub chat: i64,
    /// Who.
    pub from: i64,
    /// The text, or the caption of what is sent.
    #[serde(default)]
    pub text: String,
    /// Its entities; those that the server finds by itself if none are given.
    #[serde(default)]
    pub entities: Option<Vec<Value>>,
    /// The topic.
    #[serde(default)]
    pub thread: Option<i32>,
    /// The message that it replies to.
    #[serde(default)]
    pub reply_to: Option<i32>,
    /// The words of that message which it quotes.
    #[serde(default)]
    pub quote: Option<String>,
    /// The name of whom it was forwarded from.
    #[serde(default)]
    pub forwarded: Option<String>,
    /// What is sent with it.
    #[serde(default)]
    pub file: Option<SentFile>,
    /// The album that it is part of.
    #[serde(default)]
    pub album: Option<String>,
    /// Whatever else the protocol can say of a message (`sticker`, `sender_chat`, …), as it spells it.
    #[serde(default)]
    pub fields: Option<Value>,
}

/// A file that a person sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentFile {
    /// What it is.
    pub kind: SentKind,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// The size that is told, where it differs from what is in it.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentKind {
    /// A picture.
    Photo,
    /// Any file.
    Document,
    /// Something spoken.
    Voice,
}

/// A press of a button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PressButton {
    /// The chat.
    pub chat: i64,
    /// Who presses.
    pub from: i64,
    /// The message under which the button is.
    pub message: i32,
    /// The button's text, or its data.
    pub button: String,
    /// The app still shows a button that is no longer there; its data is `button`.
    #[serde(default)]
    pub stale: bool,
}

impl Say {
    /// A text in the person's private chat with the bot.
    pub fn private(person: i64, text: impl Into<String>) -> Self {
        Self::to(person, person, text)
    }

    /// A text in a group.
    pub fn to(chat: i64, from: i64, text: impl Into<String>) -> Self {
        Self {
            chat,
            from,
            text: text.into(),
            entities: None,
            thread: None,
            reply_to: None,
            quote: None,
            forwarded: None,
            file: None,
            album: None,
            fields: None,
        }
    }

    /// In a topic.
    #[must_use]
    pub fn thread(mut self, thread: i32) -> Self {
        self.thread = Some(thread);
        self
    }

    /// In reply to a message.
    #[must_use]
    pub fn reply_to(mut self, message: i32) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// Quoting these words of the message that it replies to.
    #[must_use]
    pub fn quote(mut self, words: impl Into<String>) -> Self {
        self.quote = Some(words.into());
        self
    }

    /// Forwarded from somebody of this name.
    #[must_use]
    pub fn forwarded(mut self, name: impl Into<String>) -> Self {
        self.forwarded = Some(name.into());
        self
    }

    /// With these entities, and no others.
    #[must_use]
    pub fn entities(mut self, entities: impl IntoIterator<Item = Value>) -> Self {
        self.entities = Some(entities.into_iter().collect());
        self
    }

    /// With a picture.
    #[must_use]
    pub fn photo(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.file(SentKind::Photo, "", "image/jpeg", bytes)
    }

    /// With a file.
    #[must_use]
    pub fn document(self, name: &str, media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.file(SentKind::Document, name, media_type, bytes)
    }

    /// With something spoken.
    #[must_use]
    pub fn voice(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.file(SentKind::Voice, "", "audio/ogg", bytes)
    }

    /// The file is told to be so large, in bytes.
    #[must_use]
    pub fn told_size(mut self, size: u64) -> Self {
        if let Some(file) = &mut self.file {
            file.size = Some(size);
        }
        self
    }

    /// As part of an album.
    #[must_use]
    pub fn album(mut self, album: impl Into<String>) -> Self {
        self.album = Some(album.into());
        self
    }

    /// With these fields as the protocol spells them, in place of its own.
    #[must_use]
    pub fn fields(mut self, fields: Value) -> Self {
        self.fields = Some(fields);
        self
    }

    fn file(
        mut self,
        kind: SentKind,
        name: &str,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        self.file = Some(SentFile {
            kind,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.into(),
            size: None,
        });
        self
    }
}
