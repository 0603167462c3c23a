//! Between processes of one home: the owner of a session listens on a socket, others wake and watch it.
//! Invariant: advisory. A lost frame, or no socket at all, only makes the other side look a little later.
//! It must not carry anything that is not in the journal.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use corvid_core::TaskKind;
use corvid_core::wire::{Frame, InputId, Millis, OwnerId, SessionId};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use crate::Gateway;
use crate::lanes::Lanes;

/// Longest line that is read from another process, in bytes.
const LINE_LIMIT: u64 = 64 * 1024;
/// How long to wait before looking again where the owner cannot be reached, in milliseconds.
const LOOK_AGAIN_MS: Millis = 10;

impl Gateway {
    /// Listens for other processes, once for this one.
    pub(crate) fn listen(&self) {
        if self.lanes.listening() {
            return;
        }
        let path = self.store.owner_socket(self.store.owner());
        let listener = match bind(&path) {
            Ok(listener) => listener,
            Err(error) => {
                // Others look again by the clock instead.
                tracing::debug!(%error, path = %path.display(), "no wake socket");
                return;
            }
        };
        let (lanes, tasks) = (self.lanes.clone(), self.tasks.clone());
        let stopping = self.tasks.stopping();
        self.tasks.spawn(TaskKind::Service, "wake", async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stopping.cancelled() => return,
                };
                let Ok((stream, _)) = accepted else { return };
                let (lanes, stopping) = (lanes.clone(), tasks.stopping());
                tasks.spawn(TaskKind::Service, "wake peer", async move {
                    tokio::select! {
                        () = serve(stream, lanes) => {}
                        () = stopping.cancelled() => {}
                    }
                });
            }
        });
    }

    /// Wakes the session's owner and returns once a look at the journal is worth while: the input has its
    /// reply, the owner has gone, or it cannot be reached.
    pub(crate) async fn await_owner(&self, owner: &OwnerId, session: &SessionId, input: &InputId) {
        let path = self.store.owner_socket(owner);
        if let Ok(stream) = UnixStream::connect(&path).await {
            self.watch(stream, session, input).await;
        }
        let answered = self.store.reply(input).await;
        if !matches!(answered, Ok(Some(_))) {
            let look = self.clock.now() + LOOK_AGAIN_MS;
            self.clock.sleep_until(look).await;
        }
    }

    async fn watch(&self, stream: UnixStream, session: &SessionId, input: &InputId) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read);
        let watch = Frame::Watch {
            session: session.clone(),
        };
        if send(&mut write, &watch).await.is_err() {
            return;
        }
        while let Some(frame) = receive(&mut lines).await {
            let Frame::Appended { .. } = frame else {
                continue;
            };
            if !matches!(self.store.reply(input).await, Ok(None)) {
                return;
            }
        }
    }
}

fn bind(path: &Path) -> std::io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves one other process until it goes away or the lane it watches ends.
async fn serve(stream: UnixStream, lanes: Lanes) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    let Some(Frame::Watch { session }) = receive(&mut lines).await else {
        return;
    };
    if let Some(ties) = lanes.get(&session) {
        ties.wake.notify_one();
        follow(&mut write, &session, ties.heads).await;
    }
}

async fn follow(
    write: &mut OwnedWriteHalf,
    session: &SessionId,
    mut heads: tokio::sync::watch::Receiver<u64>,
) {
    loop {
        let head = *heads.borrow_and_update();
        let grown = Frame::Appended {
            session: session.clone(),
            head,
        };
        if send(write, &grown).await.is_err() || heads.changed().await.is_err() {
            return;
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, frame: &Frame) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// The next frame; `None` at the end or at anything that is none.
async fn receive(lines: &mut BufReader<OwnedReadHalf>) -> Option<Frame> {
    let mut line = Vec::new();
    let read = lines.take(LINE_LIMIT).read_until(b'\n', &mut line).await;
    match read {
        Ok(length) if length > 0 && line.ends_with(b"\n") => serde_json::from_slice(&line).ok(),
        _ => None,
    }
}
