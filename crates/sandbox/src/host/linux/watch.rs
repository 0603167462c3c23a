//! Watching a running command from outside: its output, its time, its end, and its parent's.
//! Invariant: when the watch is over, nothing of the command runs any more.
//! It must not know records; what it saw is written down elsewhere.

use std::io::{self, PipeReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use corvid_core::{CommandEnd, CommandEnding};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitOptions};

use super::output::{Newest, PROGRESS_INTERVAL, Sink};
use super::{descendants, pipe};
use crate::host::config::Isolation;
use crate::host::plan::{CONFINE, Exit, Finding, Notice, Plan, STAGE_WORD};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// How long the stage may take to end what the command left.
const STAGE_PATIENCE: Duration = Duration::from_millis(200);

/// A confining stage that was started and waits for its plan. It ends by itself if it never gets one.
pub(super) struct Stage {
    process: Child,
    lifeline: io::PipeWriter,
    finding: PipeReader,
    output: PipeReader,
}

/// A running command as seen from outside.
pub(super) struct Watch {
    stage: Child,
    own_namespaces: bool,
    finding: PipeReader,
    output: PipeReader,
    /// Held open as long as the stage shall live.
    lifeline: Option<io::PipeWriter>,
    sink: Sink,
    newest: Newest,
    chunk: Vec<u8>,
    begun: Instant,
    deadline: Option<Instant>,
}

/// Why the watch is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Found,
    TimedOut,
    Stopped,
}

impl Stage {
    /// Starts the stage, which gets ready while other things are done.
    pub(super) fn start() -> io::Result<Self> {
        let (plan_end, lifeline) = io::pipe()?;
        let (finding, finding_end) = io::pipe()?;
        let (output, output_end) = io::pipe()?;
        // A program that was replaced while it runs is still found there.
        let process = Command::new("/proc/self/exe")
            .args([STAGE_WORD, CONFINE])
            .env_clear()
            .stdin(plan_end)
            .stdout(finding_end)
            .stderr(Stdio::from(output_end))
            .spawn()?;
        Ok(Self {
            process,
            lifeline,
            finding,
            output,
        })
    }
}

impl Watch {
    /// Lets the stage begin the command.
    pub(super) fn begin(stage: Stage, plan: &Plan, sink: Sink) -> io::Result<Self> {
        let begun = Instant::now();
        let mut lifeline = stage.lifeline;
        lifeline.write_all(&pipe::line(&plan.confinement)?)?;
        rustix::io::ioctl_fionbio(&stage.output, true)?;
        Ok(Self {
            stage: stage.process,
            own_namespaces: plan.confinement.isolation == Isolation::Full,
            finding: stage.finding,
            output: stage.output,
            lifeline: Some(lifeline),
            sink,
            newest: Newest::default(),
            chunk: vec![0; CHUNK],
            begun,
            deadline: begun.checked_add(Duration::from_millis(plan.timeout_ms)),
        })
    }

