//! The house rules that a reader would otherwise have to remember: who may depend on whom, how a file looks,
//! and that the pages tell the truth about the binary.
//! Invariant: each rule is a pure check with a test of its own that breaks it; a complaint names thing and fix.
//! It must not know what any crate does.

mod edges;
mod manifests;
mod pages;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The workspace's top folder.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The text of a file below the top folder.
fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("`{path}` cannot be read"))
}

/// Every file below `folder` that carries this extension, relative to the top folder, in order.
fn files_below(folder: &str, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut open = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root())?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Passes if there is nothing to complain of, else fails with every complaint on a line of its own.
fn settle(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
