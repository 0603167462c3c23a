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

use corvid_store::StoreError;

use crate::Gateway;
use crate::lanes::Lanes;

/// Longest line that is read from another process, in bytes.
const LINE_LIMIT: u64 = 64 * 1024;
/// How long to wait before looking again where the owner cannot be reached, in milliseconds.
const LOOK_AGAIN_MS: Millis = 10;

impl Gateway {
    /// Listens for other processes, once for this one.
    pub(crate) fn listen(&self) -> Result<(), StoreError> {
        if self.lanes.listening() {
            return Ok(());
        }
        self.store.hold()?;
        let path = self.store.owner_socket(self.store.owner());
        let listener = match bind(&path) {
            Ok(listener) => listener,
            Err(error) => {
                // Others look again by the clock instead.
                tracing::debug!(%error, path = %path.display(), "no wake socket");
                return Ok(());
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
        Ok(())
    }

    /// Wakes the session's owner and returns once a look at the journal is worth while: the input has its
    /// reply, the owner has gone, or it cannot be reached. Says whether the owner gave the session up.
    pub(crate) async fn await_owner(
        &self,
        owner: &OwnerId,
        session: &SessionId,
        input: &InputId,
    ) -> bool {
        let path = self.store.owner_socket(owner);
        if let Ok(stream) = UnixStream::connect(&path).await {
            match self.watch(stream, session, input).await {
                Seen::Reply => return false,
                Seen::Idle => return true,
                Seen::End => {}
            }
        }
        let look_at = self.clock.now() + LOOK_AGAIN_MS;
        self.clock.sleep_until(look_at).await;
        false
    }

    async fn watch(&self, stream: UnixStream, session: &SessionId, input: &InputId) -> Seen {
        let (incoming, mut outgoing) = stream.into_split();
        let mut lines = BufReader::new(incoming);
        let watch = Frame::Watch {
            session: session.clone(),
        };
        if send(&mut outgoing, &watch).await.is_err() {
            return Seen::End;
        }
        while let Some(frame) = receive(&mut lines).await {
            match frame {
                Frame::Idle { .. } => return Seen::Idle,
                Frame::Appended { .. } if !matches!(self.store.reply(input).await, Ok(None)) => {
                    return Seen::Reply;
                }
                _ => {}
            }
        }
        Seen::End
    }
}

/// What watching another process came to.
enum Seen {
    /// The journal has the reply (or cannot be read, which looking again will tell).
    Reply,
    /// The owner is not at work in the session any more.
    Idle,
    /// The line ended.
    End,
}

fn bind(path: &Path) -> std::io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves one other process until it goes away or the lane it watches ends.
async fn serve(stream: UnixStream, lanes: Lanes) {
    let (incoming, mut outgoing) = stream.into_split();
    let mut frames = BufReader::new(incoming);
    let Some(Frame::Watch { session }) = receive(&mut frames).await else {
        return;
    };
    if let Some(ties) = lanes.get(&session) {
        ties.wake.notify_one();
        if follow(&mut outgoing, &session, ties.heads).await.is_err() {
            return;
        }
    }
    // Whether this arrives or not, the other side looks again.
    drop(send(&mut outgoing, &Frame::Idle { session }).await);
}

/// Tells of every commit until the lane ends.
async fn follow(
    outgoing: &mut OwnedWriteHalf,
    session: &SessionId,
    mut heads: tokio::sync::watch::Receiver<u64>,
) -> std::io::Result<()> {
    loop {
        let grown = Frame::Appended {
            session: session.clone(),
            head: *heads.borrow_and_update(),
        };
        send(outgoing, &grown).await?;
        if heads.changed().await.is_err() {
            return Ok(());
        }
    }
}

async fn send(outgoing: &mut OwnedWriteHalf, frame: &Frame) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    outgoing.write_all(&line).await
}

/// The next frame; `None` at the end or at anything that is none.
async fn receive(lines: &mut BufReader<OwnedReadHalf>) -> Option<Frame> {
    let mut line = Vec::new();
    match lines.take(LINE_LIMIT).read_until(b'\n', &mut line).await {
        Ok(length) if length > 0 && line.ends_with(b"\n") => serde_json::from_slice(&line).ok(),
        _ => None,
    }
}
