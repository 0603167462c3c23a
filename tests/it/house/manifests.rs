//! What every `Cargo.toml` below `crates/` has in common: the workspace's lints and the workspace's versions.
//! Invariant: a version is written in one place, the top manifest.
//! It must not know which dependencies there are.

use toml_edit::{DocumentMut, Item, TableLike};

use super::{files_below, read, settle};

/// What is wrong with one manifest, one sentence each.
fn complaints(path: &str, manifest: &DocumentMut) -> Vec<String> {
    let mut complaints = Vec::new();
    if !inherits(manifest.get("lints")) {
        complaints.push(format!(
            "{path} does not take the workspace's lints: add `[lints] workspace = true`"
        ));
    }
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(dependencies) = manifest.get(table).and_then(Item::as_table_like) else {
            continue;
        };
        complaints.extend(
            dependencies
                .iter()
                .filter(|(_, dependency)| !inherits(Some(dependency)))
                .map(|(name, _)| {
                    format!(
                        "{path} gives `{name}` a version of its own: move it to [workspace.dependencies]"
                    )
                }),
        );
    }
    complaints
}

/// Whether the item says `workspace = true`.
fn inherits(item: Option<&Item>) -> bool {
    item.and_then(Item::as_table_like)
        .and_then(|table: &dyn TableLike| table.get("workspace"))
        .and_then(Item::as_bool)
        == Some(true)
}

#[test]
fn manifests_take_lints_and_versions_from_the_workspace() -> anyhow::Result<()> {
    let mut found = Vec::new();
    for path in files_below("crates", "toml")? {
        let path = path.to_string_lossy();
        if path.ends_with("Cargo.toml") {
            found.extend(complaints(&path, &read(&path)?.parse()?));
        }
    }
    settle(&found);
    Ok(())
}

#[test]
fn a_version_in_a_crate_is_named() -> anyhow::Result<()> {
    let manifest = "[lints]\nworkspace = true\n[dependencies]\n\
        serde.workspace = true\ntokio = { workspace = true, features = [\"rt\"] }\n\
        bytes = \"1\"\n[dev-dependencies]\ninsta = { version = \"1\" }\n";
    let expected = [
        "x gives `bytes` a version of its own: move it to [workspace.dependencies]",
        "x gives `insta` a version of its own: move it to [workspace.dependencies]",
    ];
    assert_eq!(complaints("x", &manifest.parse()?), expected);
    let bare = complaints("x", &"[package]\nname = \"x\"\n".parse()?);
    assert_eq!(bare.len(), 1, "{bare:?}");
    Ok(())
}
