//! Finding the processes of a command from outside.
//! Invariant: a process is found by what it is, so none hides in a session or group of its own.
//! It must not know what a test proves.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use corvid_core::CommandSpec;
use corvid_sandbox::Isolation;
use rustix::process::{Pid, Signal};

use crate::scene::{HELPER, Scene};

/// A number of seconds that no other process sleeps for.
pub(crate) fn mark(scene: &Scene) -> String {
    let inode = std::fs::metadata(scene.at("home")).unwrap().ino();
    format!("86400.{inode}{}", std::process::id())
}

/// How many processes carry the mark.
pub(crate) fn running(mark: &str) -> usize {
    processes()
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
        })
        .count()
}

pub(crate) fn processes() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The processes that were started under that name and still run.
pub(crate) fn started_as(program: &Path) -> Vec<i32> {
    let name = program.as_os_str().as_bytes();
    let is_it = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(name))
    };
    processes().filter(is_it).collect()
}

/// The processes right below one.
pub(crate) fn children(parent: i32) -> impl Iterator<Item = i32> {
    processes().filter(move |pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        status.is_ok_and(|status| status.contains(&format!("\nPPid:\t{parent}\n")))
    })
}

/// Whether it is there and has not ended.
pub(crate) fn runs(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("\nState:\tZ"))
}

/// Whether it is there, ended and waited for by nobody included.
pub(crate) fn exists(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::yield_now();
    }
}

/// The process that holds a command's lock open.
pub(crate) fn supervisor(spec: &CommandSpec) -> Option<i32> {
    let lock = spec.record_dir.join(format!("{}.lock", spec.key));
    processes().find(|pid| {
        *pid != i32::try_from(std::process::id()).unwrap()
            && std::fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|open| {
                open.flatten()
                    .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == lock))
            })
    })
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// A process of its own that runs the command and can be killed.
pub(crate) fn parent(scene: &Scene, spec: &CommandSpec, isolation: Isolation) -> Child {
    Command::new(HELPER)
        .arg(scene.at("home"))
        .args([
            spec.key.as_str(),
            &format!("{isolation:?}"),
            spec.command.as_str(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
