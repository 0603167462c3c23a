//! Walking a folder for a search: every regular file that no ignore file leaves out, in a stable order.
//! Invariant: follows no link, reads nothing but what the roots allow, and honours no ignore file outside
//! the working folder.
//! It must not know what is searched for.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corvid_core::ToolError;
use corvid_sandbox::paths::{Entry, Kind, Listing, Roots};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::told;
use crate::blocking::Leash;

/// The most entries of one folder that are looked at.
const ENTRIES: usize = 100_000;

/// The largest ignore file that is honoured, in bytes.
const IGNORE_BYTES: u64 = 256 * 1024;

/// The files with patterns of what to leave out; a later one overrules an earlier.
const IGNORE_FILES: &[&str] = &[".gitignore", ".ignore"];

/// What a walk does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Goes on.
    Continue,
    /// Ends.
    Enough,
}

/// The patterns of one folder and of those above it.
struct Patterns {
    own: Gitignore,
    above: Option<Arc<Self>>,
}

/// A file or folder still to be visited.
struct Pending {
    path: PathBuf,
    kind: Kind,
    patterns: Option<Arc<Patterns>>,
}

/// Visits every regular file at or below `path`, by its real path, until `visit` has enough.
///
/// # Errors
/// The sentence for the model if `path` itself cannot be opened or the call is ended, and those of `visit`.
pub(crate) fn walk(
    roots: &Roots,
    path: &Path,
    leash: &Leash,
    mut visit: impl FnMut(&Path) -> Result<Next, ToolError>,
) -> Result<(), ToolError> {
    let start = roots.stat(path).map_err(told)?;
    if start.kind != Kind::Folder {
        // What is no regular file either is refused here, with what it is.
        roots.open_read(path).map_err(told)?;
    }
    let patterns = patterns_above(roots, &start.path);
    let mut pending = vec![Pending {
        path: start.path,
        kind: start.kind,
        patterns,
    }];
    while let Some(next) = pending.pop() {
        leash.check()?;
        match next.kind {
            Kind::File => {
                if visit(&next.path)? == Next::Enough {
                    return Ok(());
                }
            }
            Kind::Folder => enter(roots, next, &mut pending),
            Kind::Link | Kind::Other => {}
        }
    }
    Ok(())
}

/// Puts what is in a folder before everything else that is pending.
fn enter(roots: &Roots, folder: Pending, pending: &mut Vec<Pending>) {
    // A folder that vanished or may not be read has nothing to find.
    let Ok(listing) = roots.list(&folder.path, ENTRIES) else {
        return;
    };
    let patterns = patterns_of(roots, &listing, folder.patterns);
    // The last is taken first.
    for entry in listing.entries.iter().rev() {
        let path = listing.path.join(&entry.name);
        if !leaves_out(patterns.as_deref(), &path, entry) {
            pending.push(Pending {
                path,
                kind: entry.kind,
                patterns: patterns.clone(),
            });
        }
    }
}

/// Whether an entry is left out: Git's own folder, and what the nearest pattern says.
fn leaves_out(patterns: Option<&Patterns>, path: &Path, entry: &Entry) -> bool {
    if entry.name == ".git" {
        return true;
    }
    let mut level = patterns;
    while let Some(patterns) = level {
        match patterns.own.matched(path, entry.kind == Kind::Folder) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => level = patterns.above.as_deref(),
        }
    }
    false
}

/// The patterns that hold in a folder because of those between it and the working folder.
fn patterns_above(roots: &Roots, folder: &Path) -> Option<Arc<Patterns>> {
    let inner = folder.strip_prefix(roots.working_dir()).ok()?;
    let mut patterns = None;
    let mut reached = roots.working_dir().to_owned();
    for name in inner {
        if let Some(own) = compile(roots, &reached, IGNORE_FILES.iter().copied()) {
            patterns = Some(Arc::new(Patterns {
                own,
                above: patterns,
            }));
        }
        reached.push(name);
    }
    patterns
}

fn patterns_of(
    roots: &Roots,
    listing: &Listing,
    above: Option<Arc<Patterns>>,
) -> Option<Arc<Patterns>> {
    let there = |name: &&str| {
        listing
            .entries
            .binary_search_by(|entry| entry.name.as_os_str().cmp(name.as_ref()))
            .is_ok()
    };
    let names = IGNORE_FILES.iter().copied().filter(there);
    match compile(roots, &listing.path, names) {
        Some(own) => Some(Arc::new(Patterns { own, above })),
        None => above,
    }
}

/// Reads and compiles a folder's ignore files. A pattern that is none is passed over, as Git does.
fn compile<'a>(
    roots: &Roots,
    folder: &Path,
    names: impl Iterator<Item = &'a str>,
) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    let mut found = false;
    for name in names {
        let Ok(opened) = roots.open_read(&folder.join(name)) else {
            continue;
        };
        let mut bytes = Vec::new();
        if opened
            .file
            .take(IGNORE_BYTES)
            .read_to_end(&mut bytes)
            .is_err()
        {
            continue;
        }
        for line in String::from_utf8_lossy(&bytes).lines() {
            found |= builder.add_line(None, line).is_ok();
        }
    }
    found.then(|| builder.build().ok()).flatten()
}
