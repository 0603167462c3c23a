//! Asking the process that runs for a home how it is, over its own user's socket.
//! Invariant: whoever does not answer soon counts as silent; nothing is changed by asking.
//! It must not know what is done with the answer.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use corvid_core::wire::{DaemonStatus, Frame};

use super::instance::{There, there};
use crate::config::Home;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest answer that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Longest path of a socket on every system, in bytes.
const SOCKET_PATH: usize = 100;

/// Lets the process that runs for the home, if one does, look for what was left for it to deliver.
pub(in crate::commands) async fn wake(home: &Home) {
    if let Ok(There::One(occupant)) = there(&home.state)
        && let Some(socket) = occupant.socket
    {
        // It looks whenever it is asked; its answer is for others.
        let asked = tokio::task::spawn_blocking(move || status(&socket)).await;
        drop(asked);
    }
}

/// How the process that listens there is; none if it does not say.
pub(super) fn status(socket: &Path) -> Option<DaemonStatus> {
    match exchange(socket, &Frame::AskStatus) {
        Ok(Frame::Status { status }) => Some(*status),
        Ok(_) | Err(_) => None,
    }
}

fn exchange(socket: &Path, frame: &Frame) -> io::Result<Frame> {
    let mut stream = connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

/// Connects to a socket whose path may be longer than a socket's path may be: then through its opened folder.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    if socket.as_os_str().len() <= SOCKET_PATH {
        return UnixStream::connect(socket);
    }
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(folder)?;
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
    UnixStream::connect(path.join(name))
}
