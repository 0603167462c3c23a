//! `file.list`: what is in a folder.
//! Invariant: bounded, sorted, and the same for the same folder.
//! It must not know how paths are confined.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use corvid_sandbox::paths::{Entry, Kind, PathError, Roots};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{checked, named, roots, told};
use crate::arguments;
use crate::blocking;
use crate::config::Config;
use crate::display::clean_line;

/// The most entries that are shown.
const ENTRIES: usize = 500;

/// The longest name that the system knows, in characters.
const NAME_CHARS: usize = 255;

/// Lists a folder.
pub(crate) struct List {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Default `.`.
    path: Option<String>,
}

impl Arguments {
    fn path(self) -> String {
        self.path.unwrap_or_else(|| ".".to_owned())
    }
}

impl List {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "file.list".to_owned(),
                description:
                    "List a folder: names with sizes, hidden ones too; folders end with `/`."
                        .to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }
}

#[async_trait]
impl Tool for List {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let path = arguments::read::<Arguments>(&self.spec.parameters, given)?.path();
        named(&path)?;
        Ok(checked(&self.config, Effect::Pure, path, working_dir))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked: Arguments =
            arguments::read(&self.spec.parameters, &call.arguments).map_err(ToolError::Tell)?;
        let (config, working_dir) = (Arc::clone(&self.config), call.working_dir.clone());
        let text = blocking::looking(call, move |_| {
            let path = PathBuf::from(asked.path());
            list(&roots(&config, &working_dir)?, &path, config.output_chars)
        })
        .await?;
        Ok(ToolOutput::text(text))
    }
}

fn list(roots: &Roots, path: &Path, limit: usize) -> Result<String, ToolError> {
    let listing = roots.list(path, ENTRIES).map_err(told)?;
    if listing.total == 0 {
        return Ok("(the folder is empty)".to_owned());
    }
    let mut text = String::new();
    let (mut chars, mut shown) = (0, 0);
    for entry in &listing.entries {
        let line = line(roots, &listing.path, entry);
        let length = line.chars().count() + 1;
        if chars + length > limit {
            break;
        }
        text += &line;
        text.push('\n');
        chars += length;
        shown += 1;
    }
    if shown == listing.total {
        return Ok(text);
    }
    Ok(format!(
        "{text}[… {shown} of {} entries; list a folder in it or use `file.search` …]\n",
        listing.total
    ))
}

fn line(roots: &Roots, folder: &Path, entry: &Entry) -> String {
    let name = clean_line(&entry.name.to_string_lossy(), NAME_CHARS);
    match entry.kind {
        Kind::File => format!("{name}  {}", size(entry.len)),
        Kind::Folder => format!("{name}/"),
        Kind::Link => format!(
            "{name} -> {}",
            destination(roots, &folder.join(&entry.name))
        ),
        Kind::Other => format!("{name}  (pipe, socket or device)"),
    }
}

/// Where a link leads, as far as that may be known.
fn destination(roots: &Roots, link: &Path) -> String {
    match roots.stat(link) {
        Ok(stat) => {
            let mark = if stat.kind == Kind::Folder { "/" } else { "" };
            let shown = roots.shown(&stat.path).to_string_lossy();
            format!("{}{mark}", clean_line(&shown, 4 * NAME_CHARS))
        }
        Err(PathError::NotFound { .. }) => "(nothing)".to_owned(),
        Err(_) => "(what cannot be read)".to_owned(),
    }
}

/// A size for people: exact below a thousand bytes.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let check = |bytes, expect| assert_eq!(size(bytes), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(1_999, "1.9 kB");
        check(999_999, "999.9 kB");
        check(1_000_000, "1.0 MB");
        check(314_572_800, "314.5 MB");
        check(u64::MAX, "18446744.0 TB");
    }
}
