//! Between processes of one home: the owner of a session listens on a socket; others wake and watch it, and ask it to
//! end a job or to let a call go on as one.
//! Invariant: advisory. A lost frame, or no socket at all, makes the other side look a little later or ask again; that
//! something has happened is said by the journal alone.
//! It must not know what a job or a turn does.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corvid_core::TaskKind;
use corvid_core::wire::{Frame, InputId, Millis, OwnerId, SessionId};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use corvid_store::StoreError;

use crate::Gateway;
use crate::jobs::JobDesk;
use crate::lanes::{LaneTies, Lanes};

/// Longest line that is read from another process, in bytes.
const LINE_LIMIT: u64 = 64 * 1024;
/// How long to wait before looking again where the owner cannot be reached, in milliseconds: at first, and
/// after having doubled often.
const SHORTEST_PAUSE_MS: Millis = 10;
const LONGEST_PAUSE_MS: Millis = 250;
/// Looks for the reply alone before the whole session is looked at again, which may have another owner by now.
const LOOKS: usize = 20;
/// Longest path of a socket on every system, in bytes; Linux takes 107.
const SOCKET_PATH_LIMIT: usize = 100;

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
        let (peers, tasks) = (self.peers(), self.tasks.clone());
        let (stopping, clock) = (self.tasks.stopping(), Arc::clone(&self.clock));
        self.tasks.spawn(TaskKind::Service, "wake", async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stopping.cancelled() => return,
                };
                let (stream, _) = match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of descriptors, most likely; others look again by the clock meanwhile.
                        tracing::warn!(%error, "another process cannot be heard");
                        clock.sleep_until(clock.now() + LONGEST_PAUSE_MS).await;
                        continue;
                    }
                };
                let (peers, stopping) = (peers.clone(), tasks.stopping());
                tasks.spawn(TaskKind::Service, "wake peer", async move {
                    tokio::select! {
                        () = peers.serve(stream) => {}
                        () = stopping.cancelled() => {}
                    }
                });
            }
        });
        Ok(())
    }

    fn peers(&self) -> Peers {
        Peers {
            lanes: self.lanes.clone(),
            jobs: Arc::clone(&self.jobs),
        }
    }

    /// Wakes the session's owner and returns once a look at the journal is worth while: the input has its
    /// reply, the owner has gone, or it could not be reached for long. Says whether the owner gave the session
    /// up.
    pub(crate) async fn await_owner(
        &self,
        owner: &OwnerId,
        session: &SessionId,
        input: &InputId,
    ) -> bool {
        let path = self.store.owner_socket(owner);
        let mut pause = SHORTEST_PAUSE_MS;
        for _ in 0..LOOKS {
            if let Ok(stream) = connect(&path).await {
                match self.watch(stream, session, input).await {
                    Seen::Reply => return false,
                    Seen::Idle => return true,
                    Seen::End => {}
                }
            }
            if self.has_reply(input).await || !self.store.is_alive(owner) {
                return false;
            }
            self.clock.sleep_until(self.clock.now() + pause).await;
            pause = LONGEST_PAUSE_MS.min(2 * pause);
        }
        false
    }

    /// Wakes a lane of this process and returns once the input has its reply or the lane has ended.
    pub(crate) async fn await_lane(&self, mut lane: LaneTies, input: &InputId) {
        lane.wake.notify_one();
        while lane.heads.changed().await.is_ok() {
            if self.has_reply(input).await {
                return;
            }
        }
    }

    /// Whether the journal has the reply (or cannot be read, which looking again will tell).
    async fn has_reply(&self, input: &InputId) -> bool {
        !matches!(self.store.reply(input).await, Ok(None))
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
                Frame::Appended { .. } if self.has_reply(input).await => return Seen::Reply,
                _ => {}
            }
        }
        Seen::End
    }
}

/// What watching another process came to.
enum Seen {
    /// The journal has the reply.
    Reply,
    /// The owner is not at work in the session any more.
    Idle,
    /// The line ended.
    End,
}

/// Sends one frame to the process that listens on this socket; says whether it could be reached.
pub(crate) async fn send_frame(socket: &Path, frame: &Frame) -> bool {
    let Ok(stream) = connect(socket).await else {
        return false;
    };
    let (_incoming, mut outgoing) = stream.into_split();
    send(&mut outgoing, frame).await.is_ok()
}

/// Sends one frame to the process that listens on this socket, and hears its answer.
pub(crate) async fn ask_frame(socket: &Path, frame: &Frame) -> Option<Frame> {
    let (incoming, mut outgoing) = connect(socket).await.ok()?.into_split();
    send(&mut outgoing, frame).await.ok()?;
    receive(&mut BufReader::new(incoming)).await
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    let within = Within::limit(path)?;
    let listener = UnixListener::bind(&within.path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn connect(path: &Path) -> io::Result<UnixStream> {
    let within = Within::limit(path)?;
    UnixStream::connect(&within.path).await
}

/// A socket's path within the limit. One that is too long leads through its folder, held open meanwhile.
struct Within {
    path: PathBuf,
    _folder: Option<File>,
}

impl Within {
    fn limit(path: &Path) -> io::Result<Self> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().len() <= SOCKET_PATH_LIMIT {
            return Ok(Self {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
        Ok(Self {
            path: path.join(name),
            _folder: Some(folder),
        })
    }
}

/// What other processes reach here.
#[derive(Clone)]
struct Peers {
    lanes: Lanes,
    jobs: Arc<JobDesk>,
}

impl Peers {
    /// Serves one other process: does what it asks for, or lets it watch a lane until that ends.
    async fn serve(&self, stream: UnixStream) {
        let (incoming, outgoing) = stream.into_split();
        let mut frames = BufReader::new(incoming);
        match receive(&mut frames).await {
            Some(Frame::Watch { session }) => self.show(session, outgoing).await,
            Some(Frame::Background { session }) => {
                self.background(session, outgoing).await;
            }
            Some(Frame::CancelJob { job, by }) => {
                self.jobs.cancel_here(&job, &by);
            }
            Some(Frame::AskStatus) => self.tell_status(outgoing).await,
            _ => {}
        }
    }

    async fn tell_status(&self, mut outgoing: OwnedWriteHalf) {
        if let Some(host) = self.lanes.host() {
            host.look_around();
            let status = Box::new(host.status().await);
            drop(send(&mut outgoing, &Frame::Status { status }).await);
        }
    }

    async fn background(&self, session: SessionId, mut outgoing: OwnedWriteHalf) {
        let answer = match self.lanes.get(&session) {
            Some(ties) => {
                ties.background.notify_one();
                let head = *ties.heads.borrow();
                Frame::Appended { session, head }
            }
            None => Frame::Idle { session },
        };
        // Who does not wait for it does not need it.
        drop(send(&mut outgoing, &answer).await);
    }

    async fn show(&self, session: SessionId, mut outgoing: OwnedWriteHalf) {
        if let Some(ties) = self.lanes.get(&session) {
            ties.wake.notify_one();
            if follow(&mut outgoing, &session, ties.heads).await.is_err() {
                return;
            }
        }
        // Whether this arrives or not, the other side looks again.
        drop(send(&mut outgoing, &Frame::Idle { session }).await);
    }
}

/// Tells of every commit until the lane ends.
async fn follow(
    outgoing: &mut OwnedWriteHalf,
    session: &SessionId,
    mut heads: tokio::sync::watch::Receiver<u64>,
) -> io::Result<()> {
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

async fn send(outgoing: &mut OwnedWriteHalf, frame: &Frame) -> io::Result<()> {
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
