//! The keyboard of the terminal that this process runs on: read without blocking, given back whenever nobody asks.
//! Invariant: nothing is read unless somebody waits for it, and a dropped wait leaves all that was not read yet.
//! It must not know what is asked.

mod keys;
mod raw;

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use corvid_core::Clock;
use corvid_core::wire::Millis;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, getpgrp, kill_process_group};
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp, tcgetwinsize};
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};

pub(super) use keys::{Key, Keys};
use raw::Raw;
pub(super) use raw::{Manner, STOP};

/// How often a job in the background looks whether it was brought to the front, in milliseconds.
const LOOK: Millis = 250;

/// How long a stop may take to begin, in milliseconds.
const STOPPING: Millis = 200;

/// What is read at once, in bytes.
const READ: usize = 4096;

/// A keyboard. Opening it reads nothing.
#[derive(Clone, Debug)]
pub struct Keyboard(Arc<OwnedFd>);

impl Keyboard {
    /// Opens a terminal's keyboard; `/dev/tty` is that of the process, whatever standard input is.
    ///
    /// # Errors
    /// If there is no such terminal.
    pub fn open(terminal: &Path) -> io::Result<Self> {
        // Opened anew, so that not blocking is a matter of this descriptor alone and not of the shell's.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(terminal, flags, Mode::empty())?;
        rustix::termios::tcgetattr(&opened)?;
        Ok(Self(Arc::new(opened)))
    }

    /// The screen's width in columns, if it tells.
    pub(super) fn columns(&self) -> Option<usize> {
        let size = tcgetwinsize(&self.0).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// Whether what is typed is meant for this process and not for the shell or another job.
    pub(super) fn is_in_front(&self) -> bool {
        is_in_front(&self.0)
    }

    /// Resolves once what is typed is meant for this process.
    pub(super) async fn in_front(&self, clock: &dyn Clock) {
        while !self.is_in_front() {
            clock.sleep_until(clock.now().saturating_add(LOOK)).await;
        }
    }

    /// Drops what was typed and not read.
    pub(super) fn forget(&self) {
        // A terminal that cannot be asked to is gone, and has nothing to be read.
        tcflush(&self.0, QueueSelector::IFlush).unwrap_or_default();
    }

    /// How many bytes were typed and can be read now.
    pub(super) fn waiting(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.0).unwrap_or(0)
    }

    /// Listens to what is typed.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) fn listen(&self, manner: Manner) -> io::Result<Ear> {
        let raw = Raw::enter(&self.0, manner)?;
        // Tokio's reader of pipes takes whatever can be waited for, without a thread that could not be woken.
        let terminal = Receiver::from_owned_fd_unchecked(self.0.try_clone()?)?;
        Ok(Ear {
            terminal,
            keyboard: self.clone(),
            _raw: raw,
        })
    }
}

/// An open wait for keys; dropped, it gives the terminal back.
#[derive(Debug)]
pub(super) struct Ear {
    terminal: Receiver,
    keyboard: Keyboard,
    _raw: Option<Raw>,
}

impl Ear {
    /// What is typed next; empty once the terminal is gone or its input was ended. Safe to drop.
    pub(super) async fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; READ];
        loop {
            if self.terminal.readable().await.is_err() {
                return Vec::new();
            }
            match self.terminal.try_read(&mut bytes) {
                Ok(count) => {
                    bytes.truncate(count);
                    return bytes;
                }
                Err(error) => match error.kind() {
                    // It was not ready after all, or a signal came.
                    ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                    _ => return Vec::new(),
                },
            }
        }
    }
}

impl Ear {
    /// The one byte that is typed next; none if more was typed at once or nothing can be, and all of it is left
    /// unread. Safe to drop.
    pub(super) async fn read_one(&self) -> Option<u8> {
        self.terminal.readable().await.ok()?;
        if self.keyboard.waiting() != 1 {
            return None;
        }
        let mut byte = [0];
        let read = self.terminal.try_read(&mut byte).ok()?;
        (read == 1).then_some(byte[0])
    }
}

/// Signals that change a terminal under the one who reads it.
pub(super) struct Changes {
    resized: Option<tokio::signal::unix::Signal>,
    continued: Option<tokio::signal::unix::Signal>,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The screen has another size.
    Resized,
    /// The process was stopped and goes on; the terminal may be set in another way.
    Continued,
}

impl Changes {
    /// Hears the signals from now on. Neither does anything else in a process, so that hearing it is harmless.
    pub(super) fn new() -> Self {
        let continued = SignalKind::from_raw(Signal::CONT.as_raw());
        Self {
            resized: signal(SignalKind::window_change()).ok(),
            continued: signal(continued).ok(),
        }
    }

    /// The next change. Safe to drop.
    pub(super) async fn next(&mut self) -> Change {
        tokio::select! {
            () = came(self.resized.as_mut()) => Change::Resized,
            () = came(self.continued.as_mut()) => Change::Continued,
        }
    }

    /// Stops this job, as Ctrl-Z does, and returns once it goes on. The terminal must have been given back.
    pub(super) async fn stop_job(&mut self, clock: &dyn Clock) {
        // Who cannot be stopped (a job that no shell minds) goes on at once.
        if kill_process_group(getpgrp(), Signal::TSTP).is_err() {
            return;
        }
        tokio::select! {
            () = came(self.continued.as_mut()) => {}
            () = clock.sleep_until(clock.now().saturating_add(STOPPING)) => {}
        }
    }
}

/// Gives every terminal back that hands over keys; for a process that ends without dropping anything.
pub(super) fn give_back() {
    raw::restore_all();
}

async fn came(signal: Option<&mut tokio::signal::unix::Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    // Where no signal can be heard, none comes.
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// A terminal that controls other processes has no jobs of ours, and all that is typed there is meant for us.
fn is_in_front(terminal: &OwnedFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |front| front == getpgrp())
}

#[cfg(test)]
mod tests;
