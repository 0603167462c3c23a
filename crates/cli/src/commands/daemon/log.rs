//! `agent logs`: the end of what was logged, and what is logged from now on.
//! Invariant: lines are shown whole and in their order, across files; foreign text in them is inert.
//! It must not know who logs.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use corvid_channels::inert;

use crate::args::Log;
use crate::config::Home;
use crate::exit::Exit;
use crate::logs::{files, newest};
use crate::output::{print, print_on, say};

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Shows the log.
///
/// # Errors
/// If it cannot be read, or standard output cannot be written.
pub(in crate::commands) async fn logs(arguments: Log, home: &Home) -> anyhow::Result<Exit> {
    let path = newest(&home.state);
    let read = || format!("{} cannot be read", path.display());
    let mut tail = Tail::default();
    let shown = last_lines(home, arguments.lines, &mut tail).with_context(read)?;
    if shown.is_empty() && !path.exists() {
        say("nothing was logged yet; `agent start` begins");
    }
    print(&inert(&shown))?;
    if !arguments.follow {
        return Ok(Exit::Done);
    }
    loop {
        tokio::time::sleep(LOOK).await;
        let more = tail.more(&path).with_context(read)?;
        if !more.is_empty() && !print_on(&inert(&more))? {
            return Ok(Exit::Done);
        }
    }
}

/// The end of all files together.
fn last_lines(home: &Home, count: usize, tail: &mut Tail) -> io::Result<String> {
    let path = newest(&home.state);
    let mut text = String::new();
    for file in files(&home.state) {
        if file == path {
            text.push_str(&tail.more(&file)?);
        } else if let Some(bytes) = if_there(fs::read(&file))? {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    let begin = text
        .rmatch_indices('\n')
        .map(|(at, _)| at + 1)
        .nth(count)
        .unwrap_or(0);
    Ok(if count == 0 {
        String::new()
    } else {
        text.split_off(begin)
    })
}

/// A file that grows, and gives way to a new one.
#[derive(Default)]
struct Tail {
    open: Option<File>,
    /// A line that is not whole yet.
    begun: Vec<u8>,
}

impl Tail {
    /// The whole lines that have come since.
    fn more(&mut self, path: &Path) -> io::Result<String> {
        if self.open.is_none() {
            self.open = if_there(File::open(path))?;
        }
        self.read()?;
        // The rest of the old file was read after it had given way, so nothing is missed.
        if self.has_given_way(path)? {
            self.read()?;
            self.open = if_there(File::open(path))?;
            self.read()?;
        }
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n');
        let rest = self.begun.split_off(whole.map_or(0, |at| at + 1));
        let lines = std::mem::replace(&mut self.begun, rest);
        Ok(String::from_utf8_lossy(&lines).into_owned())
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.open else {
            return Ok(());
        };
        // Somebody may have emptied it.
        if file.metadata()?.len() < file.stream_position()? {
            file.rewind()?;
        }
        file.read_to_end(&mut self.begun)?;
        Ok(())
    }

    fn has_given_way(&self, path: &Path) -> io::Result<bool> {
        let (Some(open), Some(now)) = (&self.open, if_there(fs::metadata(path))?) else {
            return Ok(false);
        };
        Ok(open.metadata()?.ino() != now.ino())
    }
}

fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_followed_log_misses_nothing_when_its_file_gives_way() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (path, older) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
        let mut tail = Tail::default();
        assert_eq!(tail.more(&path)?, "", "there is none yet");
        let mut file = File::create(&path)?;
        file.write_all(b"one\ntw")?;
        assert_eq!(tail.more(&path)?, "one\n");
        file.write_all(b"o\nthree\n")?;
        fs::rename(&path, &older)?;
        fs::write(&path, "four\n")?;
        assert_eq!(tail.more(&path)?, "two\nthree\nfour\n");
        assert_eq!(tail.more(&path)?, "");
        Ok(())
    }
}
