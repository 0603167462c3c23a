//! Pictures around a command: what the working folder was before it, what changed, and what cannot be undone.
//! Invariant: a command is never held up for long, and never kept from running: where there is no picture, its
//! outcome says so.
//! It must not know what a command does.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use corvid_core::wire::{CallKey, SessionId};
use corvid_core::{Invocation, Wider, faults};
use tokio_util::sync::CancellationToken;

use super::Checkpoints;
use super::log::{self, Record};
use super::look::{IgnoreFiles, Scope, Unfit, is_scratch, look};
use super::newest::Newest;
use super::picture::{ENTRIES, Picture, Taken};
use super::state::{Change, Name, State};
use super::store::Durable;
use super::tree::{Content, Tree, file_time};
use crate::blocking::{self, Leash};
use crate::display::clean_line;
use crate::ignored::{IGNORE_BYTES, IGNORE_FILES};

/// How long a look at the working folder may take, in milliseconds.
const LOOK_MS: u64 = 5_000;

/// How many turns are remembered whose working folder does not fit.
const UNFIT_TURNS: usize = 16;

/// How many files a notice names.
const NAMED: usize = 3;

/// The longest part of a name that a notice shows, in characters.
const NAME_CHARS: usize = 200;

/// What is said of a command that goes on beside its turn.
pub(crate) const BACKGROUND_NOTICE: &str =
    "what a command in the background changes cannot be undone";

/// A turn for whose commands there are no pictures, and why.
pub(super) type UnfitTurn = (SessionId, u32, String);

/// A command that may run now.
pub(crate) struct Begun {
    /// What was there before, or why there is no picture of it.
    before: Result<Arc<Newest>, String>,
    /// It may write where no picture is taken.
    outside: bool,
}

impl Checkpoints {
    /// Takes a picture of the working folder before a command runs in it. A folder that does not fit is no reason
    /// for the command not to run.
    pub(crate) async fn before_command(
        self: &Arc<Self>,
        call: &Invocation,
        wider: Option<&Wider>,
    ) -> Begun {
        let outside =
            wider.is_some_and(|wider| !wider.writes.is_empty() || !wider.lacking.is_empty());
        if let Some(why) = self.known_unfit(call) {
            let before = Err(why);
            return Begun { before, outside };
        }
        let this = Arc::clone(self);
        let (key, folder) = (call.key.clone(), call.working_dir.clone());
        let bounded = bounded(call, &call.cancel);
        let looked = blocking::looking(&bounded, move |leash| Ok(this.begin(&key, &folder, leash)));
        let before = match looked.await {
            Ok(begun) => begun,
            Err(_) => Err(Unfit::Slow),
        };
        let before = before.map_err(|unfit| {
            tracing::debug!(%unfit, "no picture of the working folder");
            let why = unfit.to_string();
            self.remember_unfit((call.session.clone(), call.call.turn, why.clone()));
            why
        });
        Begun { before, outside }
    }

    /// Notes what a command changed; says what of it cannot be undone.
    pub(crate) async fn after_command(
        self: &Arc<Self>,
        call: &Invocation,
        begun: Begun,
    ) -> Option<String> {
        let this = Arc::clone(self);
        let ended = call.clone();
        // A command that was stopped has changed something all the same.
        let bounded = bounded(call, &CancellationToken::new());
        let noted = blocking::looking(&bounded, move |leash| {
            let before = begun.before.as_ref().map(|newest| &newest.picture);
            Ok(this.end(&ended, before, begun.outside, leash))
        });
        noted.await.unwrap_or_else(|error| Some(not_noted(&error)))
    }

    /// Notes what a command changed that an earlier process began and that is known not to run any more; says what
    /// of it cannot be undone.
    pub(crate) async fn after_interrupted(self: &Arc<Self>, call: &Invocation) -> Option<String> {
        let this = Arc::clone(self);
        let ended = call.clone();
        let bounded = bounded(call, &CancellationToken::new());
        let noted = blocking::looking(&bounded, move |leash| {
            let Ok(content) = std::fs::read(this.store.open(&ended.key)) else {
                // Nothing was begun, or its end was noted before the process died.
                return Ok(None);
            };
            let file = log::file(&this.store, &ended.session, ended.call.turn);
            let records = log::read(&file).unwrap_or_default();
            let noted = |record: &Record| matches!(record, Record::Changed { key, .. } if *key == ended.key);
            if records.iter().any(noted) {
                this.close(&ended.key);
                return Ok(None);
            }
            let before =
                serde_json::from_slice::<Picture>(&content).map_err(|error| error.to_string());
            Ok(this.end(&ended, before.as_ref(), false, leash))
        });
        noted.await.unwrap_or_else(|error| Some(not_noted(&error)))
    }

