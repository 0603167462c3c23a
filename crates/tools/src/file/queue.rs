//! Changes of the same file by several lanes of this process, one after the other.
//! Invariant: between the look at a file and its replacement no other change of ours comes in.
//! It must not know what a change is; changes by others are found by the file's hash.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many changes of different files may happen at once.
const PLACES: usize = 16;

/// Where changes wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    places: [Mutex<()>; PLACES],
}

impl Queue {
    /// Waits until no other change of this file is being made. Blocks. A file has one place however its
    /// path is spelt, since the place is chosen by its name alone.
    pub(super) fn wait(&self, path: &Path) -> MutexGuard<'_, ()> {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let hash = hasher.hash_one(path.file_name());
        let place = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        // A change that panicked left its file as it was.
        self.places[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
