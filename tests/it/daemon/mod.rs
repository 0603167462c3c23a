//! The daemon as the people who write to it and the one who runs it see it: the built `agent start`, a fake messenger
//! and a scripted model, each in a place that outlives the daemon.
//! Invariant: verdicts come from the fakes' ledgers, the program's output and its files alone.
//! It must not know how a turn or a delivery works.

mod process;
mod reload;
mod sent;
mod talk;

use std::io;

use corvid_testkit::model_server::Script;
use corvid_testkit::telegram::{FakeTelegram, Remote, Say, SeenChat};
use corvid_testkit::{LIMIT, Output, Process, Scene};

use crate::stage::scene;

/// The person who owns the agent in most tests.
pub(crate) const ADA: i64 = 4711;

/// Somebody else.
pub(crate) const BOB: i64 = 4712;

/// A home with a bot, and perhaps a daemon that serves it.
pub(crate) struct Stage {
    scene: Scene,
    telegram: FakeTelegram,
    daemon: Option<Process>,
}

impl Stage {
    /// A bot that nobody may write to, and this model; nothing runs yet.
    pub(crate) fn new(script: Script) -> io::Result<Self> {
        let telegram = FakeTelegram::start()?;
        let scene = scene()?
            .with_model(script)?
            .with_variable("CORVID__TELEGRAM__TOKEN", telegram.token())
            .with_variable("CORVID__TELEGRAM__API_URL", telegram.url());
        Ok(Self {
            scene,
            telegram,
            daemon: None,
        })
    }

    /// The same, with a daemon that takes [`ADA`] for its owner.
    pub(crate) fn with_ada(script: Script) -> io::Result<Self> {
        let stage = Self::new(script)?.set("CORVID__TELEGRAM__OWNERS", &ADA.to_string());
        stage.started()
    }

    /// Sets a variable of the environment.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.scene = self.scene.with_variable(name, value);
        self
    }

    /// With a daemon that is ready.
    pub(crate) fn started(mut self) -> io::Result<Self> {
        self.start()?;
        Ok(self)
    }

    /// Starts the daemon and hears it say that it is ready.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        let mut command = self.scene.command();
        command.arg("start");
        let daemon = Process::start(command, b"")?;
        if daemon.hear_aside(|said| ready(said).map(drop)).is_none() {
            let ended = daemon.wait()?;
            return Err(io::Error::other(format!("not ready: {}", ended.all())));
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    /// The running daemon.
    pub(crate) fn daemon(&self) -> io::Result<&Process> {
        self.daemon
            .as_ref()
            .ok_or_else(|| io::Error::other("no daemon runs"))
    }

    /// Waits for the end of the daemon.
    pub(crate) fn ended(&mut self) -> io::Result<Output> {
        let daemon = self.daemon.take();
        daemon
            .ok_or_else(|| io::Error::other("no daemon runs"))?
            .wait()
    }

    /// Kills the daemon as `kill -9` does.
    pub(crate) fn kill(&mut self) -> io::Result<Output> {
        let daemon = self.daemon.take();
        daemon
            .ok_or_else(|| io::Error::other("no daemon runs"))?
            .kill()
    }

    /// `agent` with these arguments, in the same home.
    pub(crate) fn agent<const N: usize>(&self, arguments: [&str; N]) -> io::Result<Output> {
        self.scene.agent(arguments)
    }

    /// The scene.
    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The messenger.
    pub(crate) fn telegram(&self) -> &Remote {
        self.telegram.remote()
    }

    /// The bot's token.
    pub(crate) fn token(&self) -> &str {
        self.telegram.token()
    }

    /// A person writes to the bot in private.
    pub(crate) fn say(&self, person: i64, text: &str) -> io::Result<i32> {
        self.telegram().say(Say::private(person, text))
    }

    /// The person's chat, once it is as asked; as it is when that takes too long.
    pub(crate) fn sees(
        &self,
        person: i64,
        done: impl Fn(&SeenChat) -> bool,
    ) -> io::Result<SeenChat> {
        let seen = |remote: &Remote| Ok(done(&remote.chat(person)?));
        let came = self.telegram().wait_for(LIMIT, seen)?;
        let chat = self.telegram().chat(person)?;
        assert!(came, "not seen in {:#?}", chat.bot_texts());
        Ok(chat)
    }

    /// The person's chat, once the bot has written this.
    pub(crate) fn hears(&self, person: i64, text: &str) -> io::Result<SeenChat> {
        self.sees(person, |chat| {
            chat.bot_texts().iter().any(|said| said.contains(text))
        })
    }

    /// How often the bot's messages there hold this text.
    pub(crate) fn count(&self, person: i64, text: &str) -> io::Result<usize> {
        let chat = self.telegram().chat(person)?;
        let texts = chat.bot_texts();
        Ok(texts.iter().filter(|said| said.contains(text)).count())
    }

    /// Waits until the model was asked so often.
    pub(crate) fn asks(&self, count: usize) {
        let asked = self
            .scene
            .model()
            .is_some_and(|model| model.wait_for(LIMIT, |ledger| ledger.len() >= count));
        assert!(asked, "the model is not asked");
    }

    /// Waits until everything that was sent has been taken, and nothing is at work any more.
    pub(crate) fn rests(&self) -> io::Result<()> {
        let taken = self
            .telegram()
            .wait_for(LIMIT, |remote| Ok(remote.pending()? == 0))?;
        assert!(taken, "updates are left");
        Ok(())
    }
}

/// The line that says that the daemon is ready.
pub(crate) fn ready(said: &str) -> Option<String> {
    let lines = said.lines();
    // A line that has not ended may go on.
    let whole = said.rfind('\n').map_or("", |end| &said[..end]);
    let found = lines.take(whole.lines().count());
    found
        .filter(|line| line.starts_with("ready: "))
        .last()
        .map(str::to_owned)
}
