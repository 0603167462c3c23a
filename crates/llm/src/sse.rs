//! The one decoder of server-sent events, pure and incremental.
//! Invariant: the events are the same wherever the bytes are split; memory is bounded by the limit.
//! It must not know what an event's data means, nor where the bytes come from.

use std::mem;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty for a plain message.
    pub name: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// An event or a line is longer than the decoder's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {limit} bytes")]
pub struct TooLong {
    /// The limit in bytes.
    pub limit: usize,
}

/// Turns bytes into events, piece by piece (WHATWG HTML, section 9.2.6).
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// A carriage return ended the last line, so a line feed right after it belongs to it.
    after_return: bool,
    /// No line has ended yet, so a byte order mark may still come.
    at_start: bool,
    event: RawEvent,
}

#[derive(Debug, Default)]
struct RawEvent {
    name: Vec<u8>,
    data: Vec<u8>,
    data_lines: usize,
}

impl SseDecoder {
    /// A decoder that holds at most `limit` bytes of one event.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_return: false,
            at_start: true,
            event: RawEvent::default(),
        }
    }

    /// Takes the next bytes and returns the events that they complete.
    ///
    /// # Errors
    /// [`TooLong`], after which the decoder is of no more use.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        while let Some(&first) = bytes.first() {
            if mem::take(&mut self.after_return) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.hold(bytes)?;
                break;
            };
            self.after_return = bytes[end] == b'\r';
            events.extend(self.end_line(&bytes[..end])?);
            bytes = &bytes[end + 1..];
        }
        Ok(events)
    }

    /// The stream has ended: what is left if its last event lacks the blank line, or even the line's
    /// end. Whether that is whole is for the reader of the data to tell.
    ///
    /// # Errors
    /// [`TooLong`], as [`SseDecoder::push`].
    pub fn finish(mut self) -> Result<Option<SseEvent>, TooLong> {
        let last = self.end_line(b"")?;
        match last {
            Some(event) => Ok(Some(event)),
            None => Ok(self.event.take()),
        }
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.check(bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), TooLong> {
        let held = self.line.len() + self.event.data.len() + self.event.name.len();
        if held + more > self.limit {
            return Err(TooLong { limit: self.limit });
        }
        Ok(())
    }

    /// Ends the current line with `rest` and returns the event that it completes.
    fn end_line(&mut self, rest: &[u8]) -> Result<Option<SseEvent>, TooLong> {
        self.check(rest.len())?;
        let held = mem::take(&mut self.line);
        let whole;
        let mut line = if held.is_empty() {
            rest
        } else {
            whole = [held.as_slice(), rest].concat();
            whole.as_slice()
        };
        if mem::take(&mut self.at_start) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.event.take());
        }
        self.event.field(line);
        Ok(None)
    }
}

impl RawEvent {
    /// Reads one line. A comment, an unknown field, `id` and `retry` change nothing here.
    fn field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|b| *b == b':');
        let (field, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.data_lines > 0 {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.data_lines += 1;
            }
            b"event" => self.name = value.to_vec(),
            _ => {}
        }
    }

    /// The event, unless it had no data.
    fn take(&mut self) -> Option<SseEvent> {
        let event = mem::take(self);
        (event.data_lines > 0).then(|| SseEvent {
            name: text(event.name),
            data: text(event.data),
        })
    }
}

/// Bytes as text; what is not UTF-8 becomes replacement characters, as the standard asks.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes the pieces and returns each event as `name|data`, the unfinished rest as the last.
    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = SseDecoder::new(1 << 20);
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(decoder.push(piece).expect("within the limit"));
        }
        events.extend(decoder.finish().expect("within the limit"));
        events
            .into_iter()
            .map(|event| format!("{}|{}", event.name, event.data))
            .collect()
    }

    #[track_caller]
    fn check(input: &str, expect: &[&str]) {
        let bytes = input.as_bytes();
        assert_eq!(decode(&[bytes]), expect, "in one piece");
        for split in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(split);
            assert_eq!(decode(&[head, tail]), expect, "split at {split}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single), expect, "byte by byte");
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        check("data: a\n\ndata: b\n\n", &["|a", "|b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["|a", "|b"]);
        check("data: a\r\rdata: b\r\r", &["|a", "|b"]);
        check("data: a\r\n\ndata: b\n\r\n", &["|a", "|b"]);
    }

    #[test]
    fn data_lines_are_joined() {
        check("data: a\ndata:b\ndata\ndata:  c\n\n", &["|a\nb\n\n c"]);
    }

    #[test]
    fn comments_and_other_fields_are_skipped() {
        check(
            ": OPENROUTER PROCESSING\n\nid: 7\nretry: 3\nfoo: bar\ndata: a\n: x\n\n",
            &["|a"],
        );
    }

    #[test]
    fn an_event_has_a_name() {
        check("event: error\ndata: {}\n\ndata: a\n\n", &["error|{}", "|a"]);
        check("event: ping\n\ndata: a\n\n", &["|a"]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        check(
            "\u{feff}data: a\n\ndata: \u{feff}b\n\n",
            &["|a", "|\u{feff}b"],
        );
    }

    #[test]
    fn what_lacks_its_blank_line_is_left_over() {
        check("data: a\n\ndata: [DONE]", &["|a", "|[DONE]"]);
        check("data: a\n", &["|a"]);
        check("", &[]);
    }

    #[test]
    fn text_is_decoded_after_the_pieces_are_joined() {
        check("data: grüße 🐦\n\n", &["|grüße 🐦"]);
        let mut decoder = SseDecoder::new(64);
        let events = decoder.push(b"data: \xff\n\n").expect("within the limit");
        assert_eq!(events[0].data, "\u{fffd}");
    }

    #[test]
    fn an_endless_line_or_event_is_refused() {
        let mut decoder = SseDecoder::new(16);
        assert_eq!(decoder.push(&[b'x'; 17]), Err(TooLong { limit: 16 }));
        let mut decoder = SseDecoder::new(16);
        let many = b"data: 12345\n".repeat(4);
        assert_eq!(decoder.push(&many), Err(TooLong { limit: 16 }));
        let mut decoder = SseDecoder::new(16);
        assert!(decoder.push(&b"data: 12345\n\n".repeat(100)).is_ok());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'd'), any::<u8>()],
                0..200,
            ),
            prefix in prop_oneof![Just(&b""[..]), Just(&b"data: x"[..]), Just(BOM)],
            cuts in proptest::collection::vec(0_usize..210, 0..8),
        ) {
            let input = [prefix, &bytes].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(input.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&input[from..cut]);
                from = cut;
            }
            pieces.push(&input[from..]);
            prop_assert_eq!(decode(&pieces), decode(&[&input]));
        }
    }
}
