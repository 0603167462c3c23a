//! A terminal that hands over keys one by one, and its way back.
//! Invariant: whatever ends the wait (an answer, a dropped future, a panic), the terminal is as it was found, unless
//! it belongs to another job by then.
//! It must not know the keys.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::is_in_front;

/// Terminals that hand over keys now, with what they were like.
static CHANGED: Mutex<Changed> = Mutex::new(Changed {
    next: 0,
    terminals: BTreeMap::new(),
});

struct Changed {
    next: u64,
    terminals: BTreeMap<u64, (Arc<OwnedFd>, Termios)>,
}

/// While this lives, its terminal hands over keys without waiting for a line, and does not echo them. Ctrl-C
/// still interrupts; Ctrl-Z is a key.
#[derive(Debug)]
pub(super) struct Raw(u64);

impl Raw {
    /// Changes the terminal.
    ///
    /// # Errors
    /// If it is no terminal.
    pub(super) fn enter(terminal: &Arc<OwnedFd>) -> io::Result<Self> {
        restore_on_panic();
        let before = tcgetattr(terminal)?;
        let mut keys = before.clone();
        let lines = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL | LocalModes::IEXTEN;
        keys.local_modes.remove(lines);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Stopping must first give the terminal back, which the system does not know how to.
        keys.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
        // Noted first: a panic between the two would only set what is set already.
        let mut changed = changed();
        let id = changed.next;
        changed.next += 1;
        changed.terminals.insert(id, (Arc::clone(terminal), before));
        drop(changed);
        let raw = Self(id);
        tcsetattr(terminal, OptionalActions::Now, &keys)?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some((terminal, before)) = changed().terminals.remove(&self.0) {
            restore(&terminal, &before);
        }
    }
}

/// A special character that is none (`_POSIX_VDISABLE`).
const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// Gives every changed terminal back; for ends of the process that drop nothing.
pub(super) fn restore_all() {
    for (terminal, before) in changed().terminals.values() {
        restore(terminal, before);
    }
}

fn restore(terminal: &Arc<OwnedFd>, before: &Termios) {
    // Another job's terminal is not ours to set; and trying would stop this process.
    if is_in_front(terminal) {
        // A terminal that is gone needs nothing any more.
        tcsetattr(terminal, OptionalActions::Now, before).unwrap_or_default();
    }
}

/// A release aborts on a panic, so that nothing would be dropped.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore_all();
            previous(panic);
        }));
    });
}

fn changed() -> MutexGuard<'static, Changed> {
    CHANGED.lock().unwrap_or_else(PoisonError::into_inner)
}
