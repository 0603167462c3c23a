//! `corvid-model-server` as a process of its own.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use corvid_testkit::model_server::{End, Entry, Reply, Script, When};

/// A running server that ends with its standard input.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(script: &Script, ledger: &std::path::Path) -> io::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_corvid-model-server"))
            .arg("-")
            .arg(ledger)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(stdin, "{}", serde_json::to_string(script)?)?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let address = url.trim_end().trim_start_matches("http://");
        let address = address.trim_end_matches("/v1").to_owned();
        Ok(Self { child, address })
    }

    fn ask(&self, user: &str) -> io::Result<String> {
        let message = serde_json::json!({ "role": "user", "content": user });
        let body = serde_json::json!({ "model": "m", "messages": [message] }).to_string();
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer k\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn end(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().map(drop)
    }
}

#[test]
fn a_script_from_standard_input_is_served_and_every_exchange_is_in_the_ledger()
-> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().join("ledger.jsonl");
    let script = Script::new().once(When::user("moin"), Reply::text("selber moin"));
    let server = Server::start(&script, &ledger)?;
    assert!(server.ask("moin")?.contains("selber moin"));
    assert!(server.ask("moin")?.contains("no rule is left"));
    server.end()?;
    let lines = std::fs::read_to_string(ledger)?;
    let entries: Vec<Entry> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| (entry.reply.as_str(), entry.violations.len(), entry.end))
        .collect();
    assert_eq!(
        seen,
        [("rule 0", 0, End::Complete), ("refused", 1, End::Complete)]
    );
    Ok(())
}

#[test]
fn a_script_that_cannot_be_read_is_named() -> io::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_corvid-model-server"))
        .arg("no-such-script.json")
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        error.contains("the script no-such-script.json cannot be read"),
        "{error}"
    );
    Ok(())
}
