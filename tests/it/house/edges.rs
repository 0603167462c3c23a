//! The star of crates: the table in `crates/README.md` is the list, `cargo metadata` the truth, and they agree.
//! Invariant: normal dependencies only, optional ones included; what tests and benches use is free.
//! It must not know why an edge is there; the page says so.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use super::{read, root, settle};

const PREFIX: &str = "corvid-";

/// What one row of the table allows.
#[derive(Debug, PartialEq, Eq)]
enum Allowed {
    All,
    Only(BTreeSet<String>),
}

/// One dependency of a crate of ours on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    to: String,
    optional: bool,
}

type Listed = BTreeMap<String, Allowed>;
type Found = BTreeMap<String, BTreeSet<Edge>>;

/// Reads the table: the crate is the first code word of the first column, the crates it may depend on those of the third.
fn listed(page: &str) -> Listed {
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let name = code_words(cells.get(1)?).next()?;
        let cell = cells.get(3)?;
        let allowed = if cell.trim() == "all" {
            Allowed::All
        } else {
            Allowed::Only(code_words(cell).collect())
        };
        Some((name, allowed))
    })
    .collect()
}

/// The words between backticks.
fn code_words(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// Asks cargo.
fn found() -> anyhow::Result<Found> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages.iter().map(package).collect()
}

/// One package's name without the prefix, and its normal dependencies on ours.
fn package(package: &Value) -> anyhow::Result<(String, BTreeSet<Edge>)> {
    let name = package["name"].as_str().context("a package has no name")?;
    let name = name
        .strip_prefix(PREFIX)
        .with_context(|| format!("`{name}` does not begin with `{PREFIX}`"))?;
    let dependencies = package["dependencies"]
        .as_array()
        .context("no dependencies")?;
    let edges = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| {
            Some(Edge {
                to: dependency["name"]
                    .as_str()?
                    .strip_prefix(PREFIX)?
                    .to_owned(),
                optional: dependency["optional"] == true,
            })
        })
        .collect();
    Ok((name.to_owned(), edges))
}

/// What differs between the two, one sentence each.
fn complaints(listed: &Listed, found: &Found) -> Vec<String> {
    let mut complaints = Vec::new();
    for gone in listed.keys().filter(|name| !found.contains_key(*name)) {
        complaints.push(format!(
            "`{gone}` is in the table of crates/README.md but there is no such crate"
        ));
    }
    for (from, edges) in found {
        match listed.get(from) {
            None => complaints.push(format!("`{from}` has no row in crates/README.md: add it")),
            Some(Allowed::All) => complaints.extend(
                edges
                    .iter()
                    .filter(|edge| edge.to == "testkit" && !edge.optional)
                    .map(|_| {
                        format!("`{from}` → `testkit` must be optional: no release has fakes")
                    }),
            ),
            Some(Allowed::Only(allowed)) => {
                let real: BTreeSet<String> = edges.iter().map(|edge| edge.to.clone()).collect();
                complaints.extend(real.difference(allowed).map(|to| {
                    format!("`{from}` → `{to}` is not listed in crates/README.md: take it out, or argue for it there")
                }));
                complaints.extend(allowed.difference(&real).map(|to| {
                    format!(
                        "`{from}` → `{to}` is listed in crates/README.md but not there: strike it"
                    )
                }));
            }
        }
    }
    complaints
}

#[test]
fn crates_depend_on_each_other_as_the_page_lists() -> anyhow::Result<()> {
    settle(&complaints(&listed(&read("crates/README.md")?), &found()?));
    Ok(())
}

#[test]
fn the_table_is_read_as_written() {
    let page = "| crate | owns | may depend on |\n|---|---|---|\n\
        | [`core`](core/src/lib.rs) | the `Channel` seam | `wire` |\n\
        | [`cli`](cli/src/main.rs) | the binary | all |\n\
        | [`wire`](wire/src/lib.rs) | words | nothing of ours |\n";
    let expected = Listed::from([
        (
            "core".to_owned(),
            Allowed::Only(BTreeSet::from(["wire".to_owned()])),
        ),
        ("cli".to_owned(), Allowed::All),
        ("wire".to_owned(), Allowed::Only(BTreeSet::new())),
    ]);
    assert_eq!(listed(page), expected);
}

#[test]
fn an_edge_too_many_or_too_few_is_named() {
    let only = |names: &[&str]| Allowed::Only(names.iter().map(|&name| name.to_owned()).collect());
    let edges = |names: &[&str]| {
        let edge = |&name: &&str| Edge {
            to: name.to_owned(),
            optional: false,
        };
        names.iter().map(edge).collect::<BTreeSet<_>>()
    };
    let listed = Listed::from([
        ("agent".to_owned(), only(&["core"])),
        ("cli".to_owned(), Allowed::All),
        ("moon".to_owned(), only(&[])),
    ]);
    let found = Found::from([
        ("agent".to_owned(), edges(&["store"])),
        ("cli".to_owned(), edges(&["agent", "testkit"])),
        ("wire".to_owned(), edges(&[])),
    ]);
    let starts = [
        "`moon` is in the table",
        "`agent` → `store` is not listed",
        "`agent` → `core` is listed",
        "`cli` → `testkit` must be optional",
        "`wire` has no row",
    ];
    let complaints = complaints(&listed, &found);
    assert_eq!(complaints.len(), starts.len(), "{complaints:#?}");
    for (complaint, start) in complaints.iter().zip(starts) {
        assert!(complaint.starts_with(start), "{complaint}");
    }
}
