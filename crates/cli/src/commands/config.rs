//! `agent config`: where the config is, what it says, and changing it.
//! Invariant: what `show` prints can be pasted into the file; a key's secret is never printed, only its file.
//! It must not know what a key is for.

use std::path::Path;

use anyhow::{anyhow, bail};
use corvid_channels::inert_line;
use corvid_core::wire::{Effect, Requester, Role, SessionId};
use corvid_core::{Policy as _, PolicyEffect, PolicyRequest, Toolset};
use corvid_tools::policy::{PolicyConfig, RuleConfig, RulePolicy};
use serde_json::json;

use crate::args::Config;
use crate::config::{Composed, DaemonConfig, Environment, Home, Layered, Problems, Source, set};
use crate::exit::Exit;
use crate::output::{print, print_json, say};
use crate::wiring;

/// Does what `config` asks.
///
/// # Errors
/// With the sentence for the person.
pub(super) fn config(
    command: Config,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    match command {
        Config::Path => print(&format!("{}\n", home.config_file.display()))?,
        Config::Show(json) => {
            let layered = Layered::load(home, environment)?;
            if json.json {
                show_json(&layered)?;
            } else {
                print(&show(&layered))?;
            }
        }
        Config::Get { key } => {
            let layered = Layered::load(home, environment)?;
            let plain = layered
                .plain(&key)
                .map_err(|problem| anyhow!(problem.text))?;
            print(&format!("{plain}\n"))?;
        }
        Config::Set { key, value } => change(home, environment, &key, &value)?,
        Config::Check => check(home, environment)?,
    }
    Ok(Exit::Done)
}

fn change(home: &Home, environment: &Environment, key: &str, value: &str) -> anyhow::Result<()> {
    let change = set(home, environment, key, value)?;
    let file = home.config_file.display();
    say(&format!("{key} = {} in {file}", change.value));
    if let Some(variable) = change.overridden_by {
        say(&format!(
            "note: the variable {variable} is set and wins over the file; `unset {variable}`"
        ));
    }
    if !change.remaining.is_empty() {
        let remaining = Problems(change.remaining);
        bail!("`{key}` is set, but something else is wrong:\n{remaining}");
    }
    Ok(())
}

fn check(home: &Home, environment: &Environment) -> anyhow::Result<()> {
    let layered = Layered::load(home, environment)?;
    let composed = Composed::of(&layered, home, environment)?;
    if composed.has_messenger() {
        DaemonConfig::of(&layered, &composed, home, environment)?;
    }
    let set = layered
        .iter()
        .filter(|(name, _)| layered.is_set(name))
        .count();
    let file = home.config_file.display();
    let place = if home.config_file.exists() {
        format!("{file}")
    } else {
        format!("{file} (not there; the defaults hold)")
    };
    let keys = if set == 1 {
        "1 key"
    } else {
        &format!("{set} keys")
    };
    print(&format!("{place}: all right, {keys} set\n"))?;
    for (number, rule) in (1..).zip(&composed.settings.policy.rules) {
        if is_idle(rule, &wiring::tools(&composed, environment)) {
            say(&format!(
                "note: rule {number} of `policy.rules` is about `{}`, and no tool is called so; `agent policy explain` \
                 says what decides about a call",
                inert_line(&rule.tool)
            ));
        }
    }
    for folder in wiring::sandbox(&composed, environment).left_out() {
        say(&format!(
            "note: `sandbox.toolchains` names {}, which is not granted: something private or the kernel's own files \
             lie in it; name the folders in it that commands need",
            folder.display()
        ));
    }
    Ok(())
}

/// Whether a rule is about no tool there is, which the policy itself tells.
fn is_idle(rule: &RuleConfig, tools: &Toolset) -> bool {
    let closed = RulePolicy::new(PolicyConfig {
        rules: vec![RuleConfig {
            resource: "*".to_owned(),
            effect: PolicyEffect::Deny,
            session: None,
            person: None,
            ..rule.clone()
        }],
        ..PolicyConfig::default()
    });
    let anybody = Requester {
        id: String::new(),
        role: Role::Owner,
    };
    let names = tools.specs().iter().map(|spec| spec.name.as_str());
    !names.into_iter().any(|tool| {
        let decision = closed.decide(&PolicyRequest {
            tool,
            resource: "",
            also: &[],
            effect: Effect::Pure,
            wider: None,
            working_dir: Path::new("/"),
            session: &SessionId::new(""),
            channel: "",
            requester: &anybody,
        });
        decision.effect == PolicyEffect::Deny
    })
}

/// The config as TOML, section by section, with the origin of what was set.
fn show(layered: &Layered) -> String {
    let mut section = "";
    let mut lines = Vec::new();
    for (name, setting) in layered.iter() {
        let (head, key) = name.rsplit_once('.').unwrap_or(("", name));
        if head != section {
            section = head;
            lines.push(format!("\n[{head}]\n"));
        }
        let origin = match &setting.source {
            Source::Default => String::new(),
            source => format!(" # {source}"),
        };
        lines.push(format!("{key} = {}{origin}\n", setting.value));
    }
    lines.concat()
}

fn show_json(layered: &Layered) -> anyhow::Result<()> {
    let keys: serde_json::Map<_, _> = layered
        .iter()
        .map(|(name, setting)| {
            let entry = json!({ "value": setting.value, "source": setting.source.to_string() });
            (name.to_owned(), entry)
        })
        .collect();
    print_json(&keys)
}
