//! Polling for updates.
//! Invariant: an update is handed on as it came, so that one that cannot be read costs only itself.
//! It must not know what an update means.

use serde_json::Value;
use teloxide_core::payloads::{GetUpdates, GetUpdatesSetters as _};
use teloxide_core::types::AllowedUpdate;

use super::Api;
use super::transport::{Answered, Patience};

/// An update as it came.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct RawUpdate {
    /// Its number, by which it is confirmed. It may start anew after a quiet week.
    pub(in super::super) id: i32,
    /// All of it.
    pub(in super::super) body: Value,
}

impl Api {
    /// Waits up to `wait_secs` for updates, at most 100, oldest first. An offset confirms every update below it.
    pub(in super::super) async fn updates(
        &self,
        offset: Option<i32>,
        wait_secs: u32,
    ) -> Answered<Vec<RawUpdate>> {
        let mut payload = GetUpdates::new().timeout(wait_secs).allowed_updates([
            AllowedUpdate::Message,
            AllowedUpdate::EditedMessage,
            AllowedUpdate::CallbackQuery,
            AllowedUpdate::MyChatMember,
        ]);
        if let Some(offset) = offset {
            payload = payload.offset(offset);
        }
        let patience = Patience::CALL.longer_by_secs(wait_secs);
        let updates: Vec<Value> = self
            .transport
            .call_named("getUpdates", &payload, patience)
            .await?;
        Ok(updates.into_iter().filter_map(numbered).collect())
    }
}

/// An update without a number cannot be confirmed, and would come again for ever if it counted.
fn numbered(body: Value) -> Option<RawUpdate> {
    let id = body.get("update_id").and_then(Value::as_i64);
    let id = id.and_then(|id| i32::try_from(id).ok());
    if id.is_none() {
        tracing::warn!("an update without a number was passed over");
    }
    Some(RawUpdate { id: id?, body })
}
