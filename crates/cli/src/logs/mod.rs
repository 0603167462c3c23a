//! What the program logs: to standard error, warnings unless `CORVID_LOG` says otherwise; a daemon's, which begins with
//! what is worth knowing, into a file as well.
//! Invariant: standard output stays data, and a secret that the program knows of stands in no entry, though it came
//! in an error of somebody else's.
//! It must not know who logs what.

mod file;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, anyhow};
use corvid_core::redact::{RedactStream, Redactor};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Environment;
use file::LogFile;

pub(crate) use file::{files, newest};

/// Erases what stands in a terminal's last line: the moving line of a turn.
const ERASE: &[u8] = b"\r\x1b[2K";

/// What is taken out of entries. The log is the process's one, and begins before the config can be read.
static HIDDEN: OnceLock<Arc<Redactor>> = OnceLock::new();

/// The file that entries go to as well, once there is one.
static KEPT: OnceLock<Mutex<LogFile>> = OnceLock::new();

/// Keeps every entry from now on in a file below this folder, too; the first call holds.
///
/// # Errors
/// If the folder or the file cannot be made; with the path.
pub(crate) fn keep(state: &Path) -> anyhow::Result<()> {
    let opened = LogFile::open(state)
        .with_context(|| format!("the log below {} cannot be written", state.display()))?;
    KEPT.get_or_init(|| Mutex::new(opened));
    Ok(())
}

/// Takes these secrets out of every entry from now on; the first call holds.
pub(crate) fn hide(secrets: &Arc<Redactor>) {
    HIDDEN.get_or_init(|| Arc::clone(secrets));
}

/// The text without those secrets, for what goes to standard error beside the log.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    HIDDEN
        .get()
        .map_or(Cow::Borrowed(text), |hidden| hidden.text(text))
}

/// Starts logging, `usual` and above unless `CORVID_LOG` says otherwise.
///
/// # Errors
/// If `CORVID_LOG` cannot be understood.
pub(crate) fn start(environment: &Environment, usual: LevelFilter) -> anyhow::Result<()> {
    let wanted = environment
        .text("CORVID_LOG")
        .map_err(|sentence| anyhow!(sentence))?;
    let is_screen = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_writer(move || Entry::new(io::stderr(), is_screen, HIDDEN.get().map(Arc::as_ref)))
        .with_ansi(false);
    let started = match wanted {
        // Reading a filter costs more than all else at the start, and almost nobody sets one.
        None => builder.with_max_level(usual).try_init(),
        Some(wanted) => {
            let filter = EnvFilter::try_new(wanted).map_err(|error| {
                anyhow!(
                    "CORVID_LOG is `{wanted}`: {error}; use a level (error, warn, info, debug, trace) or \
                     e.g. `warn,corvid_llm=debug`"
                )
            })?;
            builder.with_env_filter(filter).try_init()
        }
    };
    started.map_err(|error| anyhow!("logging cannot start: {error}"))
}

/// One entry on its way out, whole once it is dropped.
struct Entry<W: Write> {
    /// Whether there is a moving line to erase first.
    erases: bool,
    /// None if there is nothing to hide.
    hides: Option<RedactStream>,
    out: W,
    /// What goes to the file, if there is one.
    kept: Option<Vec<u8>>,
}

impl<W: Write> Entry<W> {
    fn new(out: W, erases: bool, hidden: Option<&Redactor>) -> Self {
        let hidden = hidden.filter(|hidden| !hidden.is_empty());
        Self {
            erases,
            hides: hidden.map(Redactor::stream),
            out,
            kept: KEPT.get().map(|_| Vec::new()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        self.out.write_all(bytes)
    }
}

impl<W: Write> Write for Entry<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.erases) {
            self.out.write_all(ERASE)?;
        }
        let shown = self.hides.as_mut().map(|hides| hides.push(bytes));
        self.put(shown.as_deref().unwrap_or(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Drop for Entry<W> {
    fn drop(&mut self) {
        let rest = self.hides.take().map(RedactStream::finish);
        let written = self.put(&rest.unwrap_or_default());
        let kept = self.kept.take().unwrap_or_default();
        let file = KEPT.get().map(|file| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.append(&kept)
        });
        // A log that cannot be written has nowhere to say so.
        drop((written, file));
    }
}

#[cfg(test)]
mod tests {
    use corvid_core::Secret;

    use super::*;

    fn logged(pieces: &[&str], erases: bool, hidden: &Redactor) -> String {
        let mut out = Vec::new();
        let mut entry = Entry::new(&mut out, erases, Some(hidden));
        for piece in pieces {
            entry.write_all(piece.as_bytes()).expect("memory takes all");
        }
        drop(entry);
        String::from_utf8(out).expect("text stays text")
    }

    #[test]
    fn an_entry_holds_no_secret_however_it_is_written() {
        let secret = Secret::new("123456:AAF-bot-token");
        let hidden = Redactor::new([("BOT_TOKEN".to_owned(), secret)]);
        assert_eq!(
            logged(
                &["GET /bot123456:AAF", "-bot-token/getMe: 1", "23456\n"],
                false,
                &hidden
            ),
            "GET /bot[redacted:BOT_TOKEN]/getMe: 123456\n"
        );
        assert_eq!(
            logged(&["ends in 123456:AAF"], false, &hidden),
            "ends in 123456:AAF"
        );
    }

    #[test]
    fn a_moving_line_is_erased_once_before_an_entry() {
        let logged = logged(&["one ", "entry\n"], true, &Redactor::default());
        assert_eq!(logged, "\r\x1b[2Kone entry\n");
    }
}
