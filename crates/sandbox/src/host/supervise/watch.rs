//! Watching a running command from outside: its output, its time, its end, and its parent's.
//! Invariant: when the watch is over, nothing of the command runs any more.
//! It must not know records; what it saw is written down elsewhere.

use std::io::{self, PipeReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use corvid_core::redact::{RedactStream, Redactor};
use corvid_core::{CommandEnd, CommandEnding, Secret};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use super::output::{Newest, PROGRESS_INTERVAL, Sink};
use super::pipe;
use crate::host::config::Isolation;
use crate::host::plan::{Exit, Finding, Notice, Plan, Unbegun};
use crate::host::system;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// How long the stage may take to end what the command left.
const STAGE_PATIENCE: Duration = Duration::from_millis(200);

/// A confining stage that was started and waits for its plan. It ends by itself if it never gets one.
pub(super) struct Stage {
    process: Child,
    isolation: Isolation,
    lifeline: io::PipeWriter,
    finding: PipeReader,
    output: PipeReader,
}

/// A running command as seen from outside.
pub(super) struct Watch {
    stage: Child,
    isolation: Isolation,
    finding: PipeReader,
    output: PipeReader,
    /// Held open as long as the stage shall live.
    lifeline: Option<io::PipeWriter>,
    /// What the output must not show is taken out before anybody else sees it.
    redact: Option<RedactStream>,
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
    pub(super) fn start(isolation: Isolation) -> io::Result<Self> {
        let (plan_end, lifeline) = io::pipe()?;
        let (finding, finding_end) = io::pipe()?;
        let (output, output_end) = io::pipe()?;
        let process = system::stage(isolation)?
            .env_clear()
            .stdin(plan_end)
            .stdout(finding_end)
            .stderr(Stdio::from(output_end))
            .spawn()?;
        Ok(Self {
            process,
            isolation,
            lifeline,
            finding,
            output,
        })
    }

    /// Waits until the parent says something or is gone; yields whether the stage is there then. One that ended has
    /// taken with it what a stage needs, so there will be no other.
    pub(super) fn is_there_when_called(&self) -> io::Result<bool> {
        let parent = io::stdin();
        let mut polled = [
            PollFd::new(&parent, PollFlags::IN),
            PollFd::new(&self.finding, PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, None))?;
        Ok(polled[1].revents().is_empty())
    }

    /// Ends it, and waits for that; it never had a plan.
    pub(super) fn end(self) {
        drop(self.lifeline);
        system::end(&self.process, self.isolation);
    }
}

impl Watch {
    /// Lets the stage begin the command.
    pub(super) fn begin(stage: Stage, plan: &Plan, sink: Sink) -> io::Result<Self> {
        if plan.confinement.isolation != stage.isolation {
            return Err(io::Error::other("the plan is for another supervisor"));
        }
        let begun = Instant::now();
        let mut lifeline = stage.lifeline;
        lifeline.write_all(&pipe::line(&plan.confinement)?)?;
        rustix::io::ioctl_fionbio(&stage.output, true)?;
        Ok(Self {
            stage: stage.process,
            isolation: stage.isolation,
            finding: stage.finding,
            output: stage.output,
            lifeline: Some(lifeline),
            redact: redaction(&plan.secrets),
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
    pub(super) fn see_to_its_end(mut self) -> Result<CommandEnd, Unbegun> {
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
            (Cause::Found, Some(Err(unbegun))) => return Err(unbegun),
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

    /// Reads the finding. Where what the command left must be looked for one by one, which is dear, and mostly
    /// there is none, the stage gets a moment to do that and end by itself.
    fn hear_out(&self) -> Option<Finding> {
        let finding = pipe::read_line::<Finding>(&self.finding).unwrap_or(None);
        if self.isolation.ends_as_one() {
            return finding;
        }
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
                let read = &self.chunk[..count];
                match &mut self.redact {
                    None => {
                        self.sink.take(read);
                        self.newest.take(read);
                    }
                    Some(stream) => {
                        let shown = stream.push(read);
                        self.sink.take(&shown);
                        self.newest.take(&shown);
                    }
                }
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Ends the stage and with it everything, and waits for that. Yields the signal that ended it.
    fn end_everything(&mut self) -> i32 {
        self.lifeline = None;
        system::end(&self.stage, self.isolation)
    }

    /// Takes what was written before the end.
    fn drain(&mut self) {
        while let Ok(1..) = self.take_output() {}
        if let Some(stream) = self.redact.take() {
            self.sink.take(&stream.finish());
        }
    }
}

/// What takes these out of a stream; none if there is nothing to take out.
fn redaction(secrets: &[(String, String)]) -> Option<RedactStream> {
    let secrets = secrets
        .iter()
        .map(|(name, value)| (name.clone(), Secret::new(value)));
    let redactor = Redactor::new(secrets);
    (!redactor.is_empty()).then(|| redactor.stream())
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
