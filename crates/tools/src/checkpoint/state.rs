//! What is at a path: nothing, a file of some content, a link, a folder; and a change from one to the other.
//! Invariant: two states count as the same only if both are known well enough to say so.
//! It must not know where content is kept or why it changed.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Nothing.
    Absent,
    /// A regular file.
    File(FileState),
    /// A symbolic link.
    Link {
        /// What is written in it.
        to: Name,
    },
    /// A folder.
    Folder {
        /// Its permissions.
        mode: u32,
    },
    /// A pipe, a socket or a device.
    Other,
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileState {
    /// Its permissions.
    pub(super) mode: u32,
    /// Its length in bytes.
    pub(super) len: u64,
    /// SHA-256 of its content, hex; none where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    /// What the system says of it; none where that was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<Stamp>,
    /// Where its content is kept, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Place>,
}

/// What the system says of a file. As long as it stays the same, so does the content: the time of the last
/// change of its entry cannot be set by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// The number of its entry.
    pub(super) ino: u64,
    /// When its content changed last, in nanoseconds since 1970.
    pub(super) mtime: i64,
    /// When its entry changed last, in nanoseconds since 1970.
    pub(super) ctime: i64,
}

/// Where content is kept: how far into which pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The pack.
    pub(super) pack: String,
    /// Where the content begins in it, in bytes.
    pub(super) at: u64,
}

/// What became of one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// The path beneath the working folder.
    pub(super) path: Name,
    /// What was there.
    pub(super) before: State,
    /// What is there now.
    pub(super) after: State,
}

impl State {
    /// Whether this and `other` are known to be the same, permissions aside.
    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => one.has_content_of(other),
            (Self::Folder { .. }, Self::Folder { .. }) => true,
            (one, other) => one == other,
        }
    }

    /// The permissions, where there are some to be set.
    pub(super) fn mode(&self) -> Option<u32> {
        match self {
            Self::File(FileState { mode, .. }) | Self::Folder { mode } => Some(*mode),
            Self::Absent | Self::Link { .. } | Self::Other => None,
        }
    }

    /// Whether this and `other` are known to be the same, with their permissions.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.has_content_of(other) && self.mode() == other.mode()
    }
}

impl FileState {
    fn has_content_of(&self, other: &Self) -> bool {
        match (&self.hash, &other.hash) {
            (Some(one), Some(other)) => one == other,
            _ => self.len == other.len && self.stamp.is_some() && self.stamp == other.stamp,
        }
    }
}

/// What is at one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The path beneath the working folder.
    pub(super) path: Name,
    /// What is there.
    pub(super) state: State,
}

/// A path or the text of a link, which may be no UTF-8: such bytes and percent signs are written as `%XX`.
/// Ordered by its bytes, so that what is in a folder comes after it.
#[derive(Clone, Debug)]
pub(super) struct Name(pub(super) PathBuf);

impl Name {
    /// The path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> &[u8] {
        bytes(&self.0)
    }
}

/// What paths are ordered by.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('%') => serializer.serialize_str(text),
            _ => serializer.serialize_str(&escaped(bytes)),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.contains('%') {
            return Ok(Self(PathBuf::from(text)));
        }
        unescaped(&text)
            .map(|bytes| Self(PathBuf::from(OsString::from_vec(bytes))))
            .ok_or_else(|| serde::de::Error::custom("a path has a `%` without two hex digits"))
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += &chunk.valid().replace('%', "%25");
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            if write!(text, "%{byte:02X}").is_err() {
                return text;
            }
        }
    }
    text
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        let name = Name(PathBuf::from(OsString::from_vec(bytes.to_vec())));
        let text = serde_json::to_string(&name).unwrap();
        assert_eq!(text, expect);
        assert_eq!(serde_json::from_str::<Name>(&text).unwrap(), name);
    }

    #[test]
    fn any_name_survives() {
        check("a/grün".as_bytes(), r#""a/grün""#);
        check(b"100%", r#""100%25""#);
        check(b"a\xffb\n", r#""a%FFb\n""#);
        assert!(serde_json::from_str::<Name>(r#""a%F""#).is_err());
        assert!(serde_json::from_str::<Name>(r#""a%gü""#).is_err());
    }

    #[test]
    fn only_what_is_known_is_the_same() {
        let file = |hash: Option<&str>, ino: Option<u64>| {
            State::File(FileState {
                mode: 0o644,
                len: 1,
                hash: hash.map(str::to_owned),
                stamp: ino.map(|ino| Stamp {
                    ino,
                    mtime: 0,
                    ctime: 0,
                }),
                kept: None,
            })
        };
        let check = |one: &State, other: &State, expect| {
            assert_eq!(one.has_content_of(other), expect, "{one:?} {other:?}");
        };
        check(&file(Some("a"), Some(1)), &file(Some("a"), Some(2)), true);
        check(&file(Some("a"), Some(1)), &file(Some("b"), Some(1)), false);
        check(&file(None, Some(1)), &file(Some("a"), Some(1)), true);
        check(&file(None, None), &file(None, None), false);
        check(&State::Other, &State::Absent, false);
        check(&State::Absent, &State::Absent, true);
    }
}
