//! `agent model`: which providers there are, which of them has a key, and whether a model answers.
//! Invariant: a key's origin is shown, never a key.
//! It must not know how a provider is spoken to.

use corvid_core::Models as _;
use corvid_llm::{KeyState, ModelRow};
use serde_json::json;

use super::compose;
use crate::args::Model;
use crate::config::{Composed, Environment, Home, check_model};
use crate::exit::{Exit, Refused};
use crate::output::{print, print_json};
use crate::wiring;

/// Lists providers or tests a model.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn model(
    command: Model,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let composed = compose(home, environment)?;
    let catalogue = wiring::models(&composed, wiring::clock(environment)?);
    match command {
        Model::List(json) => list(&catalogue.list(), &composed, json.json),
        Model::Test { name } => {
            let choice = &composed.model;
            if name.is_none() && choice.name == "manual" {
                let text = format!(
                    "no model to test: {}; set OPENAI_API_KEY or see `agent model list`",
                    choice.because
                );
                return Err(Refused::new(Exit::Declined, text).into());
            }
            let name = name.unwrap_or_else(|| choice.name.clone());
            check_model(&name).map_err(|allowed| {
                let text = format!("`{name}` is no model; it must be {allowed}");
                Refused::new(Exit::Usage, text)
            })?;
            let open = catalogue.open(&name);
            open.map_err(|error| Refused::new(Exit::Declined, error.message))?;
            let tested = catalogue.test(&name).await;
            let tested = tested.map_err(|error| Refused::new(Exit::Failed, error.message))?;
            print(&format!(
                "{} answered in {} ms\n",
                tested.model, tested.latency_ms
            ))?;
            Ok(Exit::Done)
        }
    }
}

fn list(rows: &[ModelRow], composed: &Composed, as_json: bool) -> anyhow::Result<Exit> {
    for row in rows.iter().filter(|_| as_json) {
        let key = match &row.key {
            KeyState::Present { source } => json!({ "state": "present", "source": source }),
            KeyState::Missing { variable } => json!({ "state": "missing", "variable": variable }),
            KeyState::NotNeeded => json!({ "state": "not_needed" }),
        };
        print_json(&json!({
            "provider": row.provider,
            "model": row.model,
            "base_url": row.base_url,
            "key": key,
            "key_is_bare": row.key_is_bare,
            "used": uses(composed, row),
        }))?;
    }
    if !as_json {
        let lines: String = rows.iter().map(|row| listed(row, composed)).collect();
        let choice = &composed.model;
        print(&format!(
            "{lines}\nused: {}, because {}\n",
            choice.name, choice.because
        ))?;
    }
    Ok(Exit::Done)
}

fn listed(row: &ModelRow, composed: &Composed) -> String {
    let mark = if uses(composed, row) { "*" } else { " " };
    let (model, key) = match (&row.model, &row.base_url, &row.key) {
        (None, None, _) if row.provider == "manual" => (
            "-",
            "built in; no language model, it knows a few commands".to_owned(),
        ),
        (_, None, _) => (
            "-",
            format!("no address; set `providers.{}.base_url`", row.provider),
        ),
        (model, _, key) => {
            let model = model.as_deref().unwrap_or("-");
            let key = match key {
                KeyState::Present { source } if row.key_is_bare => {
                    format!("key in {source}, {}", bare(row))
                }
                KeyState::Present { source } => format!("key in {source}"),
                KeyState::Missing { variable } => format!("no key; set {variable}"),
                KeyState::NotNeeded => "needs no key".to_owned(),
            };
            (model, key)
        }
    };
    format!("{mark} {:<11} {model:<22} {key}\n", row.provider)
}

/// What to say of a key that others on the way can read.
pub(super) fn bare(row: &ModelRow) -> String {
    format!(
        "sent unencrypted to {}; give `providers.{}.base_url` an https:// address",
        row.base_url.as_deref().unwrap_or("its server"),
        row.provider
    )
}

fn uses(composed: &Composed, row: &ModelRow) -> bool {
    composed.model.name.split('/').next() == Some(row.provider.as_str())
}