    /// Watches until the command is over and everything of it gone.
    ///
    /// # Errors
    /// Why it never began.
    pub(super) fn see_to_its_end(mut self) -> Result<CommandEnd, String> {
        // What cannot be watched any more is ended.
        let cause = self.until_over().unwrap_or(Cause::Stopped);
        let finding = match cause {
            Cause::Found => self.hear_out(),
            Cause::TimedOut | Cause::Stopped => None,
        };
        let killed_by = self.end_everything();
        self.drain();
        let ending = match (cause, finding) {
            (Cause::TimedOut, _) => CommandEnding::TimedOut,
            (Cause::Stopped, _) => CommandEnding::Stopped,
            (Cause::Found, Some(Ok(Exit::Code(code)))) => CommandEnding::Exited { code },
            (Cause::Found, Some(Ok(Exit::Signal(signal)))) => CommandEnding::Signaled { signal },
            (Cause::Found, Some(Err(reason))) => return Err(reason),
            // The stage itself was ended (for lack of memory, or by the command where it could).
            (Cause::Found, None) => CommandEnding::Signaled { signal: killed_by },
        };
        let (kept_bytes, total_bytes) = self.sink.finish();
        Ok(CommandEnd {
            ending,
            kept_bytes,
            total_bytes,
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Reads the finding and gives the stage a moment to end by itself, which it does after ending what
    /// the command left: looking for processes to end is dear, and mostly there is none.
    fn hear_out(&self) -> Option<Finding> {
        let finding = pipe::read_line::<Finding>(&self.finding).unwrap_or(None);
        // Whether or not it ended, it is ended next.
        match pipe::wait_closed(&self.finding, STAGE_PATIENCE) {
            Ok(_) | Err(_) => finding,
        }
    }

    fn until_over(&mut self) -> io::Result<Cause> {
        let parent = io::stdin();
        loop {
            let timeout = self.patience();
            let mut polled = [
                PollFd::new(&self.finding, PollFlags::IN),
                PollFd::new(&parent, PollFlags::IN),
                PollFd::new(&self.output, PollFlags::IN),
            ];
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, timeout.as_ref()))?;
            let [found, cut, readable] = polled.map(|fd| !fd.revents().is_empty());
            if found {
                return Ok(Cause::Found);
            }
            if cut {
                return Ok(Cause::Stopped);
            }
            if readable {
                self.take_output()?;
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(Cause::TimedOut);
            }
            if let Some(line) = self.newest.due(now) {
                show(line);
            }
        }
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Option<Timespec> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = if self.newest.waits() {
            Some(left.map_or(PROGRESS_INTERVAL, |left| left.min(PROGRESS_INTERVAL)))
        } else {
            left
        };
        // Rounded up, so that the deadline has passed when the wait is over.
        left.and_then(|left| Timespec::try_from(left + Duration::from_millis(1)).ok())
    }

    /// Takes what there is, at most one chunk; yields how much that was.
    fn take_output(&mut self) -> io::Result<usize> {
        match self.output.read(&mut self.chunk) {
            Ok(count) => {
                self.sink.take(&self.chunk[..count]);
                self.newest.take(&self.chunk[..count]);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Ends the stage and with it everything, and waits for that. Yields the signal that ended it.
    fn end_everything(&mut self) -> i32 {
        const SIGKILL: i32 = 9;
        self.lifeline = None;
        let Some(stage) = i32::try_from(self.stage.id()).ok().and_then(Pid::from_raw) else {
            return SIGKILL;
        };
        if self.own_namespaces {
            // The kernel ends the whole namespace before it gives back its first process.
            match rustix::process::kill_process(stage, Signal::KILL) {
                // It may have ended by itself; its number stays until it is waited for.
                Ok(()) | Err(_) => {}
            }
            let status = rustix::io::retry_on_intr(|| {
                rustix::process::waitpid(Some(stage), WaitOptions::empty())
            });
            return match status {
                Ok(Some((_, status))) => status.terminating_signal().unwrap_or(SIGKILL),
                Ok(None) | Err(_) => SIGKILL,
            };
        }
        descendants::end_all();
        SIGKILL
    }

    /// Takes what was written before the end.
    fn drain(&mut self) {
        while let Ok(1..) = self.take_output() {}
    }
}

/// Tells the parent how it went, waiting until it listens. One that is dead is not waited for.
pub(super) fn tell(notice: &Notice) {
    send(notice, OFlags::empty());
}

/// Shows the parent a line, unless it has too much to read already.
fn show(line: String) {
    send(&Notice::Progress(line), OFlags::NONBLOCK);
}

fn send(notice: &Notice, how: OFlags) {
    let sent = pipe::line(notice).and_then(|line| {
        let stdout = io::stdout();
        rustix::fs::fcntl_setfl(&stdout, how)?;
        Ok(rustix::io::write(&stdout, &line)?)
    });
    match sent {
        Ok(_) | Err(_) => {}
    }
}
