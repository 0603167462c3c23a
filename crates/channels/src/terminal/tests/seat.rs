//! Somebody at a keyboard: a real pseudo-terminal, a clock that stands still, and a screen that is read back.
//! Invariant: a test waits for what it sees or for what is waited for, never for a while.
//! It must not know the questions.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use corvid_core::Clock;
use corvid_core::wire::Millis;
use corvid_testkit::ManualClock;
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, SpecialCodeIndex, Winsize, tcgetattr, tcsetwinsize};
use tokio::sync::watch;

use crate::terminal::dialog::SETTLE;
use crate::terminal::keyboard::Manner;
use crate::terminal::{Form, Keyboard, Look, Person, Surface, Terminal};

/// The time at which every test begins.
pub(super) const START: Millis = 1_000_000;

/// Keys decide nothing for so long after a card has appeared.
pub(super) const DEAF: u64 = 300;

/// Standard error, read back.
#[derive(Clone)]
pub(super) struct Screen(watch::Sender<Vec<u8>>);

impl Default for Screen {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Screen {
    /// All that was written.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }

    /// Resolves once what was written ends with `text`, as the line that is drawn anew does.
    pub(super) async fn ends(&self, text: &str) {
        self.shows(|seen| seen.ends_with(text)).await;
    }

    /// Resolves once what was written is as wanted.
    pub(super) async fn shows(&self, wanted: impl Fn(&str) -> bool) {
        let mut seen = self.0.subscribe();
        let found = seen.wait_for(|bytes| wanted(&String::from_utf8_lossy(bytes)));
        assert!(found.await.is_ok());
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_modify(|text| text.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal with somebody at it.
pub(super) struct Seat {
    pub(super) terminal: Terminal,
    pub(super) screen: Screen,
    pub(super) clock: Arc<ManualClock>,
    /// The person's side; what is written there is typed.
    pub(super) person: Option<OwnedFd>,
    /// Kept open, so that the terminal is not gone while nobody reads it.
    device: OwnedFd,
    keyboard: Keyboard,
}

impl Seat {
    /// A screen that can be drawn on.
    pub(super) fn new(look: Look) -> io::Result<Self> {
        Self::with(Some(look))
    }

    /// A dumb terminal.
    pub(super) fn dumb() -> io::Result<Self> {
        Self::with(None)
    }

    fn with(look: Option<Look>) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let person = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&person)?;
        rustix::pty::unlockpt(&person)?;
        let device = rustix::pty::ioctl_tiocgptpeer(&person, flags)?;
        let name = rustix::pty::ptsname(&person, Vec::new())?;
        let keyboard = Keyboard::open(Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())))?;
        let clock = Arc::new(ManualClock::new(START));
        let screen = Screen::default();
        let surface = Surface {
            out: Box::new(io::sink()),
            form: Form::Plain,
            err: Box::new(screen.clone()),
            progress: look,
            person: Some(Person {
                id: "1000".to_owned(),
                keyboard: keyboard.clone(),
            }),
            waits: false,
        };
        let seat = Self {
            terminal: Terminal::new(surface, Arc::clone(&clock) as Arc<dyn Clock>),
            screen,
            clock,
            person: Some(person),
            device,
            keyboard,
        };
        if let Some(look) = look {
            seat.resize(look.width)?;
        }
        Ok(seat)
    }

    /// Another width.
    pub(super) fn resize(&self, columns: usize) -> io::Result<()> {
        let size = Winsize {
            ws_row: 24,
            ws_col: u16::try_from(columns).unwrap_or(u16::MAX),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(&self.device, size)?)
    }

    /// Types these bytes at once.
    pub(super) fn types(&self, text: &str) -> io::Result<()> {
        let person = self.person.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        let written = rustix::io::write(person, text.as_bytes())?;
        assert_eq!(written, text.len());
        Ok(())
    }

    /// Types one key, some time after whatever was typed before, and lets the moment pass after which it counts.
    pub(super) async fn presses(&self, key: &str) -> io::Result<()> {
        let settles = self.clock.set(self.clock.now() + SETTLE) + SETTLE;
        self.types(key)?;
        assert_eq!(self.clock.next_wait_before(settles + 1).await, settles);
        self.clock.set(settles);
        Ok(())
    }

    /// Types something that decides nothing, and waits until it is seen to have been read.
    pub(super) async fn tries(&self, text: &str) -> io::Result<()> {
        let before = self.screen.text().len();
        self.types(text)?;
        self.screen.shows(|seen| seen.len() > before).await;
        self.clock.set(self.clock.now() + SETTLE);
        Ok(())
    }

    /// Waits for the card's prompt, and until keys count.
    pub(super) async fn sees(&self, prompt: &str) {
        self.screen.shows(|seen| seen.contains(prompt)).await;
        self.clock.advance(DEAF);
    }

    /// Whether keys are handed over one by one.
    pub(super) fn is_raw(&self) -> io::Result<bool> {
        Ok(!tcgetattr(&self.device)?
            .local_modes
            .contains(LocalModes::ICANON))
    }

    /// Whether this key is had as soon as it is pressed, while all else is edited in lines.
    pub(super) fn offers(&self, key: u8) -> io::Result<bool> {
        let modes = tcgetattr(&self.device)?;
        Ok(!self.is_raw()? && modes.special_codes[SpecialCodeIndex::VEOL] == key)
    }

    /// What was typed and nobody has read, up to its last line.
    pub(super) async fn unread(&self) -> io::Result<String> {
        let ear = self.keyboard.listen(Manner::Keys)?;
        let mut typed = Vec::new();
        while !typed.ends_with(b"\n") {
            typed.extend(ear.read().await);
        }
        Ok(String::from_utf8_lossy(&typed).into_owned())
    }
}
