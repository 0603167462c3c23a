//! Letting go of checkpoints that are too old or too many.
//! Invariant: a pack goes when nothing names it any more; what the newest turn of a session kept stays while
//! that turn may still run.
//! It must not know what is in a checkpoint beyond the packs that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use corvid_core::wire::Millis;

use super::log::{self, Net};
use super::picture::Picture;
use super::state::{FileState, State};
use super::store::Usage;
use super::tree::file_time;
use super::{CheckpointError, Checkpoints};

/// How long it may take until checkpoints are counted again, so that old ones go without new ones coming.
const COUNTED: Duration = Duration::from_hours(6);

/// How long after its last change the newest turn of a session may still run: a command and a question both end
/// well before.
const RUNNING: Duration = Duration::from_hours(1);

/// Something that names packs, or was kept aside.
struct Item {
    path: PathBuf,
    bytes: u64,
    /// When it changed last, in milliseconds since 1970.
    changed_at: Millis,
    packs: BTreeSet<String>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The newest turn of its session.
    Newest,
    /// Any other turn.
    Older,
    /// A picture, which can be taken again.
    Picture,
    /// The picture from before a command whose end is not known.
    Open,
    /// What an undoing kept aside: a folder.
    Taken,
}

impl Checkpoints {
    /// Lets checkpoints go that are older than `keep` at the time `now`, and the oldest of those that take more
    /// than `max_bytes`. Returns how many bytes that freed. Looks at one file only unless something is to be done
    /// or nobody did for six hours.
    ///
    /// # Errors
    /// [`CheckpointError::Store`].
    pub fn prune(&self, now: Millis) -> Result<u64, CheckpointError> {
        let failed = |error| self.failed("pruned", error);
        let usage = self.store.usage().map_err(failed)?;
        let since = Duration::from_millis(now.abs_diff(usage.counted_at));
        if usage.bytes <= self.config.max_bytes && since < COUNTED {
            return Ok(0);
        }
        self.sweep(now, self.config.max_bytes, None).map_err(failed)
    }

    /// Makes room for more now, if that can be done; says whether there is some.
    pub(super) fn make_room(&self) -> io::Result<bool> {
        self.sweep(file_time() / 1_000_000, self.config.max_bytes, None)?;
        Ok(self.store.usage()?.bytes < self.config.max_bytes)
    }

    /// Makes room for so many bytes now, as far as that can be done while the log of one turn stays.
    pub(super) fn make_room_for(&self, bytes: u64, spared: &Path) -> io::Result<()> {
        let limit = self.config.max_bytes.saturating_sub(bytes);
        // All that goes for what would not fit anyway would go for nothing.
        if bytes <= self.config.max_bytes && self.store.usage()?.bytes > limit {
            self.sweep(file_time() / 1_000_000, limit, Some(spared))?;
        }
        Ok(())
    }

    fn sweep(&self, now: Millis, limit: u64, spared: Option<&Path>) -> io::Result<u64> {
        // Somebody who takes a picture just now is not waited for; the next sweep does it.
        let Some(_alone) = self.store.hold_alone()? else {
            return Ok(0);
        };
        let mut items = self.items()?;
        items.sort_by_key(|item| item.changed_at);
        let mut packs = Packs::count(&self.store.folder("contents"), &items)?;
        let before = packs.bytes + items.iter().map(|item| item.bytes).sum::<u64>();
        let mut left = before - packs.drop_unnamed()?;
        let expired = |item: &Item| older(item, now, self.config.keep);
        let stays = |item: &Item| match item.role {
            _ if spared == Some(&item.path) => true,
            Role::Newest => !older(item, now, RUNNING),
            Role::Open => !expired(item),
            Role::Older | Role::Picture | Role::Taken => false,
        };
        for item in &items {
            let too_many = left > limit;
            if !stays(item) && (expired(item) || too_many) {
                match item.role {
                    Role::Taken => std::fs::remove_dir_all(&item.path)?,
                    _ => std::fs::remove_file(&item.path)?,
                }
                left -= item.bytes + packs.release(&item.packs)?;
                for folder in ["turns", "taken"] {
                    remove_if_empty(&item.path, &self.store.folder(folder));
                }
            }
        }
        let counted_at = now;
        self.store.set_usage(Usage {
            bytes: left,
            counted_at,
        })?;
        Ok(before - left)
    }

