//! What one process costs: time, processor time, peak memory.
//! Invariant: measured from a small process in between, since a child's peak counts what its parent held
//! when it was started.
//! It must not know which program it measures.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use corvid_testkit::{Output, Process, Scene};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

/// The word by which this program acts as the process in between.
pub(crate) const MEASURE: &str = "measure";

/// What a process cost, all that it started included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// From its start to its end, in microseconds.
    wall_us: u64,
    /// Processor time of all its processes, in microseconds.
    pub(crate) processor_us: i64,
    /// Peak memory of its largest process, in KiB.
    pub(crate) peak_kib: i64,
    /// Its exit code.
    code: Option<i32>,
}

impl Cost {
    /// From start to end.
    pub(crate) fn wall(&self) -> Duration {
        Duration::from_micros(self.wall_us)
    }
}

/// Acts as the process in between: runs a command to its end and writes what it cost to a file.
pub(crate) fn measure(result: &Path, command: &[OsString]) -> Result<(), Box<dyn Error>> {
    let [program, arguments @ ..] = command else {
        return Err("no program to measure".into());
    };
    let started = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cost = Cost {
        wall_us: u64::try_from(wall.as_micros())?,
        processor_us: usage.user_time().num_microseconds() + usage.system_time().num_microseconds(),
        peak_kib: usage.max_rss(),
        code: status.code(),
    };
    std::fs::write(result, serde_json::to_vec(&cost)?)?;
    Ok(())
}

/// Runs `agent` on a scene whose binary is this program, and returns what it cost and what it wrote.
///
/// # Errors
/// If it cannot be run, or fails.
pub(crate) fn cost_of(
    scene: &Scene,
    agent: &Path,
    arguments: &[&str],
) -> Result<(Cost, Output), Box<dyn Error>> {
    let result = scene.folder().join("cost.json");
    let mut command = scene.command();
    command.arg(MEASURE).arg(&result).arg(agent).args(arguments);
    let output = Process::start(command, b"")?.wait()?;
    let cost: Cost = serde_json::from_slice(&std::fs::read(&result)?)?;
    if cost.code == Some(0) {
        Ok((cost, output))
    } else {
        let failed = format!("{} {arguments:?} failed: {output:?}", agent.display());
        Err(io::Error::other(failed).into())
    }
}
