//! Keeping the one file that a tool is about to change.
//! Invariant: when `keep` returns, what is there now is on the disk; where it cannot be, the change does not
//! happen.
//! It must not know what the change is.

use std::io;
use std::path::{Component, Path, PathBuf};

use corvid_core::draw::sha256_hex;
use corvid_core::{Invocation, ToolError, faults};
use corvid_sandbox::paths::{Kind, Roots};

use super::Checkpoints;
use super::durable::Durable;
use super::log::{self, Record};
use super::packing::Packing;
use super::state::{Change, FileState, Name, State};
use super::tree::Tree;
use super::undo::shown;

/// The permissions of a file or folder that is still to be made; nobody compares them.
const NEW_MODE: u32 = 0o777;

/// A file that is kept while a call changes it.
pub(crate) struct Kept<'a> {
    checkpoints: &'a Checkpoints,
    call: &'a Invocation,
    /// Where it was when it was kept; none if nothing was to be kept.
    path: Option<PathBuf>,
    /// What of the change cannot be undone.
    notice: Option<String>,
}

impl Checkpoints {
    /// Keeps a file that a call is about to change from `before` (none if there is no such file) to `after`. Blocks.
    ///
    /// # Errors
    /// The sentence for the model, if it cannot be kept; nothing must be changed then.
    pub(crate) fn keep<'a>(
        &'a self,
        call: &'a Invocation,
        roots: &Roots,
        path: &Path,
        (before, after): (Option<&[u8]>, &[u8]),
    ) -> Result<Kept<'a>, ToolError> {
        let mut kept = Kept {
            checkpoints: self,
            call,
            path: None,
            notice: None,
        };
        if before == Some(after) {
            return Ok(kept);
        }
        faults::crash_point("checkpoint.before_keep");
        let real = real(roots, path);
        kept.notice = self
            .keep_at(call, roots, &real, (before, after))
            .map_err(|error| {
                ToolError::Tell(format!(
                    "nothing was changed: what is there now cannot be kept for undoing it ({error}); free some \
                     space, or set `checkpoints.max_mb = 0` to do without"
                ))
            })?;
        kept.path = Some(real);
        faults::crash_point("checkpoint.after_keep");
        Ok(kept)
    }

    fn keep_at(
        &self,
        call: &Invocation,
        roots: &Roots,
        real: &Path,
        (before, after): (Option<&[u8]>, &[u8]),
    ) -> io::Result<Option<String>> {
        let tree = Tree::open(roots.working_dir())?;
        let Ok(path) = real.strip_prefix(tree.real()) else {
            // What lies outside will not be changed.
            return Ok(None);
        };
        let room = self.store.usage()?.bytes < self.config.max_bytes || self.make_room()?;
        let _held = self.store.hold()?;
        let mut former = tree.state(path)?;
        let mut lost = None;
        if let (State::File(file), Some(content)) = (&mut former, before) {
            file.len = content.len() as u64;
            file.hash = Some(sha256_hex(content));
            if room {
                let mut packing = Packing::new(&self.store);
                file.kept = Some(packing.add(content)?);
                packing.finish()?;
            } else {
                lost = Some(full(path));
            }
        }
        let later = State::File(FileState {
            mode: former.mode().unwrap_or(NEW_MODE),
            len: after.len() as u64,
            hash: Some(sha256_hex(after)),
            stamp: None,
            kept: None,
        });
        let mut changes = made_folders(&tree, path)?;
        changes.push(Change {
            path: Name(path.to_owned()),
            before: former,
            after: later,
        });
        let record = Record::Changed {
            key: call.key.clone(),
            folder: Name(tree.real().to_owned()),
            changes,
        };
        let (session, turn) = (&call.session, call.call.turn);
        log::append(&self.store, session, turn, &record, Durable::Yes)?;
        if let Some(reason) = lost.clone() {
            log::append(
                &self.store,
                session,
                turn,
                &Record::Lost { reason },
                Durable::No,
            )?;
        }
        Ok(lost)
    }
}

impl Kept<'_> {
    /// The change did not happen.
    pub(crate) fn void(self) {
        let key = self.call.key.clone();
        let (session, turn) = (&self.call.session, self.call.call.turn);
        let record = Record::Void { key };
        if self.path.is_some()
            && let Err(error) =
                log::append(&self.checkpoints.store, session, turn, &record, Durable::No)
        {
            // Undoing it then finds neither what was before nor what was to be, or that nothing is to be done.
            tracing::debug!(%error, "a change that did not happen stays noted");
        }
    }

    /// The change happened, of the file at this real path. Returns what of it cannot be undone.
    pub(crate) fn done(self, real: &Path) -> Option<String> {
        if self.path.as_ref().is_some_and(|kept| kept != real) {
            // A link on the way was swapped in that moment, and what was kept is another file's.
            self.void();
            let notice =
                "a change cannot be undone: something on the way to the file was swapped meanwhile";
            return Some(notice.to_owned());
        }
        self.notice
    }
}

fn full(path: &Path) -> String {
    format!(
        "the change of `{}` cannot be undone: checkpoints take more than `checkpoints.max_mb` allows",
        shown(path)
    )
}

/// Where a path leads, links followed as far as there is something.
fn real(roots: &Roots, path: &Path) -> PathBuf {
    let mut existing = PathBuf::new();
    for component in roots.working_dir().join(path).components() {
        match component {
            Component::ParentDir => {
                existing.pop();
            }
            Component::CurDir => {}
            other => existing.push(other),
        }
    }
    let mut missing = Vec::new();
    loop {
        if let Ok(stat) = roots.stat(&existing)
            && (missing.is_empty() || stat.kind == Kind::Folder)
        {
            return missing
                .iter()
                .rev()
                .fold(stat.path, |real, name| real.join(name));
        }
        let Some(name) = existing.file_name().map(PathBuf::from) else {
            return roots.working_dir().join(path);
        };
        missing.push(name);
        existing.pop();
    }
}

/// The folders on the way to a path that are still to be made.
fn made_folders(tree: &Tree, path: &Path) -> io::Result<Vec<Change>> {
    let mut made = Vec::new();
    for folder in path.ancestors().skip(1) {
        if folder.as_os_str().is_empty() || tree.state(folder)? != State::Absent {
            break;
        }
        made.push(Change {
            path: Name(folder.to_owned()),
            before: State::Absent,
            after: State::Folder { mode: NEW_MODE },
        });
    }
    made.reverse();
    Ok(made)
}
