//! Copying: the body of a request, exactly as long as it said it is, and bytes as they are.
//! Invariant: a body is written anew chunk by chunk, so that nothing after its end goes on; memory is one
//! small buffer.
//! It must not know hosts.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite,
    AsyncWriteExt as _,
};

use super::head::Framing;

/// Bytes that are on their way in one direction of one connection.
pub(super) const BUFFER: usize = 16 * 1024;
/// Bytes of a line between chunks, and of all lines after the last.
const MAX_LINE: u64 = 1024;
const MAX_TRAILER: u64 = 8 * 1024;

/// Counts what moved, so that a connection on which nothing does can be told.
#[derive(Debug, Default)]
pub(super) struct Moved(AtomicU64);

impl Moved {
    fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns once nothing has moved for at least that long, and at most twice as long.
    pub(super) async fn stopped_for(&self, patience: Duration) {
        loop {
            let before = self.0.load(Ordering::Relaxed);
            tokio::time::sleep(patience).await;
            if self.0.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// Copies one body.
///
/// # Errors
/// Either side's, or [`io::ErrorKind::InvalidData`] for chunks that are none.
pub(super) async fn copy_body(
    framing: Framing,
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    moved: &Moved,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => copy_exactly(length, from, to, moved).await,
        Framing::Chunked => {
            while let size @ 1.. = chunk_size(from).await? {
                to.write_all(format!("{size:x}\r\n").as_bytes()).await?;
                copy_exactly(size, from, to, moved).await?;
                if !line(from, 2).await?.is_empty() {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                to.write_all(b"\r\n").await?;
            }
            skip_trailer(from).await?;
            to.write_all(b"0\r\n\r\n").await
        }
    }
}

/// Copies to the end, and tells it to the other side.
///
/// # Errors
/// Either side's.
pub(super) async fn copy_all(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    moved: &Moved,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        moved.note();
    }
}

async fn copy_exactly(
    mut left: u64,
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    moved: &Moved,
) -> io::Result<()> {
    while left > 0 {
        let available = from.fill_buf().await?;
        if available.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = usize::try_from(left).map_or(available.len(), |left| left.min(available.len()));
        to.write_all(&available[..count]).await?;
        from.consume(count);
        left -= count as u64;
        moved.note();
    }
    Ok(())
}

/// Reads the line before a chunk. What it says beside the size is dropped.
async fn chunk_size(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<u64> {
    let line = line(from, MAX_LINE).await?;
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads what may follow the last chunk, to the empty line.
async fn skip_trailer(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<()> {
    let mut left = MAX_TRAILER;
    loop {
        match line(from, left).await?.len() as u64 {
            0 => return Ok(()),
            length => left = left.saturating_sub(length + 2),
        }
    }
}

/// Reads a line of at most that many bytes; its end is counted, but not returned.
async fn line(from: &mut (impl AsyncBufRead + Unpin), most: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(most).read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(inner) if !inner.contains(&b'\r') => Ok(inner.to_vec()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn copied(framing: Framing, from: &str) -> (Result<(), io::ErrorKind>, String, String) {
        let mut rest = from.as_bytes();
        let mut to = Vec::new();
        let ended = copy_body(framing, &mut rest, &mut to, &Moved::default()).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ended.map_err(|error| error.kind()), text(&to), text(rest))
    }

    #[tokio::test]
    async fn a_body_is_as_long_as_it_says() {
        for (framing, from, expect, rest) in [
            (Framing::Length(0), "GET", "", "GET"),
            (Framing::Length(3), "abcGET", "abc", "GET"),
            (Framing::Chunked, "0\r\n\r\nGET", "0\r\n\r\n", "GET"),
            (
                Framing::Chunked,
                "3;x=\"y\"\r\nabc\r\n000A\r\n0123456789\r\n00\r\nX: y\r\nZ: \r\n\r\nGET",
                "3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
                "GET",
            ),
        ] {
            let copied = copied(framing, from).await;
            assert_eq!(
                copied,
                (Ok(()), expect.to_owned(), rest.to_owned()),
                "{from}"
            );
        }
    }

    #[tokio::test]
    async fn chunks_that_are_none_end_it() {
        let long = format!("0;{}\r\n\r\n", "x".repeat(2000));
        let trailer = format!("0\r\n{}\r\n", "X: y\r\n".repeat(2000));
        for from in [
            "",
            "\r\n",
            "3\nabc\r\n0\r\n\r\n",
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "+3\r\nabc\r\n0\r\n\r\n",
            "0x3\r\nabc\r\n0\r\n\r\n",
            " 3\r\nabc\r\n",
            "3 \r\nabc\r\n",
            "-1\r\n",
            "10000000000000000\r\n",
            "g\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\n\n",
            "0\r\nX\rY\r\n\r\n",
            ";x\r\n\r\n",
            &long,
            &trailer,
        ] {
            let (ended, copied, _) = copied(Framing::Chunked, from).await;
            let expected = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
            assert!(ended.is_err_and(|kind| expected.contains(&kind)), "{from}");
            assert!(!copied.ends_with("0\r\n\r\n"), "{from}");
        }
        let (ended, ..) = copied(Framing::Length(4), "abc").await;
        assert_eq!(ended, Err(io::ErrorKind::UnexpectedEof));
    }
}
