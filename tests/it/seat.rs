//! Somebody at a terminal: the real binary on a pseudo-terminal of its own, and a clock that the test moves.
//! Invariant: a test waits for what is shown or for what is waited for, never for a while.
//! It must not know what is asked.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use corvid_testkit::{ClockServer, LIMIT, Scene};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The time at which every test begins.
const START: i64 = 1_800_000_000_000;

/// Keys decide nothing for so long after a question has appeared, in milliseconds.
const DEAF: u64 = 300;

/// A key counts only if no other follows within this time, in milliseconds.
const SETTLE: i64 = 40;

/// A person at the terminal of a running `agent`.
pub(crate) struct Seat {
    child: Child,
    keyboard: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    clock: ClockServer,
}

impl Seat {
    /// Sits down where `agent` runs with these arguments.
    pub(crate) fn take(scene: Scene, arguments: &[&str]) -> io::Result<(Scene, Self)> {
        Self::at("xterm", scene, arguments)
    }

    /// Sits down at a terminal of this kind.
    pub(crate) fn at(
        terminal: &str,
        scene: Scene,
        arguments: &[&str],
    ) -> io::Result<(Scene, Self)> {
        let clock = ClockServer::start(START)?;
        let scene = scene
            .with_variable("CORVID_CLOCK", clock.address().to_string())
            .with_variable("TERM", terminal)
            .with_variable("NO_COLOR", "1");
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        let terminal = File::options()
            .read(true)
            .write(true)
            .open(name.to_string_lossy().as_ref())?;
        let agent = scene.command();
        // A session of its own makes the terminal the one that `/dev/tty` leads to.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg("--wait").arg(agent.get_program());
        command.args(arguments).env_clear();
        for (name, value) in agent.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let child = command
            .current_dir(scene.work())
            .stdin(Stdio::from(terminal.try_clone()?))
            .stdout(Stdio::from(terminal.try_clone()?))
            .stderr(Stdio::from(terminal))
            .spawn()?;
        let keyboard = File::from(keyboard);
        let screen = Arc::default();
        watch(keyboard.try_clone()?, Arc::clone(&screen));
        let seat = Self {
            child,
            keyboard,
            screen,
            clock,
        };
        Ok((scene, seat))
    }

    /// Waits until this is on the screen.
    pub(crate) fn sees(&self, text: &str) {
        let (screen, changed) = &*self.screen;
        let shown = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(shown, LIMIT, |shown| !shown.contains(text));
        let (shown, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(shown.contains(text), "`{text}` does not appear in\n{shown}");
    }

    /// Presses a key that decides, once keys are heard.
    pub(crate) fn decides(&mut self, key: u8) -> io::Result<()> {
        let now = self.clock.clock().advance(DEAF);
        self.presses(&[key])?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let settled = self.clock.clock().next_wait_before(now + SETTLE + 1);
        let settled = runtime.block_on(async { tokio::time::timeout(LIMIT, settled).await })?;
        self.clock.clock().set(settled);
        Ok(())
    }

    /// Types a line that decides, once lines are heard.
    pub(crate) fn enters(&mut self, line: &str) -> io::Result<()> {
        self.clock.clock().advance(DEAF);
        self.presses(format!("{line}\n").as_bytes())
    }

    /// Presses keys.
    pub(crate) fn presses(&mut self, keys: &[u8]) -> io::Result<()> {
        self.keyboard.write_all(keys)
    }

    /// Waits for the end; returns the exit code and all that was shown.
    pub(crate) fn ends(&mut self) -> io::Result<(Option<i32>, String)> {
        let code = self.child.wait()?.code();
        let shown = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((code, shown.clone()))
    }
}

/// Reads what is shown, as long as somebody has the terminal.
fn watch(mut screen: File, shown: Arc<(Mutex<String>, Condvar)>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        let mut unread = Vec::new();
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            unread.extend_from_slice(&bytes[..count]);
            // A character may come in two pieces.
            let whole = match str::from_utf8(&unread) {
                Err(cut) if cut.error_len().is_none() => cut.valid_up_to(),
                Ok(_) | Err(_) => unread.len(),
            };
            let text = String::from_utf8_lossy(&unread[..whole]).into_owned();
            unread.drain(..whole);
            let (text_so_far, changed) = &*shown;
            text_so_far
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&text);
            changed.notify_all();
        }
    });
}
