//! The port through which a model's codec gets the pictures of a transcript.
//! Invariant: what is yielded is a picture by its own bytes, whatever its name or sender say, and came from the
//! working folder that the transcript names.
//! It must not know how a provider is sent a picture.

use async_trait::async_trait;

use crate::model::Image;

/// Reads pictures that were sent along.
#[async_trait]
pub trait Pictures: Send + Sync {
    /// The picture as it is now; none if it is gone, is no picture, lies elsewhere or is too large.
    async fn read(&self, image: &Image) -> Option<Picture>;
}

/// A picture's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, told from the bytes.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// The largest picture, in bytes, that any provider is sent (Anthropic's limit, the smallest of the usual ones).
    pub const MAX_BYTES: u64 = 5_000_000;

    /// A picture, if these bytes are one of a kind that models look at.
    pub fn of(bytes: Vec<u8>) -> Option<Self> {
        Some(Self {
            media_type: media_type(&bytes)?,
            bytes,
        })
    }
}

/// The media type by the first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_told_by_its_bytes() {
        let check = |bytes: &[u8], expect: Option<&str>| {
            let picture = Picture::of(bytes.to_vec());
            assert_eq!(picture.map(|picture| picture.media_type), expect);
        };
        check(b"\x89PNG\r\n\x1a\nrest", Some("image/png"));
        check(b"\xff\xd8\xff\xe0rest", Some("image/jpeg"));
        check(b"GIF89a", Some("image/gif"));
        check(b"GIF87a", Some("image/gif"));
        check(b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp"));
        check(b"RIFF\x01\x02\x03\x04WAVEfmt ", None);
        check(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", None);
        check(b"\x89PNG", None);
        check(b"", None);
    }
}
