//! `agent policy`: the rules in force, and what would become of a call.
//! Invariant: a call is explained through the very check and rules that decide it when it is made.
//! It must not know how a rule is matched.

use std::path::Path;

use anyhow::{anyhow, bail};
use corvid_channels::inert_line;
use corvid_channels::terminal;
use corvid_core::wire::{Requester, Role, SessionId};
use corvid_core::{Checked, PolicyRequest, Toolset};
use corvid_tools::policy::{Explanation, RulePolicy};
use serde_json::{Value, json};

use super::compose;
use super::run::working_dir;
use crate::args::{Explained, Policy};
use crate::config::{Composed, Environment, Home, effect_word};
use crate::exit::{Exit, Refused};
use crate::output::{print, print_json};
use crate::wiring;

/// A session that no rule of the person's names by accident.
const NO_SESSION: &str = "s-new";

/// What rules call what a command gets beyond the sandbox, and the options by which a call asks for it.
const BEYOND: &[(&str, &str)] = &[("host:", "--hosts"), ("write:", "--writes")];

/// What rules call the lack of a sandbox.
const UNCONFINED: &str = "unconfined";

/// How alike two names of tools are that may be a slip of the same, from 0 to 1.
const ALIKE: f64 = 0.7;

/// Does what `policy` asks.
///
/// # Errors
/// With the sentence for the person.
pub(super) fn policy(
    command: Policy,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let composed = compose(home, environment)?;
    let rules = wiring::policy(&composed);
    match command {
        Policy::Show(json) if json.json => {
            let rows: Vec<Value> = rules.rules().map(|rule| json!(rule)).collect();
            print_json(&rows)?;
        }
        Policy::Show(_) => print(&shown(&rules))?,
        Policy::Explain(call) => explain(&call, &rules, &composed, environment)?,
    }
    Ok(Exit::Done)
}

fn shown(rules: &RulePolicy) -> String {
    let lines = rules.rules().map(|view| {
        let name = inert_line(&view.name);
        match view.rule.reason {
            Some(reason) => format!("{name}\n    {}\n", inert_line(&reason)),
            None => format!("{name}\n"),
        }
    });
    lines.collect()
}

fn explain(
    call: &Explained,
    rules: &RulePolicy,
    composed: &Composed,
    environment: &Environment,
) -> anyhow::Result<()> {
    let (tool, resource) = split(&call.call)?;
    let folder = working_dir(call.cwd.as_deref(), &composed.private)?;
    let tools = wiring::tools(composed, environment);
    let checked = check(&tools, tool, resource, call, &folder)?;
    let session = SessionId::new(call.session.as_deref().unwrap_or(NO_SESSION));
    let requester = Requester {
        id: rustix::process::getuid().as_raw().to_string(),
        role: Role::Owner,
    };
    let explanation = rules.explain(&PolicyRequest {
        tool,
        resource: &checked.resource,
        also: &checked.also,
        effect: checked.effect,
        wider: checked.wider.as_ref(),
        working_dir: &folder,
        session: &session,
        channel: terminal::NAME,
        requester: &requester,
    });
    if call.json.json {
        return print_json(&explanation);
    }
    print(&told(&explanation))
}

/// The tool and what it acts on.
fn split(call: &str) -> anyhow::Result<(&str, &str)> {
    match call.split_once(':') {
        Some((tool, resource)) if !tool.trim().contains(' ') && !resource.trim().is_empty() => {
            Ok((tool.trim(), resource.trim()))
        }
        _ => bail!(
            "`{}` is no call; write the tool, a colon and what it acts on, e.g. \"system.run: git push\"",
            inert_line(call)
        ),
    }
}

/// What the tool itself says that the call would do.
fn check(
    tools: &Toolset,
    name: &str,
    resource: &str,
    call: &Explained,
    folder: &Path,
) -> anyhow::Result<Checked> {
    let tool = tools.get(name).ok_or_else(|| unknown(tools, name))?;
    let parameters = &tool.spec().parameters;
    if !parameters["properties"]["escalate"].is_null() {
        command(name, resource)?;
    }
    let required = parameters["required"].clone();
    let mut arguments = serde_json::Map::new();
    // The first argument that a tool must have is what it acts on; the others do not matter to a rule, but no two
    // may be the same to a tool that replaces one by the other.
    for (index, field) in required.as_array().into_iter().flatten().enumerate() {
        let value = match index {
            0 => resource.to_owned(),
            _ => format!("explained {index}"),
        };
        if let Some(field) = field.as_str() {
            arguments.insert(field.to_owned(), json!(value));
        }
    }
    if !call.hosts.is_empty() || !call.writes.is_empty() {
        let escalate = json!({ "reason": "explained", "hosts": call.hosts, "writes": call.writes });
        arguments.insert("escalate".to_owned(), escalate);
    }
    tool.check(&Value::Object(arguments), folder)
        .map_err(|sentence| anyhow!("`{name}` does not take this: {sentence}"))
}

/// Refuses what a rule would call a part of a call, and no command is called.
fn command(tool: &str, resource: &str) -> anyhow::Result<()> {
    let named = BEYOND.iter().find_map(|(begins, option)| {
        let value = resource.strip_prefix(begins)?;
        Some(format!("{option} {}", inert_line(value.trim())))
    });
    let instead = match named {
        Some(option) => format!("with `{option}` before it"),
        None if resource == UNCONFINED => {
            "and with `--hosts` or `--writes` what it asks for; where no sandbox holds it, that is told".to_owned()
        }
        None => return Ok(()),
    };
    let text = format!(
        "`{}` is what a rule says, not a command; write \"{tool}: COMMAND\", {instead}",
        inert_line(resource)
    );
    Err(Refused::new(Exit::Usage, text).into())
}

fn unknown(tools: &Toolset, name: &str) -> anyhow::Error {
    let names = tools.specs().iter().map(|spec| spec.name.as_str());
    let alike = names
        .clone()
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let name = inert_line(name);
    if let Some((_, near)) = alike {
        return anyhow!("no tool is called `{name}`; did you mean `{near}`?");
    }
    let names: Vec<&str> = names.collect();
    anyhow!("no tool is called `{name}`; there are {}", names.join(", "))
}

fn told(explanation: &Explanation) -> String {
    let decided = explanation.resources.iter().map(|decided| {
        format!(
            "\n{}\n  {} by {}\n  {}\n",
            inert_line(&decided.resource),
            effect_word(decided.effect),
            inert_line(&decided.rule),
            inert_line(&decided.reason)
        )
    });
    let effect = format!("{}\n", effect_word(explanation.effect));
    let mut parts: Vec<String> = [effect].into_iter().chain(decided).collect();
    if !explanation.what_would_change.is_empty() {
        parts.push("\nwhat would change it:\n".to_owned());
    }
    let ways = explanation.what_would_change.iter();
    parts.extend(ways.map(|way| format!("  {}\n", inert_line(way))));
    parts.concat()
}
