//! What the program logs: to standard error, warnings unless `CORVID_LOG` says otherwise.
//! Invariant: standard output stays data, and a secret that the program knows of stands in no entry, though it came
//! in an error of somebody else's.
//! It must not know who logs what.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use corvid_core::redact::{RedactStream, Redactor};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Environment;

/// Erases what stands in a terminal's last line: the moving line of a turn.
const ERASE: &[u8] = b"\r\x1b[2K";

/// What is taken out of entries. The log is the process's one, and begins before the config can be read.
static HIDDEN: OnceLock<Arc<Redactor>> = OnceLock::new();

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

/// Starts logging.
///
/// # Errors
/// If `CORVID_LOG` cannot be understood.
pub(crate) fn start(environment: &Environment) -> anyhow::Result<()> {
    let wanted = environment
        .text("CORVID_LOG")
        .map_err(|sentence| anyhow!(sentence))?;
    let is_screen = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_writer(move || Entry::new(io::stderr(), is_screen, HIDDEN.get().map(Arc::as_ref)))
        .with_ansi(false);
    let started = match wanted {
        // Reading a filter costs more than all else at the start, and almost nobody sets one.
        None => builder.with_max_level(LevelFilter::WARN).try_init(),
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
}

impl<W: Write> Entry<W> {
    fn new(out: W, erases: bool, hidden: Option<&Redactor>) -> Self {
        let hidden = hidden.filter(|hidden| !hidden.is_empty());
        Self {
            erases,
            hides: hidden.map(Redactor::stream),
            out,
        }
    }
}

impl<W: Write> Write for Entry<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.erases) {
            self.out.write_all(ERASE)?;
        }
        match &mut self.hides {
            None => self.out.write(bytes),
            Some(hides) => {
                self.out.write_all(&hides.push(bytes))?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Drop for Entry<W> {
    fn drop(&mut self) {
        let rest = self.hides.take().map(RedactStream::finish);
        let written = self.out.write_all(&rest.unwrap_or_default());
        // A log that cannot be written has nowhere to say so.
        drop(written);
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
