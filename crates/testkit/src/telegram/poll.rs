//! `getUpdates`: a long poll, with the offset's meaning to the letter.
//! Invariant: of several polls at once only the newest is answered with updates.
//! It must not know what is in an update.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::asked::Asked;
use super::refusal::Refusal;
use super::state::State;

/// The longest that a poll waits, in seconds.
const LONGEST: i64 = 50;

/// Answers a poll. It waits in real time, since a client's patience is real.
///
/// # Errors
/// As the real server says it.
pub(super) async fn updates(state: &Arc<State>, asked: &Asked) -> Result<Value, Refusal> {
    let limit = match asked.integer("limit") {
        Some(limit @ 1..=100) => usize::try_from(limit).unwrap_or(100),
        _ => 100,
    };
    let timeout = asked.integer("timeout").unwrap_or(0).clamp(0, LONGEST);
    let allowed = asked.structure("allowed_updates")?;
    let poller = state.change(|world, _| {
        if world.webhook {
            return Err(Refusal::new(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to \
                 delete the webhook first",
            ));
        }
        if let Some(Value::Array(kinds)) = &allowed {
            let kinds = kinds.iter().filter_map(Value::as_str).map(str::to_owned);
            world.updates.allow(kinds.collect::<BTreeSet<_>>());
        }
        if let Some(offset) = asked.integer("offset") {
            world.updates.confirm(offset);
        }
        Ok(world.updates.begin_poll())
    })?;
    let mut changes = state.changes();
    let told = async {
        loop {
            changes.borrow_and_update();
            let told = state.tell(poller, limit)?;
            if !told.is_empty() || changes.changed().await.is_err() {
                return Ok(told);
            }
        }
    };
    let seconds = u64::try_from(timeout).unwrap_or(0);
    match tokio::time::timeout(Duration::from_secs(seconds), told).await {
        Ok(told) => told.map(|told| json!(told)),
        Err(_) => Ok(json!([])),
    }
}
