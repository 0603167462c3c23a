//! Walking a folder for a search: every regular file that no ignore file leaves out, in a stable order.
//! Invariant: follows no link, reads nothing but what the roots allow, and honours no ignore file outside
//! the working folder.
//! It must not know what is searched for.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use corvid_core::ToolError;
use corvid_sandbox::paths::{Kind, Listing, Roots};

use super::told;
use crate::blocking::Leash;
use crate::ignored::{IGNORE_BYTES, IGNORE_FILES, Patterns};

/// The most entries of one folder that are looked at.
const ENTRIES: usize = 100_000;

/// What a walk does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Goes on.
    Continue,
    /// Ends.
    Enough,
}

/// A file or folder still to be visited.
struct Pending {
    path: PathBuf,
    kind: Kind,
    patterns: Patterns,
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
            Kind::Folder => enter(roots, &next, &mut pending),
            Kind::Link | Kind::Other => {}
        }
    }
    Ok(())
}

/// Puts what is in a folder before everything else that is pending.
fn enter(roots: &Roots, folder: &Pending, pending: &mut Vec<Pending>) {
    // A folder that vanished or may not be read has nothing to find.
    let Ok(listing) = roots.list(&folder.path, ENTRIES) else {
        return;
    };
    let patterns = patterns_of(roots, &listing, &folder.patterns);
    // The last is taken first.
    for entry in listing.entries.iter().rev() {
        let path = listing.path.join(&entry.name);
        if !patterns.leave_out(&path, entry.kind == Kind::Folder) {
            pending.push(Pending {
                path,
                kind: entry.kind,
                patterns: patterns.clone(),
            });
        }
    }
}

/// The patterns that hold in a folder because of those between it and the working folder.
fn patterns_above(roots: &Roots, folder: &Path) -> Patterns {
    let mut patterns = Patterns::default();
    let Ok(inner) = folder.strip_prefix(roots.working_dir()) else {
        return patterns;
    };
    let mut reached = roots.working_dir().to_owned();
    for name in inner {
        patterns = compile(roots, &reached, &patterns, IGNORE_FILES.iter().copied());
        reached.push(name);
    }
    patterns
}

fn patterns_of(roots: &Roots, listing: &Listing, above: &Patterns) -> Patterns {
    let there = |name: &&str| {
        listing
            .entries
            .binary_search_by(|entry| entry.name.as_os_str().cmp(name.as_ref()))
            .is_ok()
    };
    let names = IGNORE_FILES.iter().copied().filter(there);
    compile(roots, &listing.path, above, names)
}

/// Reads a folder's ignore files.
fn compile<'a>(
    roots: &Roots,
    folder: &Path,
    above: &Patterns,
    names: impl Iterator<Item = &'a str>,
) -> Patterns {
    let contents = names.filter_map(|name| {
        let opened = roots.open_read(&folder.join(name)).ok()?;
        let mut bytes = Vec::new();
        let mut file = opened.file.take(IGNORE_BYTES);
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    });
    above.within(folder, contents)
}
