//! What every `Cargo.toml` below `crates/` has in common: the workspace's lints, the workspace's versions, and no
//! dependency that nothing uses.
//! Invariant: a version is written in one place, the top manifest.
//! It must not know which dependencies there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike};

use super::{files_below, read, root, settle};

/// What is wrong with one manifest whose crate has these sources, one sentence each.
fn complaints(path: &str, manifest: &DocumentMut, sources: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !inherits(manifest.get("lints")) {
        complaints.push(format!(
            "{path} does not take the workspace's lints: add `[lints] workspace = true`"
        ));
    }
    for (name, dependency) in dependencies(manifest) {
        if !inherits(Some(dependency)) {
            complaints.push(format!(
                "{path} gives `{name}` a version of its own: move it to [workspace.dependencies]"
            ));
        }
        if !names_crate(sources, &name.replace('-', "_")) {
            complaints.push(format!(
                "{path} asks for `{name}`, which no source of it names: strike it"
            ));
        }
    }
    complaints
}

/// Everything that a manifest asks for, on every system or on some.
fn dependencies(manifest: &DocumentMut) -> impl Iterator<Item = (&str, &Item)> {
    let everywhere: &dyn TableLike = manifest.as_table();
    let targets = manifest.get("target").and_then(Item::as_table_like);
    let somewhere = targets.into_iter().flat_map(TableLike::iter);
    std::iter::once(everywhere)
        .chain(somewhere.filter_map(|(_, target)| target.as_table_like()))
        .flat_map(|place| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .into_iter()
                .filter_map(|table| place.get(table)?.as_table_like())
        })
        .flat_map(|table: &dyn TableLike| table.iter())
}

/// Whether the item says `workspace = true`.
fn inherits(item: Option<&Item>) -> bool {
    item.and_then(Item::as_table_like)
        .and_then(|table| table.get("workspace"))
        .and_then(Item::as_bool)
        == Some(true)
}

/// Whether the sources reach into this crate: `name::`, `use name;` or `use name as`.
fn names_crate(sources: &str, name: &str) -> bool {
    let in_a_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    sources.match_indices(name).any(|(start, _)| {
        let before = sources[..start].chars().next_back();
        let after = &sources[start + name.len()..];
        let reached = ["::", ";", " as "].iter().any(|end| after.starts_with(end));
        reached && !before.is_some_and(in_a_word)
    })
}

/// All sources of a crate in one text; a test target that lies elsewhere brings its folder.
fn sources(folder: &Path, manifest: &DocumentMut) -> anyhow::Result<String> {
    let tests = manifest.get("test").and_then(Item::as_array_of_tables);
    let elsewhere = tests
        .into_iter()
        .flatten()
        .filter_map(|test| test.get("path")?.as_str())
        .filter_map(|path| path.strip_prefix("../../"))
        .filter_map(|path| Path::new(path).parent());
    let mut text = String::new();
    for folder in elsewhere.chain([folder]) {
        for path in files_below(&folder.to_string_lossy(), "rs")? {
            text.push_str(&fs::read_to_string(root().join(path))?);
        }
    }
    Ok(text)
}

#[test]
fn manifests_take_from_the_workspace_and_nothing_unused() -> anyhow::Result<()> {
    let mut found = Vec::new();
    let mut taken = BTreeSet::new();
    for path in files_below("crates", "toml")? {
        let Some(folder) = path.parent().filter(|_| path.ends_with("Cargo.toml")) else {
            continue;
        };
        let path = path.to_string_lossy();
        let manifest = read(&path)?.parse()?;
        let sources = sources(folder, &manifest)?;
        found.extend(complaints(&path, &manifest, &sources));
        taken.extend(dependencies(&manifest).map(|(name, _)| name.to_owned()));
    }
    let top: DocumentMut = read("Cargo.toml")?.parse()?;
    let offered = top["workspace"]["dependencies"].as_table_like();
    let offered = offered.into_iter().flat_map(TableLike::iter);
    let spare = offered.filter(|(name, _)| !taken.contains(*name));
    found.extend(
        spare.map(|(name, _)| {
            format!("Cargo.toml offers `{name}`, which no crate takes: strike it")
        }),
    );
    settle(&found);
    Ok(())
}

#[test]
fn a_version_in_a_crate_is_named() -> anyhow::Result<()> {
    let manifest = "[lints]\nworkspace = true\n[dependencies]\n\
        serde.workspace = true\ntokio = { workspace = true, features = [\"rt\"] }\n\
        bytes = \"1\"\n[dev-dependencies]\ninsta = { version = \"1\" }\n\
        [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n";
    let sources = "use serde::Serialize;\nuse bytes;\ntokio::spawn(insta::x(libc::y()));\n";
    let expected = [
        "x gives `bytes` a version of its own: move it to [workspace.dependencies]",
        "x gives `insta` a version of its own: move it to [workspace.dependencies]",
        "x gives `libc` a version of its own: move it to [workspace.dependencies]",
    ];
    assert_eq!(complaints("x", &manifest.parse()?, sources), expected);
    let bare = complaints("x", &"[package]\nname = \"x\"\n".parse()?, "");
    assert_eq!(bare.len(), 1, "{bare:?}");
    Ok(())
}

#[test]
fn a_dependency_that_nothing_names_is_named() -> anyhow::Result<()> {
    let manifest: DocumentMut =
        "lints.workspace = true\ndependencies.tokio-util.workspace = true\n".parse()?;
    let check = |sources: &str, count: usize| {
        assert_eq!(
            complaints("x", &manifest, sources).len(),
            count,
            "{sources}"
        );
    };
    check("use tokio_util::task::TaskTracker;", 0);
    check("use tokio_util as t;", 0);
    check(
        "use not_tokio_util::x; let tokio_util = 1; // tokio_util",
        1,
    );
    Ok(())
}
