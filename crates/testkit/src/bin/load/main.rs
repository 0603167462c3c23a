//! `corvid-load`: measures the real binary as a whole process, each figure beside its floors of the same minute.
//! Invariant: it measures and prints; a missed figure is shown as missed, never retuned.
//! It must not know the program's insides; it starts it, feeds it, kills it and looks at files.

mod cost;
mod floor;
mod report;
mod run;

use std::error::Error;
use std::ffi::OsString;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

const USAGE: &str = "usage: corvid-load run --agent PATH [--turns N]

Measures the binary PATH (build it with --release) and prints every figure beside its floors.
--turns N  how often each thing is measured (default 30)";

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
            let (agent, turns) = options_of(options)?;
            let report = run::run(&agent.canonicalize()?, turns)?;
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

fn options_of(mut options: &[&str]) -> Result<(PathBuf, usize), Box<dyn Error>> {
    let (mut agent, mut turns) = (None, 30);
    while let [name, value, rest @ ..] = options {
        match *name {
            "--agent" => agent = Some(PathBuf::from(value)),
            "--turns" => {
                turns = value
                    .parse()
                    .ok()
                    .filter(|turns| *turns > 0)
                    .ok_or_else(|| format!("--turns `{value}` is no positive number"))?;
            }
            _ => return Err(USAGE.into()),
        }
        options = rest;
    }
    match (agent, options) {
        (Some(agent), []) => Ok((agent, turns)),
        _ => Err(USAGE.into()),
    }
}
