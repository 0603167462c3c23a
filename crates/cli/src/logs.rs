//! What the program logs: to standard error, warnings unless `CORVID_LOG` says otherwise.
//! Invariant: standard output stays data; secrets are `Secret` and so never in a log.
//! It must not know who logs what.

use std::io::{self, IsTerminal as _, Write};

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Environment;

/// Erases what stands in a terminal's last line: the moving line of a turn.
const ERASE: &[u8] = b"\r\x1b[2K";

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
        .with_writer(move || Entry {
            erases: is_screen,
            err: io::stderr(),
        })
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

/// One entry on its way to standard error.
struct Entry {
    /// Whether there is a moving line to erase first.
    erases: bool,
    err: io::Stderr,
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.erases) {
            self.err.write_all(ERASE)?;
        }
        self.err.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.err.flush()
    }
}
