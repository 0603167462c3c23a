//! The commands that Telegram offers while somebody types.
//! Invariant: they are written only where they differ; that they cannot be costs nothing but the offer.
//! It must not know what a command does.

use super::api::{Api, Fault};

/// Offers these commands: name without the slash, and description.
pub(super) async fn register(api: &Api, commands: &[(String, String)]) -> Result<(), Fault> {
    if commands.is_empty() || api.commands().await? == commands {
        return Ok(());
    }
    match api.register(commands).await {
        Err(fault @ (Fault::Refused(_) | Fault::TooLong(_) | Fault::Unparsed(_))) => {
            tracing::warn!(%fault, "Telegram does not take the list of commands");
            Ok(())
        }
        registered => registered,
    }
}
