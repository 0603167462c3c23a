//! What the doctor finds of rules, questions, jobs and checkpoints.
//! Invariant: it looks and changes nothing; no finding here is ever broken, only good or lacking.
//! It must not know how any of it works.

use corvid_store::Store;

use super::{Finding, State, finding};
use crate::config::{Composed, MIB};
use crate::wiring;

/// Which rules are in force.
pub(super) fn policy(composed: &Composed) -> Finding {
    let policy = &composed.settings.policy;
    let own = match policy.rules.len() {
        0 => "no rule of your own".to_owned(),
        1 => "1 rule of your own".to_owned(),
        count => format!("{count} rules of your own"),
    };
    let text = format!(
        "preset {} and {own}; `agent policy show`",
        policy.preset.name()
    );
    finding("policy", State::Good, text)
}

/// How much of files is kept, and for how long.
pub(super) fn checkpoints(composed: &Composed) -> Finding {
    let settings = &composed.settings.checkpoints;
    let what = "undo";
    if settings.max_mb == 0 {
        let text = "nothing is kept, so nothing can be undone; set `checkpoints.max_mb`";
        return finding(what, State::Lacking, text);
    }
    match wiring::checkpoints(composed).size() {
        Ok(bytes) => {
            let text = format!(
                "{} MiB of at most {} MiB kept, for {} days",
                bytes.div_ceil(MIB),
                settings.max_mb,
                settings.keep_days
            );
            finding(what, State::Good, text)
        }
        Err(error) => finding(what, State::Lacking, error.to_string()),
    }
}

/// What waits for a person, and what runs in the background; nothing if nothing does.
///
/// # Errors
/// Those of the store.
pub(super) async fn open(store: &Store) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let questions = store.open_questions(None).await?.len();
    if questions > 0 {
        let text = format!("{questions} open; `agent approvals list`");
        findings.push(finding("questions", State::Good, text));
    }
    let jobs = store.open_jobs(None).await?.len();
    if jobs > 0 {
        let text = format!("{jobs} open; `agent jobs list`");
        findings.push(finding("jobs", State::Good, text));
    }
    Ok(findings)
}
