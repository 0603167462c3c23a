//! Which processes are alive: each that holds claims keeps a lock on a file of its own.
//! Invariant: the kernel releases the lock when the process ends, however it ends, so that nobody who died
//! seems alive, and no dead owner comes back to life.
//! It must not know what is claimed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use corvid_core::draw;
use corvid_core::wire::OwnerId;
use rustix::fs::{FlockOperation, flock};

/// This process as an owner, and the folder where all owners are.
#[derive(Debug)]
pub(crate) struct Owners {
    folder: PathBuf,
    id: OwnerId,
    lock: Mutex<Option<File>>,
}

impl Owners {
    /// Draws an id for this process. Nothing is written before [`Owners::hold`].
    pub(crate) fn new(state_folder: &Path) -> Self {
        Self {
            folder: state_folder.join("owners"),
            id: draw::owner_id(),
            lock: Mutex::new(None),
        }
    }

    /// This process.
    pub(crate) fn id(&self) -> &OwnerId {
        &self.id
    }

    /// Where the owners' files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes this process seen as alive, and clears away what dead ones left. Cheap after the first time.
    ///
    /// # Errors
    /// Those of making and locking a file in the owners' folder.
    pub(crate) fn hold(&self) -> io::Result<()> {
        let mut lock = self
            .lock
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if lock.is_none() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            self.sweep()?;
            *lock = Some(make_locked(&self.lock_file(&self.id))?);
        }
        Ok(())
    }

    /// Whether that process still runs. This one always does.
    pub(crate) fn is_alive(&self, owner: &OwnerId) -> bool {
        *owner == self.id || !is_free(&self.lock_file(owner))
    }

    /// The socket on which that process hears others.
    pub(crate) fn socket(&self, owner: &OwnerId) -> PathBuf {
        self.folder.join(format!("{owner}.sock"))
    }

    fn lock_file(&self, owner: &OwnerId) -> PathBuf {
        self.folder.join(format!("{owner}.lock"))
    }

    fn sweep(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "lock") {
                continue;
            }
            let Some(lock) = take_if_free(&path) else {
                continue;
            };
            // The lock is held while the files go, so that a process about to lock this one sees it vanish.
            remove_if_there(&path.with_extension("sock"))?;
            remove_if_there(&path)?;
            drop(lock);
        }
        Ok(())
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        let held = self
            .lock
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(lock) = held {
            for path in [self.socket(&self.id), self.lock_file(&self.id)] {
                if let Err(error) = remove_if_there(&path) {
                    tracing::debug!(path = %path.display(), %error, "owner file left behind");
                }
            }
            drop(lock);
        }
    }
}

/// Makes and locks a file that no sweep has removed meanwhile.
fn make_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        if file.metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Whether nobody holds the lock. A file that cannot be looked at counts as held: rather wait than steal.
fn is_free(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => flock(&file, FlockOperation::NonBlockingLockShared).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn take_if_free(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .is_ok()
        .then_some(file)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
