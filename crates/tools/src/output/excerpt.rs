//! What the model gets of a kept output: all of it, or its head and tail with a marker between.
//! Invariant: reads at most two windows of the file, however long it is.
//! It must not know what wrote the file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use corvid_core::wire::{CallId, OutputRef};

use crate::display::{Cleaned, Rest, clean};

/// Bytes read from each end of a long file.
const WINDOW: usize = 256 * 1024;

/// How far from a cut a line's end is looked for, as a part of what is shown: half a line can mislead.
const NEAR: usize = 6;

/// An output as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The whole text, or head, marker and tail.
    pub(crate) text: String,
    /// Where the rest is, if `text` is not the whole.
    pub(crate) output: Option<OutputRef>,
}

/// Reads the excerpt of `file`, the output of `call` that wrote `total_bytes`. At most `limit`
/// characters are shown: two thirds from the head, one from the tail.
///
/// # Errors
/// If the file cannot be read; a file that is not there is an empty output.
pub(crate) fn excerpt(
    file: &Path,
    call: CallId,
    total_bytes: u64,
    limit: usize,
) -> io::Result<Excerpt> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Excerpt::empty()),
        Err(error) => return Err(error),
    };
    let kept_bytes = file.metadata()?.len();
    let head = read_at(&mut file, 0, 2 * WINDOW)?;
    let fits = head.len() as u64 == kept_bytes;
    if fits {
        // One more than is shown, since what ends the output may have nothing to show.
        let whole = clean(&head, limit + 1, Rest::Ends);
        if whole.chars <= limit && whole.consumed == head.len() {
            return Ok(Excerpt {
                text: whole.text,
                output: None,
            });
        }
    }
    let start = kept_bytes.saturating_sub(WINDOW as u64);
    let tail = if fits {
        head.clone()
    } else {
        read_at(&mut file, start, WINDOW)?
    };
    let start = if fits { 0 } else { start };
    let head = first(&head, limit - limit / 3);
    let (tail, tail_at) = last(&tail, limit / 3);
    let tail_at = start + tail_at as u64;
    let cut = tail_at.saturating_sub(head.consumed as u64);
    let marker = format!(
        "[… {cut} bytes cut of {kept_bytes} kept; `output.read` with call \"{call}\" and offset {} shows them …]",
        head.consumed
    );
    Ok(Excerpt {
        text: format!(
            "{}\n{marker}\n{tail}",
            head.text.strip_suffix('\n').unwrap_or(&head.text)
        ),
        output: Some(OutputRef {
            call,
            kept_bytes,
            total_bytes: total_bytes.max(kept_bytes),
        }),
    })
}

/// The end of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The text.
    pub(crate) text: String,
    /// The byte at which it begins.
    pub(crate) from: u64,
    /// The output's length so far, in bytes.
    pub(crate) to: u64,
}

/// Reads the last `limit` characters of `file`, or a little less where a line begins.
///
/// # Errors
/// If the file cannot be read; a file that is not there is an empty output.
pub(crate) fn tail(file: &Path, limit: usize) -> io::Result<Tail> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Tail {
                text: String::new(),
                from: 0,
                to: 0,
            });
        }
        Err(error) => return Err(error),
    };
    let start = file.metadata()?.len().saturating_sub(WINDOW as u64);
    let bytes = read_at(&mut file, start, WINDOW)?;
    // It may have grown, or been cut, since its length was asked for.
    let to = start + bytes.len() as u64;
    if start == 0 {
        let whole = clean(&bytes, limit + 1, Rest::Ends);
        if whole.chars <= limit && whole.consumed == bytes.len() {
            return Ok(Tail {
                text: whole.text,
                from: 0,
                to,
            });
        }
    }
    let (text, from) = last(&bytes, limit);
    Ok(Tail {
        text,
        from: start + from as u64,
        to,
    })
}

impl Excerpt {
    fn empty() -> Self {
        Self {
            text: String::new(),
            output: None,
        }
    }
}

/// Reads up to `limit` bytes from `offset` on.
pub(crate) fn read_at(file: &mut File, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first `limit` characters of the cleaned bytes, or a little less where a line ends.
fn first(bytes: &[u8], limit: usize) -> Cleaned {
    let head = clean(bytes, limit, Rest::Follows);
    let mut near = head.text.chars().rev().take(limit / NEAR);
    match near.position(|character| character == '\n') {
        None | Some(0) => head,
        Some(after) => clean(bytes, head.chars - after, Rest::Follows),
    }
}

/// The last `limit` characters of the cleaned bytes, or a little less where a line begins; and where in
/// the bytes they begin.
fn last(bytes: &[u8], limit: usize) -> (String, usize) {
    // The window may begin within a character.
    let skipped = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count();
    let bytes = &bytes[skipped..];
    let all = clean(bytes, usize::MAX, Rest::Ends);
    let mut passed = all.chars.saturating_sub(limit);
    let mut near = all.text.chars().skip(passed).take(limit / NEAR);
    if let Some(before) = near.position(|character| character == '\n') {
        passed += before + 1;
    }
    let before = clean(bytes, passed, Rest::Ends);
    let text = all.text[before.text.len()..].to_owned();
    (text, skipped + before.consumed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: CallId = CallId {
        turn: 1,
        step: 1,
        index: 0,
    };

    fn of(bytes: &[u8], limit: usize) -> Excerpt {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("1.1.0.out");
        std::fs::write(&file, bytes).expect("a file");
        excerpt(&file, CALL, bytes.len() as u64, limit).expect("it is read")
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let whole = |text: &str| Excerpt {
            text: text.to_owned(),
            output: None,
        };
        assert_eq!(of("grüße".as_bytes(), 5), whole("grüße"));
        assert_eq!(of(b"", 5), whole(""));
        let missing = excerpt(Path::new("/nowhere/1.1.0.out"), CALL, 0, 5);
        assert_eq!(missing.ok(), Some(whole("")));
    }

    #[test]
    fn head_cut_and_tail_add_up_at_every_length() {
        // Three bytes a character, so that every border falls into one somewhere.
        for length in [
            5,
            6,
            100,
            2 * WINDOW / 3,
            2 * WINDOW / 3 + 1,
            2 * WINDOW / 3 + 2,
            WINDOW,
        ] {
            let bytes = "€".repeat(length).into_bytes();
            let excerpt = of(&bytes, 4);
            let (head, rest) = excerpt.text.split_once("\n[… ").expect("a marker");
            let (marker, tail) = rest.split_once(" …]\n").expect("the marker's end");
            assert_eq!((head, tail), ("€€€", "€"));
            let cut = bytes.len() - 4 * "€".len();
            let kept = bytes.len();
            assert_eq!(
                marker,
                format!(
                    "{cut} bytes cut of {kept} kept; `output.read` with call \"1.1.0\" and offset 9 shows them"
                )
            );
            let output = excerpt.output.expect("the rest is kept");
            assert_eq!(
                (output.kept_bytes, output.total_bytes),
                (kept as u64, kept as u64)
            );
        }
    }
}
