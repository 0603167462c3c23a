//! The key that moves a running command to the background.
//! Invariant: nothing is read but that key; what is typed for the shell is left to it, and once there is any, nothing is
//! offered for that command any more.
//! It must not know how a command is moved.

use std::sync::Arc;

use corvid_core::wire::{CallId, Millis};
use tokio::sync::OwnedMutexGuard;

use super::keyboard::{Changes, Ear, Manner, STOP};
use super::{Person, Terminal, locked};

/// The key.
pub(super) const KEY: u8 = b'b';

/// How long a command must have run before that is offered, in milliseconds: most are over by then.
const PATIENCE: Millis = 2_000;

/// Whether the key is waited for.
#[derive(Default)]
pub(super) struct Watch {
    open: Option<Open>,
    /// A command for which it is not offered any more.
    declined: Option<CallId>,
}

struct Open {
    call: CallId,
    ear: Ear,
    /// Held, so that nobody else reads meanwhile.
    _seat: OwnedMutexGuard<Option<Person>>,
}

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// The key.
    Background,
    /// Ctrl-Z.
    Stop,
    /// Something that is not for us.
    Other,
}

impl Watch {
    /// Begins or ends the waiting, as it should be at `now`.
    pub(super) fn tend(&mut self, terminal: &Terminal, now: Millis) {
        let wanted = self.wanted(terminal, now);
        if self.open.as_ref().map(|open| open.call) == wanted {
            return;
        }
        self.open = None;
        match wanted.map(|call| Open::new(terminal, call)) {
            Some(Ok(open)) => self.open = Some(open),
            Some(Err(Refusal::Never)) => self.declined = wanted,
            Some(Err(Refusal::NotNow)) | None => {}
        }
        locked(&terminal.screen).offer(self.open.is_some());
    }

    /// The next key; never, while none is waited for. Safe to drop.
    pub(super) async fn pressed(&self) -> Pressed {
        let Some(open) = &self.open else {
            return std::future::pending().await;
        };
        match open.ear.read_one().await {
            Some(KEY) => Pressed::Background,
            Some(STOP) => Pressed::Stop,
            _ => Pressed::Other,
        }
    }

    /// Acts on a key. Whatever it is, the keyboard is given back first.
    pub(super) async fn act(&mut self, terminal: &Terminal, pressed: Pressed) {
        let call = self.open.take().map(|open| open.call);
        locked(&terminal.screen).offer(false);
        match pressed {
            Pressed::Background => {
                self.declined = call;
                if let Some(asked) = &*locked(&terminal.background) {
                    asked.notify_one();
                }
            }
            Pressed::Stop => {
                locked(&terminal.screen).erase();
                Changes::new().stop_job(&*terminal.clock).await;
            }
            Pressed::Other => self.declined = call,
        }
    }

    fn wanted(&self, terminal: &Terminal, now: Millis) -> Option<CallId> {
        let offered = locked(&terminal.background).is_some() && *terminal.asking.borrow() == 0;
        let movable = locked(&terminal.screen)
            .live()
            .movable(now.saturating_sub(PATIENCE));
        movable.filter(|call| offered && self.declined != Some(*call))
    }
}

/// Why the key is not waited for.
enum Refusal {
    /// Somebody else has the keyboard.
    NotNow,
    /// Nobody is there, or what is typed is for the shell.
    Never,
}

impl Open {
    fn new(terminal: &Terminal, call: CallId) -> Result<Self, Refusal> {
        let seat = Arc::clone(&terminal.person)
            .try_lock_owned()
            .map_err(|_| Refusal::NotNow)?;
        let Some(Person { keyboard, .. }) = &*seat else {
            return Err(Refusal::Never);
        };
        if !keyboard.is_in_front() {
            return Err(Refusal::NotNow);
        }
        // Typed before this was offered, so that it is meant for the shell.
        if keyboard.waiting() > 0 {
            return Err(Refusal::Never);
        }
        let ear = keyboard
            .listen(Manner::OneKey(KEY))
            .map_err(|_| Refusal::Never)?;
        Ok(Self {
            call,
            ear,
            _seat: seat,
        })
    }
}
