//! `fake-telegram` as a process of its own.
//! Invariant: it is started, asked and ended as another program would.
//! It must not know anything beyond its URL.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use corvid_testkit::ClockServer;
use corvid_testkit::telegram::{Remote, Say};

/// A running fake that ends with its standard input.
struct Fake {
    child: Child,
    remote: Remote,
}

impl Fake {
    fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-telegram"))
            .arg("--with-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let remote = Remote::new(url.trim_end())?;
        Ok(Self { child, remote })
    }

    fn end(mut self) -> io::Result<bool> {
        drop(self.child.stdin.take());
        Ok(self.child.wait()?.success())
    }
}

#[test]
fn a_fake_of_its_own_is_played_from_outside() -> io::Result<()> {
    let clock = ClockServer::start(5_000)?;
    let address = clock.address().to_string();
    let fake = Fake::start(&["--token", "77:secret", "--clock", &address])?;
    assert_eq!(fake.remote.setup()?.bot_id(), 77);
    let message = fake.remote.say(Say::private(7, "hello"))?;
    clock.clock().advance(1_000);
    fake.remote.edit(7, message, "good day")?;
    let chat = fake.remote.chat(7)?;
    let seen = chat.message(message).map(|message| {
        let texts: Vec<&str> = message.history.iter().map(String::as_str).collect();
        (texts, message.at, message.edited_at)
    });
    assert_eq!(seen, Some((vec!["hello", "good day"], 5_000, Some(6_000))));
    assert_eq!(fake.remote.pending()?, 2);
    assert!(fake.end()?);
    Ok(())
}

#[test]
fn a_wrong_word_is_answered_with_the_usage() -> io::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_fake-telegram"))
        .arg("--tokem")
        .output()?;
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("usage: fake-telegram"), "{error}");
    Ok(())
}
