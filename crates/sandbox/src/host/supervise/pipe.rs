//! Lines over pipes between the processes of a command, and whether the other end is still there.
//! Invariant: a reader takes nothing beyond the line, and never waits where it only wants to know.
//! It must not know what a line says.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line that is read, in bytes: a command, its environment and its grants.
const MAX_LINE: u64 = 8 << 20;

/// Reads one JSON line from a pipe that carries nothing after it. `None` if the other end closed first.
pub(in crate::host) fn read_line<T: DeserializeOwned>(pipe: impl Read) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let mut chunk = [0_u8; 16 * 1024];
    let mut pipe = pipe.take(MAX_LINE);
    loop {
        let count = pipe.read(&mut chunk)?;
        line.extend_from_slice(&chunk[..count]);
        if line.last() == Some(&b'\n') {
            return Ok(Some(serde_json::from_slice(&line)?));
        }
        if count == 0 {
            return Ok(None);
        }
    }
}

/// One JSON line.
pub(in crate::host) fn line<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Whether the other end of a pipe is closed. Does not wait.
pub(in crate::host) fn is_closed(pipe: impl AsFd) -> io::Result<bool> {
    wait_closed(pipe, Duration::ZERO)
}

/// Waits until the other end of a pipe that carries nothing more is closed, but not longer than `patience`;
/// yields whether it is.
pub(in crate::host) fn wait_closed(pipe: impl AsFd, patience: Duration) -> io::Result<bool> {
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    let mut polled = [PollFd::new(&pipe, PollFlags::IN)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&patience)))?;
    Ok(!polled[0].revents().is_empty())
}
