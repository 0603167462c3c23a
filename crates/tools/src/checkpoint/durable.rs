//! Writing files that are whole whenever somebody reads them, and on the disk where they must be.
//! Invariant: only the owner may read or enter what is made here.
//! It must not know what the files hold.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use corvid_core::draw::external_id;

/// Whether something must outlast a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durable {
    /// It must.
    Yes,
    /// It is enough that it outlasts the process.
    No,
}

/// Writes a whole file under a name of its own, then gives it its name.
pub(super) fn publish(path: &Path, content: &[u8], durable: Durable) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let scratch = folder.join(format!(".{}.tmp", external_id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&scratch)?;
    let written = file.write_all(content).and_then(|()| match durable {
        Durable::Yes => file.sync_data(),
        Durable::No => Ok(()),
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&scratch, path)) {
        if let Err(error) = std::fs::remove_file(&scratch) {
            tracing::debug!(%error, "a scratch file stays until the next sweep");
        }
        return Err(error);
    }
    match durable {
        Durable::Yes => sync_folder(folder),
        Durable::No => Ok(()),
    }
}

/// Adds a line to a file, which is made if there is none.
pub(super) fn append_line(path: &Path, line: &str, durable: Durable) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let made = !path.try_exists()?;
    if made {
        private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let mut file = options.open(path)?;
    // A process that was killed while it wrote may have left half a line, which must not spoil this one.
    let torn = file.seek(SeekFrom::End(0))? > 0 && {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let before = if torn { "\n" } else { "" };
    file.write_all(format!("{before}{line}\n").as_bytes())?;
    if durable == Durable::Yes {
        file.sync_data()?;
        if made {
            sync_folder(folder)?;
            sync_folder(folder.parent().unwrap_or(folder))?;
        }
    }
    Ok(())
}

/// Makes a folder that only its owner can enter, with those above it.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Puts the names in a folder on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have nothing to sync a folder for.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
