//! What a person is shown before a command gets more than usual, and what their answer is bound to.
//! Invariant: the command is shown whole, as it was written; whatever would make it another run is bound.
//! It must not know who is shown it, nor why the policy asks.

use std::path::Path;

use corvid_core::wire::{Card, CardForm};
use corvid_core::{CommandSpec, Description, Invocation, Preview, Wider};
use serde_json::json;

use super::asked::Asked;
use crate::policy;

/// The card of a command that begins in `folder` and that the sandbox describes so.
pub(super) fn preview(
    call: &Invocation,
    asked: &Asked,
    folder: &Path,
    command: &CommandSpec,
    described: Description,
) -> Preview {
    let mut facts = vec![("folder".to_owned(), folder.display().to_string())];
    let reason = command.wider.as_ref().map(|wider| wider.reason.clone());
    let reason = reason.filter(|reason| !reason.is_empty());
    facts.extend(reason.map(|reason| ("reason".to_owned(), reason)));
    facts.extend(described.facts);
    let seconds = command.timeout.as_secs();
    facts.push(("time limit".to_owned(), format!("{seconds} s")));
    if asked.background {
        let how = "as a job beside the conversation".to_owned();
        facts.push(("background".to_owned(), how));
    }
    Preview {
        card: Card {
            title: title(command.wider.as_ref()).to_owned(),
            facts,
            body: asked.command.clone(),
            form: CardForm::Command,
        },
        // The sandbox binds the command line with the folder it begins in.
        binding: json!({
            "run": described.binding,
            "timeout_ms": call.timeout_ms,
            "background": asked.background,
        }),
        repeatable: policy::repeatable(&asked.command),
    }
}

fn title(wider: Option<&Wider>) -> &'static str {
    let Some(wider) = wider else {
        return "run a command";
    };
    if !wider.lacking.is_empty() {
        return "run a command without the whole sandbox";
    }
    match (wider.hosts.is_empty(), wider.writes.is_empty()) {
        (true, true) => "run a command",
        (false, true) => "run a command with network access",
        (true, false) => "run a command that writes outside the working folder",
        (false, false) => {
            "run a command with network access that writes outside the working folder"
        }
    }
}
