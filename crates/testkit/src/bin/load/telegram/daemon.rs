//! The daemon as a process: started, looked at from outside, asked to end.
//! Invariant: its figures are the system's own.
//! It must not know what it does.

use std::error::Error;
use std::fs;
use std::io;
use std::time::Duration;

use corvid_testkit::{Output, Process, Scene};

/// A running daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    process: Process,
}

impl Daemon {
    /// Starts it on a scene, and is back when it says that it is ready.
    pub(super) fn start(scene: &Scene) -> io::Result<Self> {
        let mut command = scene.command();
        command.arg("start");
        let process = Process::start(command, b"")?;
        let ready = process.hear_aside(|said| said.contains("ready: ").then_some(()));
        match ready {
            Some(()) => Ok(Self { process }),
            None => Err(io::Error::other(format!(
                "not ready: {:?}",
                process.kill()?
            ))),
        }
    }

    /// Its resident memory, in KiB.
    pub(super) fn memory_kib(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("the daemon has no memory")?.parse()?)
    }

    /// The processor time of its threads so far.
    pub(super) fn processor_time(&self) -> Result<Duration, Box<dyn Error>> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.pid()))? {
            let told = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = told.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Ends it.
    pub(super) fn end(self) -> io::Result<Output> {
        self.process.kill()
    }
}
