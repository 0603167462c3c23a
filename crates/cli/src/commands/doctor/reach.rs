//! What the doctor finds of how people reach the agent: the bot, who may write to it, what serves it.
//! Invariant: it looks and changes nothing; a service elsewhere is asked only where the person wants that.
//! It must not know how any of it works.

use corvid_channels::telegram;
use corvid_core::wire::Role;
use corvid_store::Store;

use super::{Finding, State, finding};
use crate::args::Doctor;
use crate::commands::daemon::{There, there};
use crate::config::{Bot, Composed, DaemonConfig, Environment, Home, Layered};
use crate::wiring;

/// The bot, if one is set up, and what else a daemon needs.
pub(super) async fn reach(
    arguments: Doctor,
    composed: &Composed,
    home: &Home,
    environment: &Environment,
) -> Vec<Finding> {
    if !composed.has_messenger() {
        let text = "no bot; `agent config set telegram.token TOKEN` with a token of @BotFather, then `agent start`";
        return vec![finding("telegram", State::Good, text)];
    }
    let config = Layered::load(home, environment)
        .and_then(|layered| DaemonConfig::of(&layered, composed, home, environment));
    let config = match config {
        Ok(config) => config,
        Err(error) => return vec![finding("daemon", State::Broken, format!("{error:#}"))],
    };
    let mut findings = Vec::new();
    if let Some(bot) = &config.telegram {
        findings.push(telegram(arguments, bot).await);
    }
    findings.extend([daemon(home), voice(&config)]);
    findings
}

async fn telegram(arguments: Doctor, bot: &Bot) -> Finding {
    let what = "telegram";
    let number = bot.token.expose().split(':').next().unwrap_or_default();
    let from = format!("bot {number}, its token from {}", bot.source);
    if !arguments.online {
        let text = format!("{from}; `agent doctor --online` asks Telegram about it");
        return finding(what, State::Good, text);
    }
    match telegram::whoami(bot.token.clone(), bot.api_url.clone()).await {
        Ok(name) => finding(
            what,
            State::Good,
            format!("{from}; Telegram knows it as {name}"),
        ),
        Err(why) => finding(what, State::Broken, format!("{from}: {why}")),
    }
}

fn daemon(home: &Home) -> Finding {
    let what = "daemon";
    match there(&home.state) {
        Ok(There::Nobody) => finding(what, State::Lacking, "none runs; `agent start` begins"),
        Ok(There::Somebody) => finding(what, State::Good, "one is only just beginning or ending"),
        Ok(There::One(occupant)) => {
            let text = format!("process {} runs; `agent status`", occupant.pid);
            finding(what, State::Good, text)
        }
        Err(error) => {
            let text = format!("{} cannot be read: {error}", home.state.display());
            finding(what, State::Broken, text)
        }
    }
}

fn voice(config: &DaemonConfig) -> Finding {
    let text = match &config.ear {
        Some(ear) => format!(
            "voice messages are transcribed at {} by {}",
            ear.url, ear.model
        ),
        None => {
            "voice messages are not understood; `transcription.url` sets who does that".to_owned()
        }
    };
    finding("voice", State::Good, text)
}

/// Who may talk to the agent in messengers, where there is a bot.
///
/// # Errors
/// Those of the store.
pub(super) async fn people(composed: &Composed, store: &Store) -> anyhow::Result<Option<Finding>> {
    if !composed.has_messenger() {
        return Ok(None);
    }
    let stored = store.people().await?;
    let owners = stored.iter().filter(|row| row.role == Role::Owner).count();
    let mut count = (owners, stored.len() - owners);
    for allowed in wiring::allowed(composed) {
        count.0 += allowed.owners.len();
        count.1 += allowed.members.len();
    }
    let text = format!(
        "{} owners and {} members; `agent pair people`",
        count.0, count.1
    );
    Ok(Some(if count.0 == 0 {
        let how =
            "write to the bot, then `agent pair approve CODE` with the code that it tells you";
        finding(
            "people",
            State::Lacking,
            format!("nobody owns the agent in messengers yet; {how}"),
        )
    } else {
        finding("people", State::Good, text)
    }))
}
