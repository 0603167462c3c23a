//! Between the two looks at a working folder: the picture before a command, and what changed after it.
//! Invariant: what was left out before is left out after, so that nothing counts as made that was there.
//! It must not know how long a look may take, or who waits for it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use corvid_core::{Invocation, faults};

use super::Checkpoints;
use super::durable::Durable;
use super::log::{self, Record};
use super::look::{IgnoreFiles, Scope, Unfit, is_scratch, look};
use super::lost::{not_noted, other_file_system, unkept};
use super::newest::Newest;
use super::picture::{ENTRIES, Picture};
use super::state::{Change, State};
use super::tree::{Content, Tree, file_time};
use crate::blocking::Leash;
use crate::ignored::{IGNORE_BYTES, IGNORE_FILES};

impl Checkpoints {
    /// Takes the picture from before a command.
    pub(super) fn begin(&self, call: &Invocation, leash: &Leash) -> Result<Arc<Newest>, Unfit> {
        let tree = Tree::open(&call.working_dir)?;
        let usage = self.store.usage()?;
        let room = usage.bytes < self.config.max_bytes || self.make_room()?;
        faults::crash_point("checkpoint.before_keep");
        let _held = self.store.hold()?;
        let taken_at = file_time();
        let read = |folder: &Path, there: &[&'static str]| {
            let contents = there
                .iter()
                .filter_map(|name| read_now(&tree, &folder.join(name)));
            Ok(contents.collect())
        };
        let looked = look(&tree, &self.scope(&tree, &|_| false, &read), leash)?;
        let newest = match self.newest(tree.real()) {
            Some(last) if last.picture.shows_just(&looked) => last,
            last => {
                let last = last.as_deref().map(|last| &last.picture);
                let (store, tree) = ((&self.store, room), (&tree, leash));
                self.publish(Picture::take(store, tree, last, (looked, taken_at))?)?
            }
        };
        self.open(call, &newest)?;
        faults::crash_point("checkpoint.after_keep");
        Ok(newest)
    }

    /// Notes what a command changed that began at the time `begun`, and only then lets go of the picture from before.
    pub(super) fn end(
        &self,
        call: &Invocation,
        begun: i64,
        before: Result<&Picture, &String>,
        outside: bool,
        leash: &Leash,
    ) -> Option<String> {
        let mut lost = Vec::new();
        if outside {
            lost.push("what was written outside the working folder cannot be undone".to_owned());
        }
        let noted = before.map_err(Clone::clone).and_then(|before| {
            lost.extend(before.mounted.iter().map(other_file_system));
            let changes = self
                .compare(begun, before, leash)
                .map_err(|unfit| unfit.to_string())?;
            lost.extend(unkept(&changes));
            self.note_changes(call, before, changes)
                .map_err(|error| error.to_string())
        });
        if let Err(why) = noted {
            lost.push(not_noted(&why));
        }
        for reason in &lost {
            let reason = reason.clone();
            if let Err(error) = self.note(call, &Record::Lost { reason }) {
                tracing::debug!(%error, "what cannot be undone is only in the journal");
            }
        }
        self.close(call);
        (!lost.is_empty()).then(|| lost.join("; "))
    }

    fn compare(&self, begun: i64, before: &Picture, leash: &Leash) -> Result<Vec<Change>, Unfit> {
        let tree = Tree::open(before.folder.path())?;
        if tree.real() != before.folder.path() {
            let text = "the working folder is a link now";
            return Err(Unfit::Failed(io::Error::other(text)));
        }
        let passes_over = |path: &Path| before.is_closed(path);
        // What was left out before is left out now, whatever the command wrote into ignore files.
        let read = |folder: &Path, there: &[&'static str]| {
            let known = folder.as_os_str().is_empty()
                || matches!(before.at(folder), Some(State::Folder { .. }));
            let content = |name: &&str| {
                let path = folder.join(name);
                match before.at(&path) {
                    Some(State::File(file)) if file.kept.is_some() => {
                        let lost = || io::Error::other("an ignore file is not kept any more");
                        let content = self.store.content(file).transpose();
                        content.or_else(|| Some(Err(lost())))
                    }
                    _ if known => None,
                    _ => read_now(&tree, &path).map(Ok),
                }
            };
            let names = if known { IGNORE_FILES } else { there };
            let contents: io::Result<_> = names.iter().filter_map(content).collect();
            Ok(contents?)
        };
        let looked = look(&tree, &self.scope(&tree, &passes_over, &read), leash)?;
        before.changes(begun, (&tree, leash), &looked)
    }

    fn note_changes(
        &self,
        call: &Invocation,
        before: &Picture,
        changes: Vec<Change>,
    ) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let record = Record::Changed {
            key: call.key.clone(),
            folder: before.folder.clone(),
            changes,
        };
        self.note(call, &record)
    }

    /// The command is over: that the record outlasts its process is enough.
    pub(super) fn note(&self, call: &Invocation, record: &Record) -> io::Result<()> {
        let (session, turn) = (&call.session, call.call.turn);
        log::append(&self.store, session, turn, record, Durable::No)
    }

    /// Looks at everything but private paths, half-made changes of ours and what is `passed_over`.
    fn scope<'a>(
        &self,
        tree: &Tree,
        passed_over: &'a dyn Fn(&Path) -> bool,
        ignore_files: &'a IgnoreFiles<'a>,
    ) -> Scope<'a> {
        let private = self.private_beneath(tree.real());
        Scope {
            entries: ENTRIES,
            passes_over: Box::new(move |path| {
                let is_private = || private.iter().any(|private| path.starts_with(private));
                is_scratch(path) || passed_over(path) || is_private()
            }),
            ignore_files,
        }
    }
}

fn read_now(tree: &Tree, path: &Path) -> Option<Vec<u8>> {
    match tree.read(path, IGNORE_BYTES) {
        Ok(Some((_, Content::Whole(content, _)))) => Some(content),
        _ => None,
    }
}