    /// Everything that names packs, and what was kept aside.
    fn items(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for (folder, role) in [("pictures", Role::Picture), ("open", Role::Open)] {
            for (path, stat) in files(&self.store.folder(folder))? {
                let scratch = path.extension().is_some_and(|end| end == "tmp");
                let picture = std::fs::read(&path)
                    .and_then(|content| Ok(serde_json::from_slice::<Picture>(&content)?));
                match picture {
                    Ok(picture) if !scratch => {
                        items.push(Item::new(path, &stat, role, picture.states()));
                    }
                    // Nobody writes one while the store is held alone, so whoever did is dead.
                    _ => std::fs::remove_file(&path)?,
                }
            }
        }
        let turns = self.store.folder("turns");
        for session in std::fs::read_dir(&turns)? {
            let session = session?.path();
            let newest = log::turns(&session)?.last().copied();
            for (path, stat) in files(&session)? {
                let records = log::read(&path)?;
                let is_newest = path
                    .file_name()
                    .and_then(|name| name.to_str()?.parse().ok())
                    == newest;
                let role = if is_newest { Role::Newest } else { Role::Older };
                items.push(Item::new(path, &stat, role, Net::states(&records)));
            }
        }
        for (session, _) in files_if_any(&self.store.folder("taken"))? {
            let kept = files(&session)?;
            if kept.is_empty() {
                std::fs::remove_dir(&session)?;
            }
            for (path, stat) in kept {
                let bytes = bytes_in(&path)?;
                let item = Item::new(path, &stat, Role::Taken, std::iter::empty());
                items.push(Item { bytes, ..item });
            }
        }
        Ok(items)
    }
}

impl Item {
    fn new<'a>(
        path: PathBuf,
        stat: &Metadata,
        role: Role,
        states: impl Iterator<Item = &'a State>,
    ) -> Self {
        let packs = states.filter_map(|state| match state {
            State::File(FileState {
                kept: Some(place), ..
            }) => Some(place.pack.clone()),
            _ => None,
        });
        Self {
            path,
            bytes: stat.len(),
            changed_at: stat.mtime() * 1_000 + stat.mtime_nsec() / 1_000_000,
            packs: packs.collect(),
            role,
        }
    }
}

/// The packs of a store, and how many name each.
struct Packs {
    folder: PathBuf,
    named: BTreeMap<String, (u64, usize)>,
    bytes: u64,
}

impl Packs {
    fn count(folder: &Path, items: &[Item]) -> io::Result<Self> {
        let mut named = BTreeMap::new();
        let mut bytes = 0;
        for (path, stat) in files(folder)? {
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                named.insert(name.to_owned(), (stat.len(), 0));
                bytes += stat.len();
            }
        }
        for pack in items.iter().flat_map(|item| &item.packs) {
            if let Some((_, count)) = named.get_mut(pack) {
                *count += 1;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            named,
            bytes,
        })
    }

    /// Removes those that nothing names; returns their bytes.
    fn drop_unnamed(&mut self) -> io::Result<u64> {
        let mut freed = 0;
        for (name, (bytes, _)) in self.named.extract_if(.., |_, (_, count)| *count == 0) {
            std::fs::remove_file(self.folder.join(name))?;
            freed += bytes;
        }
        Ok(freed)
    }

    /// One that named these is gone.
    fn release(&mut self, packs: &BTreeSet<String>) -> io::Result<u64> {
        for pack in packs {
            if let Some((_, count)) = self.named.get_mut(pack) {
                *count -= 1;
            }
        }
        self.drop_unnamed()
    }
}

fn older(item: &Item, now: Millis, than: Duration) -> bool {
    let age = now.saturating_sub(item.changed_at);
    u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) > than)
}

/// The files in a folder.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.path(), entry.metadata()?));
    }
    Ok(files)
}

/// The same of a folder that need not be there.
fn files_if_any(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    match files(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        files => files,
    }
}

/// The bytes of all files in a folder and those beneath it.
fn bytes_in(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for (path, stat) in files(&folder)? {
            if stat.is_dir() {
                pending.push(path);
            } else {
                bytes += stat.len();
            }
        }
    }
    Ok(bytes)
}

/// Removes the folder of a session that has nothing left in it.
fn remove_if_empty(item: &Path, all: &Path) {
    if let Some(session) = item.parent()
        && session.parent() == Some(all)
        && let Err(error) = std::fs::remove_dir(session)
    {
        tracing::debug!(%error, "the session has more");
    }
}
