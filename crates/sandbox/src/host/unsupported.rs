//! Systems whose means of confinement are not known here.
//! Invariant: nothing is enforced, says so, and therefore nothing runs.
//! It must not know anything else.

use std::process::ExitCode;

/// Never a stage here: the process is an ordinary one.
pub fn enter() -> Option<ExitCode> {
    None
}

/// What is required and not there, one sentence each.
pub(super) fn missing() -> Vec<String> {
    vec![
        "commands are confined on Linux only: run Corvid there, or in a Linux virtual machine"
            .to_owned(),
    ]
}
