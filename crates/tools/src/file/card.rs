//! What a person is shown before a file is changed, and what their answer is bound to.
//! Invariant: the change is shown whole, or the call is refused; another change of the file has another binding.
//! It must not know why the policy asks.

use std::path::Path;
use std::time::Duration;

use corvid_core::wire::{Card, CardForm};
use corvid_core::{Invocation, Preview, ToolError};
use corvid_sandbox::paths::Roots;
use serde_json::json;
use similar::TextDiff;

use super::plan::Plan;

/// The longest change that a person is asked to read, in bytes.
const SHOWN_BYTES: usize = 64 * 1024;

/// How much time finding the difference may take; after that it is only roughly the smallest.
const PATIENCE: Duration = Duration::from_millis(500);

/// The card of a planned change.
///
/// # Errors
/// The sentence for the model, if the change is too large to be read.
pub(super) fn preview(
    call: &Invocation,
    roots: &Roots,
    path: &Path,
    plan: &Plan,
) -> Result<Preview, ToolError> {
    let (before, after) = plan.contents();
    let real = roots.open_own(path).map_err(super::told)?;
    let real = real.map_or_else(|| roots.working_dir().join(path), |opened| opened.stat.path);
    let name = roots.shown(&real).display().to_string();
    let title = if before.is_some() {
        "change a file"
    } else {
        "make a file"
    };
    let facts = vec![
        ("folder".to_owned(), call.working_dir.display().to_string()),
        ("file".to_owned(), name.clone()),
    ];
    Ok(Preview {
        card: Card {
            title: title.to_owned(),
            facts,
            body: difference(&name, before.unwrap_or_default(), after)?,
            form: CardForm::Diff,
        },
        binding: json!({ "file": real.to_string_lossy(), "change": plan.proof() }),
        repeatable: true,
    })
}

/// The whole difference. Bytes that are no text show as such; the binding knows them.
fn difference(name: &str, before: &[u8], after: &[u8]) -> Result<String, ToolError> {
    let too_large = |bytes: usize| {
        ToolError::Tell(format!(
            "a person must allow the change of `{name}`, and {bytes} bytes are too many to read; make it in parts \
             of less than {SHOWN_BYTES} bytes"
        ))
    };
    let (before, after) = (
        String::from_utf8_lossy(before),
        String::from_utf8_lossy(after),
    );
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before.as_ref(), after.as_ref());
    let mut shown = String::new();
    for hunk in diff.unified_diff().iter_hunks() {
        shown.extend([&hunk.header().to_string(), "\n"]);
        for change in hunk.iter_changes() {
            let line = change.value();
            shown.extend([&change.tag().to_string(), line]);
            // A line may end in a carriage return alone, behind which another line's sign would go unseen.
            if !line.ends_with('\n') {
                shown.push('\n');
            }
            if !line.ends_with(['\n', '\r']) {
                shown.push_str("\\ No newline at end of file\n");
            }
        }
    }
    if shown.len() > SHOWN_BYTES {
        return Err(too_large(shown.len()));
    }
    Ok(shown)
}
