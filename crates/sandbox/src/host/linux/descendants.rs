//! Ending everything below a process where no PID namespace does it.
//! Invariant: returns only when the process has no descendant; orphans come to it because it is a child
//! subreaper.
//! It must not know what the descendants are.

use std::collections::HashMap;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

/// Ends every descendant of this process, those in sessions of their own too, and reaps them. Some
/// system calls cannot be ended (a dead network file system): then this waits, and the lock stays held.
pub(super) fn end_all() {
    let me = rustix::process::getpid();
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => continue,
            Ok(None) => {}
            // No child, and so no descendant: orphans would have come to us.
            Err(_) => return,
        }
        below(me).into_iter().for_each(end);
        // A child was among them, so waiting ends, and what that child left comes to us.
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Reaps what has ended meanwhile; yields the status of `awaited` if it is among that.
pub(super) fn reap(awaited: Pid) -> Option<rustix::process::WaitStatus> {
    let mut seen = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == awaited {
            seen = Some(status);
        }
    }
    seen
}

/// A process as one look at `/proc` found it.
#[derive(Clone, Copy)]
struct Found {
    process: Pid,
    parent: Pid,
}

/// Ends a process that was found, unless its number belongs to another by now.
fn end(found: Found) {
    let Ok(handle) = rustix::process::pidfd_open(found.process, PidfdFlags::empty()) else {
        return;
    };
    // The handle stays with one process. If that has another parent meanwhile, the next look finds it.
    if parent_of(found.process) == Some(found.parent) {
        match rustix::process::pidfd_send_signal(&handle, Signal::KILL) {
            // It may have ended by itself.
            Ok(()) | Err(_) => {}
        }
    }
}

/// Every process below `root`, from one look at `/proc`.
fn below(root: Pid) -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(parse_pid) else {
            continue;
        };
        // What ended since the look is no descendant any more.
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut left = vec![root];
    while let Some(parent) = left.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            found.push(Found { process, parent });
            left.push(process);
        }
    }
    found
}

fn parent_of(process: Pid) -> Option<Pid> {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    parent_in(&std::fs::read_to_string(path).ok()?)
}

/// The parent in a line of `/proc/<pid>/stat`. The name before it may hold spaces and brackets.
fn parent_in(stat: &str) -> Option<Pid> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1).and_then(parse_pid)
}

fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_does_not_hide_the_parent() {
        assert_eq!(parent_in("7 (a) S 1 (b) S 42 7 7 0"), Pid::from_raw(42));
        assert_eq!(parent_in("7 (a"), None);
    }
}
