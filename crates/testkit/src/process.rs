//! A program under test as a child process: started, listened to while it runs, killed, waited for.
//! Invariant: a process outlives neither its handle nor its limit; what it wrote is kept whole.
//! It must not know which program it is.

use std::io::{self, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How long a process may take before it counts as hanging; far above what any needs, on a slow machine that has
/// much else to do as well.
pub const LIMIT: Duration = Duration::from_mins(2);

/// A running process.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    /// Stays this process's own, even when its id has passed to another.
    handle: OwnedFd,
    heard: Arc<Heard>,
}

/// What a process has left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, lossily as text.
    pub stdout: String,
    /// Standard error, lossily as text.
    pub stderr: String,
}

/// What has been heard of a process so far.
#[derive(Debug, Default)]
struct Heard {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open_streams: u8,
    status: Option<ExitStatus>,
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

impl Process {
    /// Starts a program with `input` as its standard input.
    ///
    /// # Errors
    /// If it cannot be started; the error names it.
    pub fn start(mut command: Command, input: &[u8]) -> io::Result<Self> {
        let name = format!("{command:?}");
        command
            .stdin(if input.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        let heard = Arc::new(Heard::default());
        heard.lock().open_streams = 2;
        if let Some(stdout) = child.stdout.take() {
            listen(&heard, Stream::Out, stdout)?;
        }
        if let Some(stderr) = child.stderr.take() {
            listen(&heard, Stream::Err, stderr)?;
        }
        if let Some(mut stdin) = child.stdin.take() {
            let input = input.to_vec();
            // A program need not read its input; then the rest of it is lost, as in a pipe.
            background("stdin", move || drop(stdin.write_all(&input)))?;
        }
        let pid = Pid::from_child(&child);
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        let told = Arc::clone(&heard);
        background("waiter", move || {
            let status = child.wait();
            told.change(|state| state.status = status.ok());
        })?;
        Ok(Self {
            name,
            pid,
            handle,
            heard,
        })
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Whether it has ended by now.
    pub fn has_ended(&self) -> bool {
        self.heard.lock().is_over()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().stdout).into_owned()
    }

    /// Blocks until standard output is as asked. False if it ends, or [`LIMIT`] passes, before that.
    pub fn hear(&self, done: impl Fn(&str) -> bool) -> bool {
        let heard = |state: &State| done(&String::from_utf8_lossy(&state.stdout));
        let state = self.heard.wait(|state| heard(state) || state.is_over());
        heard(&state)
    }

    /// Blocks until standard error has what is looked for. None if it ends, or [`LIMIT`] passes, before that.
    pub fn hear_aside<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = |state: &State| find(&String::from_utf8_lossy(&state.stderr));
        let state = self
            .heard
            .wait(|state| found(state).is_some() || state.is_over());
        found(&state)
    }

    /// Sends it a signal, if it still runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            // It has ended, and somebody has seen it end.
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it as `kill -9` does and waits for its end.
    ///
    /// # Errors
    /// As [`Process::wait`].
    pub fn kill(self) -> io::Result<Output> {
        self.signal(Signal::KILL)?;
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it has not ended within [`LIMIT`]; it is killed then, and the error tells what it wrote.
    pub fn wait(self) -> io::Result<Output> {
        let state = self.heard.wait(State::is_over);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&state.stdout), text(&state.stderr));
        match state.status {
            Some(status) if state.is_over() => Ok(Output {
                code: status.code(),
                signal: status.signal(),
                stdout,
                stderr,
            }),
            _ => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "{} hangs\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
                    self.name
                ),
            )),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.signal(Signal::KILL) {
            tracing::debug!(%error, name = self.name, "a process could not be killed");
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.status.is_some() && self.open_streams == 0
    }

    fn stream(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.stdout,
            Stream::Err => &mut self.stderr,
        }
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until the state is as asked, at most for the limit.
    fn wait(&self, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), LIMIT, |state| !done(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Output {
    /// Whether it ended by itself with exit code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// Whether it was killed as `kill -9` does.
    pub fn was_killed(&self) -> bool {
        self.signal == Some(Signal::KILL.as_raw())
    }

    /// Standard output and standard error, one after the other.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

fn listen(
    heard: &Arc<Heard>,
    stream: Stream,
    mut source: impl Read + Send + 'static,
) -> io::Result<()> {
    let heard = Arc::clone(heard);
    background("listener", move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = source.read(&mut buffer) {
            heard.change(|state| {
                state.stream(stream).extend_from_slice(&buffer[..length]);
            });
        }
        heard.change(|state| state.open_streams -= 1);
    })
}

fn background(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // It ends with the process it serves; nobody needs to wait for it.
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_code_are_kept() -> io::Result<()> {
        let process = Process::start(shell("cat; echo err >&2; exit 3"), b"in")?;
        let expect = Output {
            code: Some(3),
            signal: None,
            stdout: "in".to_owned(),
            stderr: "err\n".to_owned(),
        };
        assert_eq!(process.wait()?, expect);
        Ok(())
    }

    #[test]
    fn a_process_is_heard_while_it_runs_and_can_be_killed() -> io::Result<()> {
        let process = Process::start(shell("echo ready; exec cat /dev/zero >/dev/null"), b"")?;
        assert!(process.hear(|text| text.contains("ready")));
        assert!(process.kill()?.was_killed());
        Ok(())
    }

    #[test]
    fn an_end_without_the_words_is_told() -> io::Result<()> {
        let process = Process::start(shell("echo other"), b"")?;
        assert!(!process.hear(|text| text.contains("ready")));
        Ok(())
    }
}
