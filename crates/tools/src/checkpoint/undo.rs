//! Taking back what a turn changed, file by file.
//! Invariant: a file is touched only if it is as the turn left it, so that what a person changed since stays;
//! doing it twice does it once.
//! It must not know who asked, or how a file is put back.

use std::io;
use std::path::{Path, PathBuf};

use corvid_core::wire::SessionId;

use super::durable::Durable;
use super::log::{self, Net, NetChange, Record};
use super::lost::Unkept;
use super::picture::FILE_BYTES;
use super::state::{Change, State};
use super::taken::Taken;
use super::tree::Tree;
use super::{CheckpointError, Checkpoints};
use crate::display::clean_line;

/// The largest file that is compared by its content, in bytes: what `file.*` writes may be this large.
const COMPARED_BYTES: u64 = 2 * FILE_BYTES;

/// The longest path that is shown, in characters.
const PATH_CHARS: usize = 4_096;

/// What undoing a turn came to (or would).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoReport {
    /// Files and links that are as before the turn again, relative to its working folder.
    pub restored: Vec<String>,
    /// Those that were left as they are, each with why.
    pub left: Vec<(String, String)>,
    /// What else the turn may have changed and nothing is kept of, one sentence each.
    pub lost: Vec<String>,
    /// The folder that keeps what was there instead of what was restored, if there was something.
    pub kept: Option<PathBuf>,
}

/// What is to be done about a path.
enum Step {
    /// It is as before the turn.
    Nothing,
    /// It is as the turn left it, and this is it.
    Restore(State),
    /// It stays, for this reason.
    Leave(String),
}

impl Checkpoints {
    /// Takes back what a turn changed. Nothing must be at work in its session meanwhile.
    ///
    /// # Errors
    /// See [`CheckpointError`]; a file that cannot be restored is no error but left.
    pub fn undo(&self, session: &SessionId, turn: u32) -> Result<UndoReport, CheckpointError> {
        let net = self.net(session, turn)?;
        let failed = |error| self.failed("written", error);
        let log = log::file(&self.store, session, turn);
        self.make_room_for(net.kept_bytes(), &log).map_err(failed)?;
        // What is kept must not be swept away before it is told.
        let _held = self.store.hold().map_err(failed)?;
        let taken = Taken::new((&self.store, self.config.max_bytes), session, turn);
        let mut undoing = Undoing::new(self, &net);
        undoing.taken = Some(taken);
        undoing.take_back(&net);
        let mut report = undoing.report;
        report.kept = undoing.taken.and_then(|taken| taken.folder());
        // They were restored in the order of need; a person reads them in that of their names.
        report.restored.sort_unstable();
        report.left.sort_unstable();
        if !report.restored.is_empty() {
            log::append(&self.store, session, turn, &Record::Undone, Durable::No)
                .map_err(failed)?;
        }
        Ok(report)
    }

    /// What [`Self::undo`] would do now; changes nothing.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn undo_preview(
        &self,
        session: &SessionId,
        turn: u32,
    ) -> Result<UndoReport, CheckpointError> {
        let net = self.net(session, turn)?;
        let mut undoing = Undoing::new(self, &net);
        for change in net.files() {
            undoing.look_at(change);
        }
        Ok(undoing.report)
    }
}

struct Undoing<'a> {
    checkpoints: &'a Checkpoints,
    report: UndoReport,
    unkept: Unkept<'a>,
    /// The working folder that was used last.
    tree: Option<Tree>,
    /// Where what goes is kept; none if nothing is to go.
    taken: Option<Taken<'a>>,
}

impl<'a> Undoing<'a> {
    fn new(checkpoints: &'a Checkpoints, net: &'a Net) -> Self {
        let lost = net.lost.clone();
        Self {
            checkpoints,
            unkept: Unkept::of(net),
            report: UndoReport {
                lost,
                ..UndoReport::default()
            },
            tree: None,
            taken: None,
        }
    }

    /// First what is in the way goes, then the folders come back, then what was in them.
    fn take_back(&mut self, net: &Net) {
        let all = &net.changes;
        let is_folder = |state: &State| matches!(state, State::Folder { .. });
        let goes = |change: &Change| change.before == State::Absent || is_folder(&change.before);
        for net in net.files().filter(|net| goes(&net.change)) {
            self.step(net, |tree, change, now| {
                tree.remove(change.path.path(), now)
            });
        }
        // What is in a folder comes after it in the order of paths.
        for net in all.iter().rev() {
            if !is_folder(&net.change.before) && is_folder(&net.change.after) {
                self.remove_folder(net);
            }
        }
        for net in all.iter().filter(|net| is_folder(&net.change.before)) {
            self.restore_folder(net);
        }
        for net in all {
            if !goes(&net.change) {
                let checkpoints = self.checkpoints;
                self.step(net, |tree, change, now| {
                    tree.put_back(&checkpoints.store, change, now)
                });
            }
        }
    }

