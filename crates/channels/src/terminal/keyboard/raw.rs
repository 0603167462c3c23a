//! A terminal that hands over keys as somebody waits for them, and its way back.
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

/// How a terminal hands over what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::terminal) enum Manner {
    /// Line by line, as the system lets them be edited: it is left as it is.
    Lines,
    /// Key by key, without echo. Ctrl-C still interrupts; Ctrl-Z and Ctrl-\ are keys.
    Keys,
    /// Line by line, but that this key and Ctrl-Z end a line as well. So either can be had as soon as it is
    /// pressed, and all else stays where whoever reads next finds it.
    OneKey(u8),
}

/// The byte of Ctrl-Z.
pub(in crate::terminal) const STOP: u8 = 0x1a;

/// Terminals that are changed now, with what they were like.
static CHANGED: Mutex<Changed> = Mutex::new(Changed {
    next: 0,
    terminals: BTreeMap::new(),
});

struct Changed {
    next: u64,
    terminals: BTreeMap<u64, (Arc<OwnedFd>, Termios)>,
}

/// While this lives, its terminal hands over what is typed in another manner.
#[derive(Debug)]
pub(super) struct Raw(u64);

impl Raw {
    /// Changes the terminal; nothing is to be changed for lines.
    ///
    /// # Errors
    /// If it is no terminal.
    pub(super) fn enter(terminal: &Arc<OwnedFd>, manner: Manner) -> io::Result<Option<Self>> {
        let before = tcgetattr(terminal)?;
        let mut after = before.clone();
        match manner {
            Manner::Lines => return Ok(None),
            Manner::Keys => {
                let lines = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL;
                after.local_modes.remove(lines | LocalModes::IEXTEN);
                after.special_codes[SpecialCodeIndex::VMIN] = 1;
                after.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            Manner::OneKey(key) => {
                after.special_codes[SpecialCodeIndex::VEOL] = key;
                after.special_codes[SpecialCodeIndex::VEOL2] = STOP;
            }
        }
        // Stopping, and quitting at once, must first give the terminal back, which the system does not know how to.
        for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            after.special_codes[code] = DISABLED;
        }
        restore_on_panic();
        // Noted first: a panic between the two would only set what is set already.
        let mut changed = changed();
        let id = changed.next;
        changed.next += 1;
        changed.terminals.insert(id, (Arc::clone(terminal), before));
        drop(changed);
        let raw = Self(id);
        tcsetattr(terminal, OptionalActions::Now, &after)?;
        Ok(Some(raw))
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
