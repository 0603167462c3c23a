//! Contents on their way into a pack.
//! Invariant: a pack is on the disk before anything names it, and goes away if it does not get there.
//! It must not know whose contents they are.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use corvid_core::draw::external_id;

use super::durable::sync_folder;
use super::state::Place;
use super::store::Store;

/// From how many bytes on the file system is asked to share a file's blocks instead of getting a copy: each
/// such content begins at a block of its own.
const SHARED_FROM: usize = 128 * 1024;

/// What blocks begin at multiples of, in bytes; a multiple of every usual block.
const BLOCK: u64 = 64 * 1024;

/// A pack, which is made with its first content.
pub(super) struct Packing<'a> {
    store: &'a Store,
    name: String,
    file: Option<io::BufWriter<File>>,
    length: u64,
}

impl<'a> Packing<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            name: external_id(),
            file: None,
            length: 0,
        }
    }

    /// Adds one content.
    pub(super) fn add(&mut self, content: &[u8]) -> io::Result<Place> {
        let at = self.length;
        self.file()?.write_all(content)?;
        self.length += content.len() as u64;
        Ok(self.place(at))
    }

    /// Adds the content that was just read from a file, sharing its blocks where the file system can.
    pub(super) fn add_file(&mut self, content: &[u8], source: &File) -> io::Result<Place> {
        if content.len() < SHARED_FROM {
            return self.add(content);
        }
        let at = self.length.next_multiple_of(BLOCK);
        let length = content.len() as u64;
        let file = self.file()?;
        file.seek(SeekFrom::Start(at))?;
        // Should somebody write the file in this moment, its hash tells later. What cannot be shared or copied
        // by the system is written.
        if share(source, file.get_ref(), at, length) {
            file.seek(SeekFrom::Start(at + length))?;
        } else {
            file.write_all(content)?;
        }
        self.length = at + length;
        Ok(self.place(at))
    }

    /// Puts the pack, if there is one, on the disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let Some(file) = self.file.as_mut() else {
            return Ok(());
        };
        file.flush()?;
        file.get_ref().sync_data()?;
        sync_folder(&self.store.folder("contents"))?;
        self.store.add_usage(self.length)?;
        self.file = None;
        Ok(())
    }

    fn place(&self, at: u64) -> Place {
        Place {
            pack: self.name.clone(),
            at,
        }
    }

    fn file(&mut self) -> io::Result<&mut io::BufWriter<File>> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600);
                let file = options.open(self.store.folder("contents").join(&self.name))?;
                Ok(none.insert(io::BufWriter::new(file)))
            }
        }
    }
}

impl Drop for Packing<'_> {
    fn drop(&mut self) {
        if self.file.is_some()
            && let Err(error) = std::fs::remove_file(self.store.folder("contents").join(&self.name))
        {
            tracing::debug!(%error, "a pack that nothing names stays until the next sweep");
        }
    }
}

/// Lets the file system give `to` the blocks of `from`, or else copy them; says whether it gave all.
fn share(from: &File, to: &File, at: u64, length: u64) -> bool {
    let (mut source_at, mut at) = (0, at);
    while source_at < length {
        let left = usize::try_from(length - source_at).unwrap_or(usize::MAX);
        let source = Some(&mut source_at);
        match rustix::fs::copy_file_range(from, source, to, Some(&mut at), left) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return false,
        }
    }
    true
}
