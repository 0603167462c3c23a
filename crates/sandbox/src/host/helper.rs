//! A started supervisor as its parent sees it: a process and two pipes.
//! Invariant: it inherits no environment and nothing open but its pipes, and whatever drops it lets it end and reaps it.
//! It must not know what is said over the pipes.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use super::config::Isolation;
use super::plan::{STAGE_WORD, SUPERVISE};

/// A supervisor that was started and has no plan yet. It belongs to no runtime.
pub(super) struct Helper {
    /// Takes the plan; once it is closed, the supervisor ends.
    pub(super) lifeline: UnixStream,
    /// Gives the notices.
    pub(super) notices: ChildStdout,
    /// The process, which is let go last.
    pub(super) process: Process,
}

/// A supervisor's process.
pub(super) struct Process {
    /// `None` once it was waited for.
    child: Option<Child>,
}

impl Helper {
    /// Starts one for commands of that kind. Blocks until the program was found and replaced this one's copy.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn start(program: &Path, isolation: Isolation) -> io::Result<Self> {
        let (lifeline, theirs) = UnixStream::pair()?;
        lifeline.set_nonblocking(true)?;
        let mut child = Command::new(program)
            .args([STAGE_WORD, SUPERVISE, isolation.word()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let notices = child.stdout.take();
        let process = Process { child: Some(child) };
        Ok(Self {
            lifeline,
            notices: notices.ok_or(io::ErrorKind::BrokenPipe)?,
            process,
        })
    }

    /// Lets it end and waits for that, which blocks.
    pub(super) fn end(self) {
        let Self {
            lifeline,
            notices,
            mut process,
        } = self;
        drop((lifeline, notices));
        if let Some(child) = process.child.take() {
            reap(child);
        }
    }
}

impl Process {
    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        let status = self.child.as_mut().map(Child::try_wait);
        !matches!(status, Some(Ok(None)))
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.child.as_mut().map_or(Ok(()), Child::kill)
    }

    /// Waits until it has ended. Mostly it has: it closes its pipes at its end.
    pub(super) async fn ended(mut self) {
        if self.has_ended() {
            return;
        }
        if let Some(child) = self.child.take()
            && let Err(error) = tokio::task::spawn_blocking(move || reap(child)).await
        {
            tracing::warn!(%error, "a supervisor is not waited for");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        if let Some(child) = self.child.take()
            && let Err(error) = thread::Builder::new().spawn(move || reap(child))
        {
            tracing::warn!(%error, "a supervisor is not waited for");
        }
    }
}

fn reap(mut child: Child) {
    if let Err(error) = child.wait() {
        tracing::warn!(%error, "a supervisor cannot be waited for");
    }
}
