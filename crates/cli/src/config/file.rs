//! The config file: every value in it with its key and line.
//! Invariant: nothing in the file goes unseen: a value belongs to a known key or is a problem.
//! It must not know the environment or the defaults.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::keys::Key;
use super::problem::{Problem, Source};
use super::value::Value;

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The values of known keys that are allowed.
    pub(crate) values: Vec<(String, Value, Source)>,
    /// Everything else.
    pub(crate) problems: Vec<Problem>,
}

/// The file's text; empty if there is no file.
///
/// # Errors
/// If it is there and cannot be read as text.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => anyhow::bail!(
            "the config file {} is no UTF-8 text; write it again as text or remove it",
            path.display()
        ),
        Err(error) => anyhow::bail!(
            "the config file {} cannot be read ({error}); `chmod u+r` it or remove it",
            path.display()
        ),
    }
}

/// Whether others can read a file in that folder, as far as the system tells.
pub(super) fn is_bare(path: &Path, folder: &Path) -> bool {
    let open = |path: &Path| {
        let mode = path.metadata().map(|about| about.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o077 != 0)
    };
    open(path) && open(folder)
}

/// Finds every value in the file's text.
pub(crate) fn parse(path: &Path, text: &str, keys: &[Key]) -> Found {
    let mut walk = Walk {
        path,
        text,
        keys,
        found: Found::default(),
    };
    match Document::parse(text) {
        Ok(document) => walk.table("", document.as_table()),
        Err(error) => walk
            .found
            .problems
            .push(Problem::no_toml(path, text, &error)),
    }
    walk.found
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    keys: &'a [Key],
    found: Found,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &dyn TableLike) {
        for (word, item) in table.iter() {
            let name = match prefix {
                "" => word.to_owned(),
                prefix => format!("{prefix}.{word}"),
            };
            let span = table
                .get_key_value(word)
                .and_then(|(key, _)| key.span())
                .or_else(|| item.span());
            let line = span.map_or(1, |span| self.line(span.start));
            let source = Source::Line(self.path.to_path_buf(), line);
            self.item(&name, item, source);
        }
    }

    fn item(&mut self, name: &str, item: &Item, source: Source) {
        let section = format!("{name}.");
        if let Some(key) = self.keys.iter().find(|key| key.name == name) {
            match key.kind.take_toml(item) {
                Ok(value) => self.found.values.push((name.to_owned(), value, source)),
                Err(refusal) if refusal.is_empty() => {
                    let problem = Problem::refused(key, &shown(item), &source);
                    self.found.problems.push(problem);
                }
                Err(refusal) => {
                    for flaw in refusal {
                        let at = flaw.span.as_ref().map(|span| self.line(span.start));
                        let line = at.map(|line| Source::Line(self.path.to_path_buf(), line));
                        let problem = Problem::within(key, &flaw, &line.unwrap_or(source.clone()));
                        self.found.problems.push(problem);
                    }
                }
            }
        } else if self.keys.iter().any(|key| key.name.starts_with(&section)) {
            match item.as_table_like() {
                Some(table) => self.table(name, table),
                None => self.found.problems.push(Problem::no_section(name, &source)),
            }
        } else {
            self.unknown(name, item, &source);
        }
    }

    /// In an unknown section it is the keys that tell what was meant.
    fn unknown(&mut self, name: &str, item: &Item, source: &Source) {
        match item.as_table_like() {
            Some(table) if !table.is_empty() => self.table(name, table),
            _ => self.found.problems.push(Problem::unknown(name, source)),
        }
    }

    fn line(&self, byte: usize) -> usize {
        let before = self.text.get(..byte).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

/// A found value for a sentence, on one line and not endless.
pub(super) fn shown(item: &Item) -> String {
    let text = match item {
        Item::Value(value) => value.clone().decorated("", "").to_string(),
        Item::ArrayOfTables(_) => "a list of sections".to_owned(),
        _ => "a section".to_owned(),
    };
    let line = corvid_channels::inert_line(&text);
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