    /// Does what is to be done about one file, and reports it.
    fn step(
        &mut self,
        net: &NetChange,
        act: impl FnOnce(&Tree, &Change, &State) -> io::Result<()>,
    ) {
        let path = shown(net.change.path.path());
        let step = match self.decide(net) {
            Step::Restore(now) => match self.replace(&net.change, &now, act) {
                Ok(()) => return self.report.restored.push(path),
                Err(why) => Step::Leave(why),
            },
            step => step,
        };
        if let Step::Leave(why) = step {
            self.report.left.push((path, why));
        }
    }

    /// Keeps what is there now, then does it.
    fn replace(
        &mut self,
        change: &Change,
        now: &State,
        act: impl FnOnce(&Tree, &Change, &State) -> io::Result<()>,
    ) -> Result<(), String> {
        let (Some(tree), Some(taken)) = (&self.tree, &mut self.taken) else {
            return Err("nothing of it can be kept".to_owned());
        };
        if !now.has_content_of(&change.before) {
            taken
                .keep(tree, change.path.path(), now)
                .map_err(|error| format!("what is there now cannot be kept: {error}"))?;
        }
        act(tree, change, now).map_err(|error| format!("it cannot be restored: {error}"))
    }

    fn look_at(&mut self, net: &NetChange) {
        let path = shown(net.change.path.path());
        match self.decide(net) {
            Step::Nothing => {}
            Step::Restore(_) => self.report.restored.push(path),
            Step::Leave(why) => self.report.left.push((path, why)),
        }
    }

    /// A folder that the turn made goes if nothing else is in it.
    fn remove_folder(&mut self, net: &NetChange) {
        let path = net.change.path.path();
        let removed = self.tree(&net.folder).map(|tree| match tree.state(path) {
            Ok(State::Folder { .. }) => tree.remove_folder(path),
            other => other.map(|_| true),
        });
        if let Ok(Err(error)) = removed {
            let why = format!("the folder cannot be removed: {error}");
            self.report.left.push((shown(path), why));
        }
    }

    /// A folder that the turn removed, or whose permissions it changed.
    fn restore_folder(&mut self, net: &NetChange) {
        let (path, after) = (net.change.path.path(), &net.change.after);
        let State::Folder { mode } = net.change.before else {
            return;
        };
        let restored = self.tree(&net.folder).map(|tree| match tree.state(path)? {
            State::Absent => tree.put_folder(path, mode),
            now @ State::Folder { .. } if now == *after => tree.set_mode(path, mode),
            _ => Ok(()),
        });
        if let Ok(Err(error)) = restored {
            let why = format!("the folder cannot be restored: {error}");
            self.report.left.push((shown(path), why));
        }
    }

    /// What is to be done about a file or link as it is now.
    fn decide(&mut self, net: &NetChange) -> Step {
        let (path, before, after) = (
            net.change.path.path(),
            &net.change.before,
            &net.change.after,
        );
        let checkpoints = self.checkpoints;
        let now = match self.tree(&net.folder) {
            Ok(tree) if checkpoints.is_private(&tree.real().join(path)) => {
                return Step::Leave("it is private now".to_owned());
            }
            Ok(tree) => tree.state_with_hash(path, COMPARED_BYTES),
            Err(why) => return Step::Leave(why),
        };
        let now = match now {
            Ok(now) => now,
            Err(error) => return Step::Leave(format!("it cannot be looked at: {error}")),
        };
        let only_mode = before.has_content_of(after);
        let is_before = now.has_content_of(before) && (!only_mode || now.mode() == before.mode());
        // Folders in the way are the affair of their own change, and gone by now if they could go.
        let was_folder = matches!(after, State::Folder { .. });
        let is_after = now.has_content_of(after) && (!only_mode || now.mode() == after.mode())
            || was_folder && now == State::Absent;
        match before {
            _ if is_before => Step::Nothing,
            _ if net.foreign => {
                Step::Leave("somebody else changed it while the turn ran".to_owned())
            }
            _ if !is_after => Step::Leave("it has changed since".to_owned()),
            State::Other => Step::Leave("it was a pipe, socket or device".to_owned()),
            State::File(file) if file.kept.is_none() && !only_mode => {
                Step::Leave("its former content was not kept".to_owned())
            }
            _ if !only_mode && let Some(why) = self.unkept.may_live_on_in(&net.change) => {
                Step::Leave(why)
            }
            _ => Step::Restore(now),
        }
    }

    /// The working folder, if it still is what it was.
    fn tree(&mut self, folder: &Path) -> Result<&Tree, String> {
        let known = self.tree.take().filter(|tree| tree.real() == folder);
        let tree = match known {
            Some(tree) => tree,
            None => Tree::open(folder).map_err(|error| {
                format!(
                    "the working folder `{}` cannot be opened: {error}",
                    folder.display()
                )
            })?,
        };
        if tree.real() != folder {
            return Err(format!(
                "the working folder `{}` is now a link",
                folder.display()
            ));
        }
        Ok(self.tree.insert(tree))
    }
}

/// A path for a person, inert.
pub(super) fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy(), PATH_CHARS)
}
