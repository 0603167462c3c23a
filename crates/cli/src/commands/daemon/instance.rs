//! Who runs for a home: one process, which holds a lock on `daemon.lock` in the state folder.
//! Invariant: the kernel releases the lock when the process ends, however it ends; what stands in the files counts
//! only while the lock is held. A process that runs itself anew hands its lock over, so that nobody comes between.
//! It must not know what that process does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use corvid_core::wire::Millis;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// How often the lock is tried, and how long to wait in between: who looks whether it is held has it for a moment.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// The process that runs for a home, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Occupant {
    /// Its process number.
    pub(crate) pid: u32,
    /// Since when.
    pub(crate) since: Millis,
    /// The socket on which it hears others; none until it does.
    pub(crate) socket: Option<PathBuf>,
}

/// This process as the one that runs for a home.
#[derive(Debug)]
pub(crate) struct Instance {
    lock: File,
    pid_file: PathBuf,
}

/// What came of trying to be that process.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is.
    Ours(Instance),
    /// Another one is.
    Theirs(There),
}

/// Whether a process runs for the home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// None does.
    Nobody,
    /// One is only just beginning or ending: it does not say who it is.
    Somebody,
    /// This one.
    One(Occupant),
}

impl Instance {
    /// Takes the place, if it is free or was handed over to this process; makes the state folder (0700).
    ///
    /// # Errors
    /// If the files cannot be made.
    pub(crate) fn take(state: &Path) -> io::Result<Taken> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state)?;
        let mut lock = open(&lock_file(state))?;
        if let Some(handed) = handed_over(&lock)? {
            lock = handed;
        }
        let mut tries = 1;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                // Somebody may only be looking.
                Err(Errno::WOULDBLOCK) if tries < TRIES => {
                    std::thread::sleep(PAUSE);
                    tries += 1;
                }
                Err(Errno::WOULDBLOCK) => return Ok(Taken::Theirs(read(&mut lock)?)),
                Err(error) => return Err(error.into()),
            }
        }
        // What a dead one has left names a process that may be anybody's by now.
        lock.set_len(0)?;
        Ok(Taken::Ours(Self {
            lock,
            pid_file: state.join("daemon.pid"),
        }))
    }

    /// Says who is here, in the lock's file and in `daemon.pid`, over what a dead one has left there.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub(crate) fn announce(&mut self, occupant: &Occupant) -> io::Result<()> {
        let mut text = serde_json::to_vec(occupant)?;
        text.push(b'\n');
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(&text)?;
        let mut pid = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&self.pid_file)?;
        writeln!(pid, "{}", occupant.pid)
    }

    /// Makes the lock this process's standard input, which what it runs in its own place keeps.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(crate) fn hand_over(&self) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stdin(&self.lock)?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Whatever stays is overwritten by the next one.
        drop(fs::remove_file(&self.pid_file));
        drop(self.lock.set_len(0));
    }
}

/// The process that runs for the home, if one does.
///
/// # Errors
/// If the files cannot be read.
pub(crate) fn there(state: &Path) -> io::Result<There> {
    let mut lock = match File::open(lock_file(state)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Nobody),
        Err(error) => return Err(error),
    };
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(There::Nobody),
        Err(Errno::WOULDBLOCK) => read(&mut lock),
        Err(error) => Err(error.into()),
    }
}

/// Waits until no process runs for the home; false if one still does after that long.
///
/// # Errors
/// If the lock's file cannot be read.
pub(crate) async fn until_gone(state: &Path, limit: Duration) -> io::Result<bool> {
    let lock = File::open(lock_file(state))?;
    let waiting = tokio::task::spawn_blocking(move || {
        loop {
            match flock(&lock, FlockOperation::LockShared) {
                Err(Errno::INTR) => {}
                done => return done,
            }
        }
    });
    match tokio::time::timeout(limit, waiting).await {
        Ok(waited) => {
            waited.map_err(io::Error::other)??;
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

fn lock_file(state: &Path) -> PathBuf {
    state.join("daemon.lock")
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// The lock that an earlier image of this process has left as its standard input, which is then empty.
fn handed_over(lock: &File) -> io::Result<Option<File>> {
    let handed = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (handed_is, lock_is) = (handed.metadata()?, lock.metadata()?);
    if (handed_is.dev(), handed_is.ino()) != (lock_is.dev(), lock_is.ino()) {
        return Ok(None);
    }
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(Some(handed))
}

/// What the one with the lock says of itself. It may be about to write.
fn read(lock: &mut File) -> io::Result<There> {
    let mut text = String::new();
    lock.rewind()?;
    lock.read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).map_or(There::Somebody, There::One))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(pid: u32) -> Occupant {
        Occupant {
            pid,
            since: 1,
            socket: None,
        }
    }

    fn ours(state: &Path) -> Instance {
        match Instance::take(state).expect("the files can be made") {
            Taken::Ours(instance) => instance,
            Taken::Theirs(other) => panic!("taken by {other:?}"),
        }
    }

    #[test]
    fn one_is_there_at_a_time_and_says_who() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        let state = state.path();
        assert_eq!(there(state)?, There::Nobody, "nobody has ever been");
        let mut first = ours(state);
        assert_eq!(there(state)?, There::Somebody, "it has not said who it is");
        first.announce(&here(7))?;
        assert_eq!(there(state)?, There::One(here(7)));
        assert!(
            matches!(Instance::take(state)?, Taken::Theirs(There::One(other)) if other == here(7))
        );
        assert_eq!(fs::read_to_string(state.join("daemon.pid"))?, "7\n");
        drop(first);
        assert_eq!(there(state)?, There::Nobody);
        assert!(!state.join("daemon.pid").exists());
        Ok(())
    }

    #[test]
    fn what_a_dead_one_left_counts_for_nothing() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        let state = state.path();
        fs::write(state.join("daemon.pid"), "999999\n")?;
        fs::write(lock_file(state), serde_json::to_vec(&here(999_999))?)?;
        assert_eq!(there(state)?, There::Nobody);
        ours(state).announce(&here(8))?;
        Ok(())
    }

    #[tokio::test]
    async fn an_end_is_waited_for() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        let instance = ours(state.path());
        assert!(!until_gone(state.path(), Duration::from_millis(1)).await?);
        drop(instance);
        assert!(until_gone(state.path(), Duration::from_mins(1)).await?);
        Ok(())
    }
}