    fn begin(&self, key: &CallKey, folder: &Path, leash: &Leash) -> Result<Arc<Newest>, Unfit> {
        let tree = Tree::open(folder)?;
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
        let last = self.newest(tree.real());
        let known = last.as_deref().map(|last| &last.picture);
        let taken = Picture::take(&self.store, &tree, known, (looked, taken_at), room)?;
        let newest = match (taken, last) {
            (Taken::Same, Some(last)) => last,
            (Taken::Same, None) => return Err(Unfit::Slow),
            (Taken::New(picture), _) => self.publish(picture)?,
        };
        self.open(key, &newest)?;
        faults::crash_point("checkpoint.after_keep");
        Ok(newest)
    }

    /// Notes what a command changed, and only then lets go of the picture from before.
    fn end(
        &self,
        call: &Invocation,
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
                .compare(before, leash)
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
        self.close(&call.key);
        (!lost.is_empty()).then(|| lost.join("; "))
    }

    fn compare(&self, before: &Picture, leash: &Leash) -> Result<Vec<Change>, Unfit> {
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
                    Some(State::File(file)) => self.store.content(file).transpose(),
                    _ if known => None,
                    _ => read_now(&tree, &path).map(Ok),
                }
            };
            let names = if known { IGNORE_FILES } else { there };
            let contents: io::Result<_> = names.iter().filter_map(content).collect();
            Ok(contents?)
        };
        let looked = look(&tree, &self.scope(&tree, &passes_over, &read), leash)?;
        before.changes(&tree, &looked)
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
    fn note(&self, call: &Invocation, record: &Record) -> io::Result<()> {
        let (session, turn) = (&call.session, call.call.turn);
        log::append(&self.store, session, turn, record, Durable::No)
    }

    /// Looks at everything but private paths, half-made changes of ours and what is `passed_over`.
    fn scope<'a>(
        &'a self,
        tree: &'a Tree,
        passed_over: &'a dyn Fn(&Path) -> bool,
        ignore_files: &'a IgnoreFiles<'a>,
    ) -> Scope<'a> {
        Scope {
            entries: ENTRIES,
            passes_over: Box::new(move |path| {
                is_scratch(path) || passed_over(path) || self.is_private(&tree.real().join(path))
            }),
            ignore_files,
        }
    }

    fn known_unfit(&self, call: &Invocation) -> Option<String> {
        let turns = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        let known = turns
            .iter()
            .find(|(session, turn, _)| (session, *turn) == (&call.session, call.call.turn));
        known.map(|(_, _, why)| why.clone())
    }

    fn remember_unfit(&self, turn: UnfitTurn) {
        let mut turns = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() == UNFIT_TURNS {
            turns.pop_front();
        }
        turns.push_back(turn);
    }
}

/// The call with another time and end: its own are the command's.
fn bounded(call: &Invocation, cancel: &CancellationToken) -> Invocation {
    Invocation {
        timeout_ms: LOOK_MS,
        cancel: cancel.clone(),
        ..call.clone()
    }
}

fn read_now(tree: &Tree, path: &Path) -> Option<Vec<u8>> {
    match tree.read(path, IGNORE_BYTES) {
        Ok(Some((_, Content::Whole(content)))) => Some(content),
        _ => None,
    }
}

fn not_noted(why: &impl std::fmt::Display) -> String {
    format!("what the commands of this turn change cannot be undone: {why}")
}

fn other_file_system(folder: &Name) -> String {
    let folder = clean_line(&folder.path().to_string_lossy(), NAME_CHARS);
    format!("what changes in `{folder}` cannot be undone: it is another file system")
}

/// What is said of files whose former content is not kept.
fn unkept(changes: &[Change]) -> Option<String> {
    let lost = |change: &&Change| match &change.before {
        State::File(file) => file.kept.is_none() && !change.before.has_content_of(&change.after),
        State::Other => true,
        State::Absent | State::Link { .. } | State::Folder { .. } => false,
    };
    let lost: Vec<&Change> = changes.iter().filter(lost).collect();
    let names: Vec<String> = lost
        .iter()
        .take(NAMED)
        .map(|change| {
            let name = change.path.path().to_string_lossy();
            format!("`{}`", clean_line(&name, NAME_CHARS))
        })
        .collect();
    let more = match lost.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!lost.is_empty()).then(|| {
        format!(
            "changes of {}{more} cannot be undone: the former content was not kept (files over 4 MB, and what is              over 64 MB in all, are not)",
            names.join(", ")
        )
    })
}
