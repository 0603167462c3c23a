//! What the program logs: to standard error, warnings unless `CORVID_LOG` says otherwise.
//! Invariant: standard output stays data; secrets are `Secret` and so never in a log.
//! It must not know who logs what.

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Environment;

/// Starts logging.
///
/// # Errors
/// If `CORVID_LOG` cannot be understood.
pub(crate) fn start(environment: &Environment) -> anyhow::Result<()> {
    let wanted = environment
        .text("CORVID_LOG")
        .map_err(|sentence| anyhow!(sentence))?;
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
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
