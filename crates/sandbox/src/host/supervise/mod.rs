//! Seeing a command to its end from outside, on every system alike.
//! Invariant: no `unsafe`; what other programs do between fork and exec is done here by executing the
//! helper again, before it has any thread.
//! It must not know how a system confines or ends processes; the system's own module does.

mod output;
pub(super) mod pipe;
pub(super) mod shell;
mod supervisor;
mod watch;

use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};

use super::config::Isolation;
use super::plan::{BEGIN, CONFINE, PROBE, STAGE_WORD, SUPERVISE};
use super::{portable, system};

/// Acts as a stage of a command if this process was started as one. Call it first in `main`, before any
/// thread exists: `Some` is the process's exit code, `None` means that it is an ordinary process.
pub fn enter() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != STAGE_WORD {
        return None;
    }
    let stage = arguments.next();
    Some(match stage.as_ref().and_then(|stage| stage.to_str()) {
        Some(SUPERVISE) => {
            let isolation = arguments.next();
            let isolation = isolation.as_ref().and_then(|word| word.to_str());
            match isolation.and_then(Isolation::of_word) {
                Some(isolation) => supervisor::main(isolation),
                None => ExitCode::from(2),
            }
        }
        Some(CONFINE) => system::confine(),
        Some(BEGIN) => portable::begin(),
        Some(PROBE) => system::probe(),
        _ => ExitCode::from(2),
    })
}

/// Signals that end a whole service at once are not for the processes around a command: their parent
/// decides, and their lifeline tells them.
pub(super) fn signals_left_to_the_parent() -> SigSet {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        signals.add(signal);
    }
    signals
}
