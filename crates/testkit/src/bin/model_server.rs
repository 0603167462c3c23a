//! The scripted model server as a process of its own.
//! Invariant: the first line on standard output is its URL; it serves until it is killed, or until standard
//! input closes where the script came from there.
//! It must not know anything that `model_server` does not.

use std::error::Error;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _, stdin, stdout};

use corvid_testkit::ModelServer;
use corvid_testkit::model_server::Script;

const USAGE: &str = "usage: corvid-model-server [SCRIPT.json | -] [LEDGER.jsonl]

Serves a scripted model on a free port of 127.0.0.1 and prints its URL.
SCRIPT.json  the script; `-` takes it from the first line of standard input and serves until
             that closes; without a script, the model echoes
LEDGER.jsonl takes a line for every exchange that has ended";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (script, ledger) = match arguments.as_slice() {
        [] => (Script::echo(), None),
        [script] if script == "--help" => {
            writeln!(stdout(), "{USAGE}")?;
            return Ok(());
        }
        [script] => (read_script(script)?, None),
        [script, ledger] => (read_script(script)?, Some(open_ledger(ledger)?)),
        _ => return Err(USAGE.into()),
    };
    let server = match ledger {
        Some(ledger) => ModelServer::start_with_ledger(script, ledger)?,
        None => ModelServer::start(script)?,
    };
    writeln!(stdout(), "{}", server.url())?;
    stdout().flush()?;
    if arguments.first().is_some_and(|script| script == "-") {
        // Whoever started it holds its standard input, and takes it along when it ends.
        stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

fn read_script(path: &OsString) -> Result<Script, Box<dyn Error>> {
    let text = if path == "-" {
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        line
    } else {
        std::fs::read_to_string(path)
            .map_err(|error| format!("the script {} cannot be read: {error}", path.display()))?
    };
    serde_json::from_str(&text)
        .map_err(|error| format!("the script {} is malformed: {error}", path.display()).into())
}

fn open_ledger(path: &OsString) -> Result<File, Box<dyn Error>> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened
        .map_err(|error| format!("the ledger {} cannot be opened: {error}", path.display()).into())
}
