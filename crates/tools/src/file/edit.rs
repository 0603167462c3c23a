//! `file.edit`: replacing a passage of a file.
//! Invariant: only what was named changes, and only if it is there exactly once or all places were meant.
//! It must not know how a file is replaced.

use std::path::Path;

use corvid_core::ToolError;
use corvid_sandbox::paths::Roots;
use schemars::JsonSchema;
use serde::Deserialize;

use super::change::Change;
use super::content::{self, Places, Replacement};
use super::plan::{Before, Plan};
use crate::config::Config;

/// A passage to replace.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    path: String,
    /// The passage exactly as in the file, there only once.
    old: String,
    /// What takes its place.
    new: String,
    /// Replace every place.
    #[serde(default)]
    all: bool,
}

impl Change for Edit {
    const NAME: &'static str = "file.edit";
    const DESCRIPTION: &'static str = "Replace a passage of a file beneath the working folder.";

    fn path(&self) -> &str {
        &self.path
    }

    fn check(&self, _config: &Config) -> Result<(), String> {
        if self.old.is_empty() {
            let text = "argument `old` is empty; name the passage to replace, or use `file.write`";
            return Err(text.to_owned());
        }
        if self.old == self.new {
            return Err("arguments `old` and `new` are the same; nothing would change".to_owned());
        }
        Ok(())
    }

    fn plan(&self, config: &Config, roots: &Roots) -> Result<Plan, ToolError> {
        let (path, limit) = (&self.path, config.max_file_bytes);
        let tell = |text| Err(ToolError::Tell(text));
        let before = match Before::read(roots, Path::new(path), limit)? {
            Before::Content(content) => content,
            Before::Absent => {
                return tell(format!("there is no `{path}`; make it with `file.write`"));
            }
        };
        let places = if self.all { Places::All } else { Places::One };
        let replacement = Replacement {
            old: &self.old,
            new: &self.new,
            places,
        };
        let (after, count) = content::replace(&before, replacement).map_err(ToolError::Tell)?;
        Ok(Plan {
            before: Before::Content(before),
            after,
            note: (count > 1).then(|| format!("replaced at {count} places")),
        })
    }
}
