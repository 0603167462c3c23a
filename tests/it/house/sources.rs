//! How every Rust file looks: it says what it is, stays small, is named for a concept, and hides no shortcut.
//! Invariant: comments are never taken for code; documentation never counts against a file's size.
//! It must not know what the code does.

use std::fs;
use std::path::Path;

use super::{files_below, root, settle};

/// Lines a file may have, its documentation not counted. Most stay far below; STYLE aims for 300 in all.
const MOST_LINES: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "common", "misc", "manager"];

/// Shortcuts, each with the way out. Pieced together so that this file does not complain of itself.
const SHORTCUTS: &[(&str, &str)] = &[
    (
        concat!("#[", "ignore"),
        "make the test run everywhere or delete it",
    ),
    (concat!("todo", "!("), "finish it"),
    (
        concat!("#[", "allow("),
        "use `#[expect(lint, reason = \"…\")]`",
    ),
    (
        concat!("#![", "allow("),
        "use `#[expect(lint, reason = \"…\")]`",
    ),
];

/// What is wrong with one file, one sentence each.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!(
            "{path} does not open with `//!`: say what it owns, its invariant and what it must not know"
        ));
    }
    let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
    let count = text
        .lines()
        .filter(|line| !is_doc(line.trim_start()))
        .count();
    if count > MOST_LINES {
        complaints.push(format!(
            "{path} has {count} lines beside its documentation, more than {MOST_LINES}: split it by concept"
        ));
    }
    let names = Path::new(path).with_extension("");
    for name in names.iter().filter_map(|name| name.to_str()) {
        if EMPTY_NAMES.contains(&name) {
            complaints.push(format!("{path}: `{name}` names no concept: rename it"));
        }
    }
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let found = SHORTCUTS.iter().filter(|_| !code.starts_with("//"));
        for (shortcut, fix) in found.filter(|(shortcut, _)| code.contains(shortcut)) {
            complaints.push(format!("{path}:{}: `{shortcut}`: {fix}", index + 1));
        }
    }
    complaints
}

#[test]
fn sources_keep_the_house_rules() -> anyhow::Result<()> {
    let mut found = Vec::new();
    for folder in ["crates", "tests"] {
        for path in files_below(folder, "rs")? {
            let text = fs::read_to_string(root().join(&path))?;
            found.extend(complaints(&path.to_string_lossy(), &text));
        }
    }
    settle(&found);
    Ok(())
}

#[test]
fn each_rule_can_be_broken() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        assert_eq!(complaints(path, text), expected);
    };
    let long = format!(
        "//! Long.\n{}{}",
        "/// Doc.\n".repeat(500),
        "x\n".repeat(401)
    );
    check("a/b.rs", "//! Fine.\n// todo\nfn f() {}\n", &[]);
    check(
        "a/b.rs",
        "fn f() {}\n",
        &[
            "a/b.rs does not open with `//!`: say what it owns, its invariant and what it must not know",
        ],
    );
    check(
        "a/b.rs",
        &long,
        &["a/b.rs has 401 lines beside its documentation, more than 400: split it by concept"],
    );
    check(
        "a/utils/mod.rs",
        "//! Odds and ends.\n",
        &["a/utils/mod.rs: `utils` names no concept: rename it"],
    );
    for (shortcut, fix) in SHORTCUTS {
        let text = format!("//! Short.\n    {shortcut}\n// {shortcut}\n");
        check(
            "a/b.rs",
            &text,
            &[&format!("a/b.rs:2: `{shortcut}`: {fix}")],
        );
    }
}
