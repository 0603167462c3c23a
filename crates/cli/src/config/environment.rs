//! The environment, read once; everything else takes it by value.
//! Invariant: the only reader of environment variables in the program.
//! It must not know what a variable means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What every environment twin of a config key begins with.
pub(crate) const TWIN_PREFIX: &str = "CORVID__";

/// The variables of a process. Keys are among them, so it has no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// This process's own. Variables whose name is no UTF-8 are none of ours.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { variables }
    }

    /// The value of a variable that is set and not empty.
    ///
    /// # Errors
    /// If the value is no UTF-8; the sentence names the variable.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text)),
                None => Err(format!(
                    "the variable `{name}` holds bytes that are no UTF-8; set it again as text"
                )),
            },
        }
    }

    /// A folder that a variable names, if it is absolute (as the XDG rules want it).
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        let folder = Path::new(self.variables.get(name)?);
        folder.is_absolute().then(|| folder.to_path_buf())
    }

    /// The path in a variable that is set and not empty, absolute or not.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// Whether a variable is set to anything but nothing.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables
            .get(name)
            .is_some_and(|value| !value.is_empty())
    }

    /// The names of all environment twins that are set, to an empty value too.
    pub(crate) fn twins(&self) -> impl Iterator<Item = &str> {
        self.variables
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with(TWIN_PREFIX))
    }

    /// Every variable that is text, for the sandbox to pick from.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.variables
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned())))
            .collect()
    }

    /// The text of a twin, which may be empty on purpose.
    pub(crate) fn twin(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        Self { variables }
    }
}
