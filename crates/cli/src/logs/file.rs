//! The daemon's log on the disk: `logs/agent.log` in the state folder, and the older ones beside it.
//! Invariant: entries stay whole, the files take a bounded room, and nobody but their owner reads them.
//! It must not know what is logged.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes of a file after which the next one begins.
const LARGEST: u64 = 4 * 1024 * 1024;

/// How many older files stay.
const OLDER: u32 = 3;

/// The newest file of the log below that state folder.
pub(crate) fn newest(state: &Path) -> PathBuf {
    state.join("logs").join("agent.log")
}

/// All files that the log below that state folder may have, the oldest first.
pub(crate) fn files(state: &Path) -> Vec<PathBuf> {
    let newest = newest(state);
    let older = (1..=OLDER).rev().map(|number| numbered(&newest, number));
    older.chain([newest.clone()]).collect()
}

/// The log, open for more.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    largest: u64,
}

impl LogFile {
    /// Opens the log below that state folder; makes the folder (0700) and the file (0600).
    pub(super) fn open(state: &Path) -> io::Result<Self> {
        Self::bounded(newest(state), LARGEST)
    }

    fn bounded(path: PathBuf, largest: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let (file, bytes) = opened(&path)?;
        Ok(Self {
            path,
            file,
            bytes,
            largest,
        })
    }

    /// Appends an entry; where it does not fit any more, to the next file.
    pub(super) fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        let length = u64::try_from(entry.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.largest {
            self.turn()?;
        }
        self.bytes = self.bytes.saturating_add(length);
        self.file.write_all(entry)
    }

    fn turn(&mut self) -> io::Result<()> {
        for number in (1..OLDER).rev() {
            if_there(fs::rename(
                numbered(&self.path, number),
                numbered(&self.path, number + 1),
            ))?;
        }
        if_there(fs::rename(&self.path, numbered(&self.path, 1)))?;
        (self.file, self.bytes) = opened(&self.path)?;
        Ok(())
    }
}

fn opened(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("log.{number}"))
}

fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn whole_entries_turn_over_and_the_oldest_go() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        let mut log = LogFile::bounded(newest(state.path()), 10)?;
        for entry in [
            "one 1\n",
            "two 22\n",
            "three 333\n",
            "four 4444\n",
            "5\n",
            "six\n",
        ] {
            log.append(entry.as_bytes())?;
        }
        let kept: Vec<String> = files(state.path())
            .iter()
            .map(|path| fs::read_to_string(path).unwrap_or_default())
            .collect();
        assert_eq!(kept, ["two 22\n", "three 333\n", "four 4444\n", "5\nsix\n"]);
        let mode = newest(state.path()).metadata()?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn an_opened_log_goes_on_where_it_ended() -> io::Result<()> {
        let state = tempfile::tempdir()?;
        for _ in 0..2 {
            LogFile::open(state.path())?.append(b"again\n")?;
        }
        assert_eq!(fs::read_to_string(newest(state.path()))?, "again\nagain\n");
        Ok(())
    }
}
