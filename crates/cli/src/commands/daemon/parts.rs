//! The parts that a daemon alone has: its messengers, and the machine around its gateway.
//! Invariant: made from the config, connected to nothing yet.
//! It must not know what is done with them.

use std::sync::Arc;

use anyhow::anyhow;
use corvid_channels::telegram::{Telegram, TelegramConfig};
use corvid_core::{Clock, Marks, Messenger, Outputs, Tasks};
use corvid_gateway::COMMANDS;
use corvid_llm::Transcriber;
use corvid_store::Store;

use crate::config::{Composed, DaemonConfig, Home};
use crate::surroundings::Machine;
use crate::wiring;

/// How long Telegram holds an empty answer back, in seconds; the longest it offers.
const POLL_SECS: u32 = 50;

/// The messengers that the config sets up.
///
/// # Errors
/// With the sentence that names the setting.
pub(super) fn messengers(
    config: &DaemonConfig,
    store: &Store,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
) -> anyhow::Result<Vec<Arc<dyn Messenger>>> {
    let mut messengers: Vec<Arc<dyn Messenger>> = Vec::new();
    if let Some(bot) = &config.telegram {
        let commands = COMMANDS
            .iter()
            .map(|command| (command.name.to_owned(), command.description.to_owned()));
        let config = TelegramConfig {
            token: bot.token.clone(),
            api_url: bot.api_url.clone(),
            draft_previews: bot.draft_previews,
            poll_secs: POLL_SECS,
        };
        let marks: Arc<dyn Marks> = Arc::new(store.clone());
        let telegram = Telegram::new(
            config,
            Arc::clone(clock),
            marks,
            tasks.clone(),
            commands.collect(),
        );
        messengers.push(Arc::new(telegram.map_err(|why| anyhow!(why))?));
    }
    Ok(messengers)
}

/// The machine around the gateway, as the config has it.
///
/// # Errors
/// With the sentence that names the setting.
pub(super) fn machine(
    composed: &Composed,
    config: &DaemonConfig,
    home: &Home,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Machine> {
    let ear = config.ear.as_ref().map(|ear| {
        Transcriber::new(
            &ear.url,
            ear.model.as_str(),
            ear.key.clone(),
            Arc::clone(clock),
        )
    });
    Ok(Machine {
        workspace: config.workspace.clone(),
        home: home.clone(),
        private: composed.private.clone(),
        outputs: Outputs::new(&composed.outputs),
        checkpoints: Arc::new(wiring::checkpoints(composed)),
        keep_days: composed.settings.checkpoints.keep_days,
        ear: ear.transpose()?,
    })
}
