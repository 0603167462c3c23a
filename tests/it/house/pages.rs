//! The pages tell the truth: every command in `README.md` is one that the binary takes, every command that
//! the binary offers is in `README.md`, and every relative link leads somewhere.
//! Invariant: a command is tried with `--help` at its end, so that nothing is ever carried out.
//! It must not know which commands there are.

use std::process::Command;

use super::{read, root, settle};

/// How commands are spelt, up to their first argument.
const SPELLINGS: &[&str] = &["agent", "cargo run --release --"];

/// The arguments of every call of the binary that a page shows, in code blocks and between backticks.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            found.extend(pipeline(line));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).flat_map(pipeline));
        }
    }
    found
}

/// The calls of the binary in one line of shell.
fn pipeline(line: &str) -> Vec<Vec<String>> {
    let mut calls = vec![Vec::new()];
    for word in words(line) {
        match word.as_str() {
            "|" | "&&" | ";" => calls.push(Vec::new()),
            "#" => break,
            _ => {
                if let Some(call) = calls.last_mut() {
                    call.push(word);
                }
            }
        }
    }
    calls.iter().filter_map(|call| arguments(call)).collect()
}

/// The arguments, if these words call the binary; variables set before the call are passed over.
fn arguments(words: &[String]) -> Option<Vec<String>> {
    let is_variable = |word: &&String| word.contains('=') && !word.starts_with('-');
    let words = &words[words.iter().take_while(is_variable).count()..];
    SPELLINGS.iter().find_map(|spelling| {
        let spelling: Vec<&str> = spelling.split(' ').collect();
        let rest = words.get(spelling.len()..)?;
        (words[..spelling.len()] == spelling[..]).then(|| rest.to_vec())
    })
}

/// The words of a line as a shell would see them, as far as quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// What the binary says to these arguments and `--help`: its help, or its complaint.
fn help(arguments: &[String]) -> anyhow::Result<Result<String, String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_agent"))
        .args(arguments)
        .arg("--help")
        .output()?;
    Ok(if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    })
}

/// The names under `Commands:` in a help text.
fn offered(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

/// The targets of a page's links that are paths, without their fragments.
fn paths(page: &str) -> impl Iterator<Item = &str> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn readme_shows_only_commands_that_are_there() -> anyhow::Result<()> {
    let shown = commands(&read("README.md")?);
    anyhow::ensure!(!shown.is_empty(), "README.md shows no command at all");
    let mut complaints = Vec::new();
    for arguments in shown {
        if let Err(complaint) = help(&arguments)? {
            let command = arguments.join(" ");
            complaints.push(format!(
                "README.md shows `agent {command}`, which the binary refuses: {complaint}"
            ));
        }
    }
    settle(&complaints);
    Ok(())
}

#[test]
fn readme_shows_every_command_that_is_there() -> anyhow::Result<()> {
    let shown = commands(&read("README.md")?);
    let top = help(&[])?.map_err(anyhow::Error::msg)?;
    let offered = offered(&top);
    anyhow::ensure!(!offered.is_empty(), "no commands in the help:\n{top}");
    let missing = offered
        .iter()
        .filter(|name| {
            !shown
                .iter()
                .any(|call| call.first().is_some_and(|first| first == *name))
        })
        .map(|name| {
            format!("README.md never shows `agent {name}`: add it where a reader looks for it")
        });
    settle(&missing.collect::<Vec<_>>());
    Ok(())
}

#[test]
fn links_between_pages_and_code_lead_somewhere() -> anyhow::Result<()> {
    let mut complaints = Vec::new();
    for page in ["README.md", "CHANGELOG.md", "crates/README.md"] {
        let folder = root().join(page).with_file_name("");
        let text = read(page)?;
        let broken = paths(&text).filter(|path| !folder.join(path).exists());
        complaints.extend(broken.map(|path| format!("{page}: the link to `{path}` is broken")));
    }
    settle(&complaints);
    Ok(())
}

#[test]
fn commands_are_found_where_a_reader_sees_them() {
    let page = "Say `agent model list`, or `agents` and `file`.\n```sh\n\
        git diff | agent run -e \"review this\"  # now\n$ KEY=x cargo run --release -- run -e \"what's here?\"\n\
        agent: not a command\n```\nDone: `agent`.\n";
    let expected = [
        vec!["model", "list"],
        vec!["run", "-e", "review this"],
        vec!["run", "-e", "what's here?"],
        vec![],
    ];
    assert_eq!(commands(page), expected);
}

#[test]
fn a_command_that_is_not_there_is_refused() -> anyhow::Result<()> {
    assert!(help(&["fly".to_owned(), "to-the-moon".to_owned()])?.is_err());
    Ok(())
}

#[test]
fn names_and_paths_are_read_from_their_places() {
    let help =
        "Usage: agent\n\nCommands:\n  run   Runs\n        on\n  help  Prints\n\nOptions:\n  -h\n";
    assert_eq!(offered(help), ["run"]);
    let page = "[a](b.rs#L1), [web](https://x.example/y), [here](#life), ![p](q/r.svg)";
    assert_eq!(paths(page).collect::<Vec<_>>(), ["b.rs", "q/r.svg"]);
}
