//! `file.write`: a whole file at once.
//! Invariant: the content is what was given, but for line ends that follow the file's own, which is said.
//! It must not know how a file is replaced.

use std::path::Path;

use corvid_core::ToolError;
use corvid_sandbox::paths::Roots;
use schemars::JsonSchema;
use serde::Deserialize;

use super::change::Change;
use super::content::with_line_ends_of;
use super::plan::{Before, Plan};
use crate::config::Config;

/// A whole file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Write {
    path: String,
    /// The whole content.
    content: String,
}

impl Change for Write {
    const NAME: &'static str = "file.write";
    const DESCRIPTION: &'static str =
        "Make or replace a file beneath the working folder, with the folders on the way.";

    fn path(&self) -> &str {
        &self.path
    }

    fn check(&self, config: &Config) -> Result<(), String> {
        let (bytes, limit) = (self.content.len() as u64, config.max_file_bytes);
        if bytes > limit {
            return Err(format!(
                "argument `content` has {bytes} bytes; at most {limit} are written at once"
            ));
        }
        Ok(())
    }

    fn plan(&self, config: &Config, roots: &Roots) -> Result<Plan, ToolError> {
        let before = Before::read(roots, Path::new(&self.path), config.max_file_bytes)?;
        let content = match &before {
            Before::Content(before) => with_line_ends_of(before, &self.content),
            Before::Absent => self.content.as_str().into(),
        };
        let note =
            (content != self.content).then(|| "its lines end with CRLF as before".to_owned());
        let after = content.into_owned().into_bytes();
        Ok(Plan {
            before,
            after,
            note,
        })
    }
}
