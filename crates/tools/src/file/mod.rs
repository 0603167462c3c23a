//! `file.*`: looking at files and changing them, in the process itself.
//! Invariant: every path goes through `corvid_sandbox::paths`, which decides on opened files; a change is
//! made whole or not at all.
//! It must not know which session asks.

mod card;
mod change;
mod content;
mod diff;
mod edit;
mod leads;
mod lines;
mod list;
mod plan;
mod queue;
mod read;
mod search;
mod walk;
mod write;

use std::path::Path;

use corvid_core::wire::Effect;
use corvid_core::{Checked, ToolError};
use corvid_sandbox::paths::{PathError, Roots};

use crate::config::Config;

pub(crate) use change::Changer;
pub(crate) use content::is_binary;
pub(crate) use edit::Edit;
pub(crate) use list::List;
pub(crate) use queue::Queue;
pub(crate) use read::Read;
pub(crate) use search::Search;
pub(crate) use write::Write;

/// A checked call that acts on a path.
pub(crate) fn checked(
    config: &Config,
    effect: Effect,
    path: String,
    working_dir: &Path,
) -> Checked {
    Checked {
        also: leads::to(working_dir, &path),
        ..config.checked(effect, path)
    }
}

/// What may be touched in this working folder. Blocks.
pub(crate) fn roots(config: &Config, working_dir: &Path) -> Result<Roots, ToolError> {
    Roots::new(working_dir, &config.readable, &config.private).map_err(told)
}

/// A path's error as the model is told it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the last user of the error in every `map_err`"
)]
pub(crate) fn told(error: PathError) -> ToolError {
    ToolError::Tell(error.to_string())
}

/// Checks what any path must be.
pub(crate) fn named(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("argument `path` is empty; `.` is the working folder".to_owned());
    }
    if path.contains('\0') {
        return Err("argument `path` holds a NUL character; leave it out".to_owned());
    }
    Ok(())
}
