//! `corvid-load`: measures the real binary as a whole process, each figure beside its floors of the same minute.
//! Invariant: it measures and prints; a missed figure is shown as missed, never retuned.
//! It must not know the program's insides; it starts it, feeds it, kills it and looks at files.

mod cost;
mod floor;
mod report;
mod run;
mod telegram;

use std::error::Error;
use std::ffi::OsString;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

const USAGE: &str = "usage: corvid-load run --agent PATH [--turns N]
       corvid-load telegram --agent PATH [--chats N] [--messages M]

Measures the binary PATH (build it with --release) and prints every figure beside its floors.
run         one-shot turns
  --turns N     how often each thing is measured (default 30)
telegram    the daemon in front of a fake Telegram, idle and with everybody writing at once
  --chats N     how many people (default 200)
  --messages M  how often each of them writes (default 3)";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = arguments
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .collect();
    match words.as_slice() {
        // Does nothing at all: the floor of every start.
        [floor::EMPTY] => Ok(()),
        [cost::MEASURE, result, _program, ..] => cost::measure(result.as_ref(), &arguments[2..]),
        ["run", options @ ..] => {
            let (agent, [turns]) = options_of(options, [("--turns", 30)])?;
            let report = run::run(&agent.canonicalize()?, turns)?;
            writeln!(stdout(), "{report}")?;
            Ok(())
        }
        ["telegram", options @ ..] => {
            let counts = [("--chats", 200), ("--messages", 3)];
            let (agent, [chats, messages]) = options_of(options, counts)?;
            let report = telegram::run(&agent.canonicalize()?, chats, messages)?;
            writeln!(stdout(), "{report}")?;
            Ok(())
        }
        ["--help" | "-h"] => {
            writeln!(stdout(), "{USAGE}")?;
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// The binary to measure, and how often: positive numbers, each with what it is if it is not given.
fn options_of<const COUNTS: usize>(
    mut options: &[&str],
    counts: [(&str, usize); COUNTS],
) -> Result<(PathBuf, [usize; COUNTS]), Box<dyn Error>> {
    let mut agent = None;
    let mut chosen = counts.map(|(_, usual)| usual);
    while let [name, value, rest @ ..] = options {
        let known = counts.iter().position(|(count, _)| count == name);
        match known {
            Some(index) => {
                chosen[index] = value
                    .parse()
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| format!("{name} `{value}` is no positive number"))?;
            }
            None if *name == "--agent" => agent = Some(PathBuf::from(value)),
            None => return Err(USAGE.into()),
        }
        options = rest;
    }
    match (agent, options) {
        (Some(agent), []) => Ok((agent, chosen)),
        _ => Err(USAGE.into()),
    }
}
