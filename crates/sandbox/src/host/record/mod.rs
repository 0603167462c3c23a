//! What is kept of a command on disk: a lock, in it the mark that it began, and its outcome.
//! Invariant: who holds the lock may run the command; a mark is made before anything runs, and only where
//! the disk has room for the outcome; an outcome is written after everything of the command is gone, and
//! half of one tells nothing.
//! It must not know how a command is confined or ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use corvid_core::wire::CallKey;
use corvid_core::{CommandEnd, CommandRecord};
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;

/// Bytes that are kept free for an outcome; the longest has fewer.
const OUTCOME_BYTES: u64 = 256;

/// The files of one command's record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    lock: PathBuf,
    outcome: PathBuf,
    temp: PathBuf,
}

/// A held lock; it is released with the process that holds it, however that ends.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
}

/// The room for a begun command's outcome.
#[derive(Debug)]
pub(crate) struct Pending {
    file: File,
}

impl Record {
    pub(crate) fn new(dir: &Path, key: &str) -> Self {
        let file = |extension: &str| dir.join(format!("{key}.{extension}"));
        Self {
            lock: file("lock"),
            outcome: file("outcome"),
            temp: file("tmp"),
        }
    }

    /// The command's private temp folder.
    pub(crate) fn temp(&self) -> &Path {
        &self.temp
    }

    /// Takes the lock, waiting for whoever has it; makes it if it is not there.
    pub(crate) fn hold(&self) -> io::Result<Held> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&self.lock)?;
            rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))?;
            // Who had it may have removed the record, and a lock without a name keeps nobody away.
            if self.is_named(&file)? {
                return Ok(Held { file });
            }
        }
    }

    fn is_named(&self, file: &File) -> io::Result<bool> {
        let held = file.metadata()?;
        match std::fs::metadata(&self.lock) {
            Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The lock if nobody has it: `Ok(None)` while somebody does, an error of kind `NotFound` if it
    /// was never made.
    pub(crate) fn try_hold(&self) -> io::Result<Option<Held>> {
        let file = OpenOptions::new().read(true).write(true).open(&self.lock)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Held { file })),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Marks that the command begins under this boot, after forgetting what an earlier attempt left.
    /// Yields the room for its outcome.
    pub(crate) fn begin(&self, held: &mut Held) -> io::Result<Pending> {
        held.unmark()?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.outcome)?;
        reserve(&file)?;
        if let Err(error) = held.file.write_all(boot_id()?.as_bytes()) {
            held.unmark()?;
            return Err(error);
        }
        Ok(Pending { file })
    }

    /// What the record tells, read under its lock.
    pub(crate) fn tell(&self, held: &mut Held) -> CommandRecord {
        let begun = match held.mark() {
            Ok(mark) if mark.is_empty() => return CommandRecord::NotStarted,
            Ok(mark) => mark,
            Err(error) => {
                return CommandRecord::Unknown(format!(
                    "the record of the command cannot be read: {error}"
                ));
            }
        };
        if let Some(end) = self.outcome() {
            return CommandRecord::Ended(end);
        }
        CommandRecord::Unknown(match boot_id() {
            Ok(boot) if boot == begun => {
                "the process that watched the command was killed, or its disk failed, before the outcome was recorded"
                    .to_owned()
            }
            _ => "the machine went down while the command ran".to_owned(),
        })
    }

    /// The outcome, if it was written whole.
    pub(crate) fn outcome(&self) -> Option<CommandEnd> {
        let text = std::fs::read(&self.outcome).ok()?;
        let length = text.iter().rposition(|byte| *byte != 0)? + 1;
        serde_json::from_slice(&text[..length]).ok()
    }

    /// Removes the record, if its command is over.
    pub(crate) fn forget(&self) -> io::Result<()> {
        match self.try_hold() {
            Ok(Some(_held)) => self.remove(),
            Ok(None) => Ok(()),
            Err(error) => gone(Err(error)),
        }
    }

    /// Removes the record and what its command left in the temp folder, the lock last.
    fn remove(&self) -> io::Result<()> {
        gone(std::fs::remove_dir_all(&self.temp))?;
        gone(std::fs::remove_file(&self.outcome))?;
        gone(std::fs::remove_file(&self.lock))
    }
}

impl Pending {
    /// Writes the outcome. That takes no further room, so a disk that is full by now does not hinder it.
    pub(crate) fn conclude(mut self, end: &CommandEnd) -> io::Result<()> {
        self.file.write_all(&serde_json::to_vec(end)?)
    }
}

impl Held {
    /// Takes the mark back: nothing ran after all.
    pub(crate) fn unmark(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }

    fn mark(&mut self) -> io::Result<String> {
        let mut mark = String::new();
        self.file.rewind()?;
        self.file.read_to_string(&mut mark)?;
        Ok(mark)
    }
}

/// Removes the records of all commands in a folder but this one and those that are `kept`. One whose lock is
/// held is not over yet and stays.
pub(crate) fn forget_others(dir: &Path, key: &str, kept: &[CallKey]) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let other = name.to_str().and_then(|name| name.strip_suffix(".lock"));
        let stays = |other: &str| other == key || kept.iter().any(|kept| kept.as_str() == other);
        let Some(other) = other.filter(|other| !stays(other)) else {
            continue;
        };
        Record::new(dir, other).forget()?;
    }
    Ok(())
}

/// Gives an empty file its bytes on the disk, all of them zero.
fn reserve(file: &File) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, OUTCOME_BYTES) {
        // Where the file system cannot promise room, writing takes it.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = vec![0; usize::try_from(OUTCOME_BYTES).unwrap_or(0)];
            file.write_all_at(&zeros, 0)
        }
        reserved => Ok(reserved?),
    }
}

/// What was not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What names the machine's present boot; another one means that power was lost or it was restarted.
///
/// # Errors
/// If the system does not tell.
pub fn boot_id() -> io::Result<String> {
    super::system::boot_id().map(|id| id.trim().to_owned())
}

#[cfg(test)]
mod tests;
