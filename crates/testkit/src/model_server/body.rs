//! The body of a scripted answer, which may break off or stall after a given number of bytes.
//! Invariant: exactly the bytes before the break are sent, and flushed before the connection ends.
//! It must not know what the bytes mean.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use super::ledger::{End, Ledger};

/// One exchange in the ledger; if nothing else is said, its end is that the client left.
#[derive(Debug)]
pub(super) struct Exchange {
    ledger: Arc<Ledger>,
    index: usize,
}

/// A place at which a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Break {
    /// Bytes of the body before it; a shorter body breaks where it would have ended.
    pub(super) after: usize,
    /// Whether the connection ends there, or only nothing more comes.
    pub(super) ends: bool,
}

/// The body.
#[derive(Debug)]
pub(super) struct ScriptedBody {
    pieces: VecDeque<Bytes>,
    break_off: Option<Break>,
    sent: usize,
    flushed: bool,
    exchange: Exchange,
}

impl Exchange {
    /// The exchange of this entry.
    pub(super) fn new(ledger: Arc<Ledger>, index: usize) -> Self {
        Self { ledger, index }
    }

    /// Records the end; the first one stands.
    pub(super) fn end(&self, end: End) {
        self.ledger.end(self.index, end);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(End::ClientLeft);
    }
}

impl ScriptedBody {
    /// A body of these pieces, which breaks off if told to.
    pub(super) fn new(
        pieces: impl IntoIterator<Item = Bytes>,
        break_off: Option<Break>,
        exchange: Exchange,
    ) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            break_off,
            sent: 0,
            flushed: false,
            exchange,
        }
    }

    /// Bytes that may still be sent before the break.
    fn room(&self) -> usize {
        self.break_off
            .map_or(usize::MAX, |at| at.after.saturating_sub(self.sent))
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let room = self.room();
        if room > 0
            && let Some(mut piece) = self.pieces.pop_front()
        {
            piece.truncate(room);
            self.sent += piece.len();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.break_off {
            None => {
                self.exchange.end(End::Complete);
                Poll::Ready(None)
            }
            Some(Break { ends: false, .. }) => Poll::Pending,
            // The connection flushes what it has while the body is pending, and not after an error.
            Some(_) if !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(_) => {
                self.exchange.end(End::Broken);
                Poll::Ready(Some(Err(io::Error::other("broken off as scripted"))))
            }
        }
    }
}
