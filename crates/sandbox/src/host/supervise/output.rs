//! A command's output on its way to the file: its beginning, and of what is too much the end.
//! Invariant: neither the disk nor the memory it takes grows with what the command writes, and it never
//! takes the room in which the journal must still write down how the command ended.
//! It must not know where the output comes from.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of the disk that output leaves free: of what no longer fits only the end is kept.
const RESERVE: u64 = 8 << 20;

/// Bytes that are kept of the end of what is too much.
const TAIL: usize = 64 * 1024;

/// The longest line of progress, in characters.
const PROGRESS_CHARS: usize = 200;

/// Bytes of an unfinished line that are remembered.
const LINE_BYTES: usize = 1024;

/// The least time between two lines of progress.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Takes a command's output.
#[derive(Debug)]
pub(super) struct Sink {
    /// `None` once it could not be written; the output is then counted only.
    file: Option<File>,
    head_left: u64,
    tail: Vec<u8>,
    kept: u64,
    total: u64,
}

impl Sink {
    /// Makes the file anew, for its owner alone.
    pub(super) fn create(path: &Path, head: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            file: Some(file),
            head_left: head,
            tail: Vec::new(),
            kept: 0,
            total: 0,
        })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.total = self.total.saturating_add(length);
        if self.head_left > 0 && !self.leaves_free(RESERVE.saturating_add(length)) {
            self.head_left = 0;
        }
        let head = usize::try_from(self.head_left.min(length)).unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at(head);
        self.head_left = self.head_left.saturating_sub(length);
        self.keep(head);
        self.tail
            .extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    /// Appends the end of what was too much. Yields the bytes in the file and the bytes there were.
    pub(super) fn finish(mut self) -> (u64, u64) {
        let mut tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            tail.drain(..tail.len().saturating_sub(TAIL));
            let end = u64::try_from(tail.len()).unwrap_or(u64::MAX);
            let left_out = self.total - self.kept.min(self.total) - end.min(self.total);
            if left_out > 0 {
                self.keep(format!("\n[… {left_out} bytes of output left out …]\n").as_bytes());
            }
            self.keep(&tail);
        }
        (self.kept, self.total)
    }

    /// Whether the disk has that many bytes left.
    fn leaves_free(&self, bytes: u64) -> bool {
        let Some(file) = &self.file else { return false };
        // What cannot be asked shows itself when it is written.
        rustix::fs::fstatvfs(file).map_or(true, |disk| {
            disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes
        })
    }

    fn keep(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        // A full disk must not stop the command, whose effects matter more than its words.
        if file.write_all(bytes).is_ok() {
            self.kept += u64::try_from(bytes.len()).unwrap_or(0);
            return;
        }
        // Somebody else filled it meanwhile. The end of what was kept makes room again.
        self.kept = self.kept.saturating_sub(RESERVE);
        match file.set_len(self.kept) {
            Ok(()) | Err(_) => self.file = None,
        }
    }
}

/// The newest finished line of the output, now and then.
#[derive(Debug, Default)]
pub(super) struct Newest {
    unfinished: Vec<u8>,
    line: Option<String>,
    shown: Option<Instant>,
}

impl Newest {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(last) = bytes.iter().rposition(is_break) else {
            self.extend(bytes);
            return;
        };
        // Empty lines, and the two breaks that end one line elsewhere, show nothing.
        let end = bytes[..last]
            .iter()
            .rposition(|byte| !is_break(byte))
            .map_or(0, |position| position + 1);
        if let Some(start) = bytes[..end].iter().rposition(is_break) {
            self.unfinished.clear();
            self.extend(&bytes[start + 1..end]);
        } else {
            self.extend(&bytes[..end]);
        }
        let line = shown(&self.unfinished);
        if !line.is_empty() {
            self.line = Some(line);
        }
        self.unfinished.clear();
        self.extend(&bytes[last + 1..]);
    }

    /// A line that is due to be shown.
    pub(super) fn due(&mut self, now: Instant) -> Option<String> {
        let early = self
            .shown
            .is_some_and(|shown| now.duration_since(shown) < PROGRESS_INTERVAL);
        if early {
            return None;
        }
        let line = self.line.take()?;
        self.shown = Some(now);
        Some(line)
    }

    /// Whether a line waits for its time.
    pub(super) fn waits(&self) -> bool {
        self.line.is_some()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let free = LINE_BYTES - self.unfinished.len().min(LINE_BYTES);
        self.unfinished
            .extend_from_slice(&bytes[..bytes.len().min(free)]);
    }
}

/// The beginning of a line, as the command wrote it.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim().chars().take(PROGRESS_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_and_the_end_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut sink = Sink::create(&path, 10).unwrap();
        for _ in 0..100 {
            sink.take(&[b'x'; 4096]);
            assert!(sink.tail.len() <= 3 * TAIL);
        }
        sink.take(b"the end");
        let (kept, total) = sink.finish();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(total, 100 * 4096 + 7);
        assert_eq!(kept, text.len() as u64);
        let left_out = total - 10 - TAIL as u64;
        assert!(text.starts_with(&format!(
            "xxxxxxxxxx\n[… {left_out} bytes of output left out …]\nx"
        )));
        assert!(text.ends_with("the end"));
    }

    #[test]
    fn what_fits_is_kept_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut sink = Sink::create(&path, 4).unwrap();
        sink.take(b"ab");
        sink.take(b"cdef");
        assert_eq!(sink.finish(), (6, 6));
        assert_eq!(std::fs::read(&path).unwrap(), b"abcdef");
    }

    #[test]
    fn the_newest_finished_line_is_shown_now_and_then() {
        let mut newest = Newest::default();
        let start = Instant::now();
        newest.take(b"one\ntw");
        assert_eq!(newest.due(start).as_deref(), Some("one"));
        newest.take(b"o\n three \r\nfour");
        assert_eq!(newest.due(start), None);
        assert!(newest.waits());
        assert_eq!(
            newest.due(start + PROGRESS_INTERVAL).as_deref(),
            Some("three")
        );
    }
}
