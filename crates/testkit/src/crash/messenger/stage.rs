//! The stage of the messenger's play: people, a fake messenger and a model that go on while the daemon is killed.
//! Invariant: nobody says or presses the same thing twice; what happens there is in the fakes' ledgers.
//! It must not judge.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::evidence::Evidence;
use super::people::{Person, Wish, pressed};
use crate::model_server::{Reply, Script, When};
use crate::process::{Output, Process};
use crate::state_file::StateFile;
use crate::{EffectServer, FakeTelegram, ModelServer, Scene};

/// The file in a session's working folder to which every command adds a line.
const COMMAND_LOG: &str = "commands.log";

/// What a person is asked about.
const ASKS: &str =
    "[[policy.rules]]\ntool = \"probe.unsafe\"\nresource = \"*<Approval*\"\neffect = \"ask\"\n";

/// How long nothing may change before the daemon is looked at again: its death changes nothing at the messenger
/// if it comes between two calls.
const LOOK: Duration = Duration::from_millis(100);

/// How long people wait for what they want, on a slow machine that has much else to do as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stage.
pub(super) struct Stage {
    scene: Scene,
    effects: EffectServer,
    telegram: FakeTelegram,
    people: Vec<Person>,
    /// Those who have what they wanted.
    content: BTreeSet<i64>,
    /// Message and data of every press.
    presses: BTreeSet<(i64, i32, String)>,
    outputs: Vec<Output>,
}

fn script() -> Script {
    let note = json!({ "note": "{{user}}" });
    let command = json!({ "command": format!("echo '{{{{user}}}}' >> {COMMAND_LOG}") });
    let on = |wish: Wish, results| When::user(format!("<{wish:?}-")).results(results);
    let effect = Reply::call("probe.unsafe", &note);
    Script::new()
        .on(on(Wish::Effect, 0), effect.clone())
        .on(on(Wish::Effect, 1), Reply::call("system.run", &command))
        .on(on(Wish::Approval, 0), effect)
        .otherwise(Reply::deltas(["answer ", "to {{user}}"]))
}

impl Stage {
    /// An empty stage, perhaps with a defect seeded, on which these people may speak.
    pub(super) fn new(agent: &Path, defect: Option<&str>, people: &[Person]) -> io::Result<Self> {
        let effects = EffectServer::start()?;
        let telegram = FakeTelegram::start()?;
        let owners: Vec<i64> = people.iter().map(|person| person.id).collect();
        let mut scene = Scene::new(agent)?
            .with_model(script())?
            .with_config(ASKS)?
            .with_telegram(&telegram, &owners)
            .with_variable("CORVID_EFFECT_SERVER", effects.url());
        if let Some(defect) = defect {
            scene = scene.with_variable("CORVID_DEFECT", defect);
        }
        let ledger = scene.folder().join("points");
        Ok(Self {
            scene: scene.with_variable("CORVID_CRASH_LEDGER", ledger),
            effects,
            telegram,
            people: Vec::new(),
            content: BTreeSet::new(),
            presses: BTreeSet::new(),
            outputs: Vec::new(),
        })
    }

    /// Starts the daemon; `crash` is `point:hit`, where it is killed.
    pub(super) fn start(&self, crash: Option<&str>) -> io::Result<Process> {
        let mut command = self.scene.command();
        command.arg("start");
        if let Some(crash) = crash {
            command.env("CORVID_CRASH", crash);
        }
        Process::start(command, b"")
    }

    /// These people say what they want, all at once.
    pub(super) fn say(&mut self, people: Vec<Person>) -> io::Result<()> {
        let said = people.iter().flat_map(Person::says);
        self.telegram.remote().say_all(said)?;
        self.people.extend(people);
        Ok(())
    }

    /// People read and press until the daemon has ended, or they have all that they wanted, or they are out of patience.
    pub(super) fn play(&mut self, daemon: &Process) -> io::Result<()> {
        let began = Instant::now();
        let remote = self.telegram.remote().clone();
        while began.elapsed() < PATIENCE {
            let over = remote.wait_for(LOOK, |_| {
                Ok(daemon.has_ended() || (self.look()? && remote.pending()? == 0))
            })?;
            if over {
                break;
            }
        }
        Ok(())
    }

    /// Kills the daemon if it still runs, and says whether it was dead already, as `kill -9` leaves it.
    pub(super) fn bury(&mut self, daemon: Process) -> io::Result<bool> {
        let was_dead = daemon.has_ended();
        let output = daemon.kill()?;
        let killed = output.was_killed();
        self.outputs.push(output);
        Ok(was_dead && killed)
    }

    /// Lets the daemon end in its own way, after all that it is at work on.
    pub(super) fn end(&mut self, daemon: Process) -> io::Result<()> {
        daemon.signal(Signal::TERM)?;
        self.outputs.push(daemon.wait()?);
        Ok(())
    }

    /// How often each crash point was hit so far, as the processes themselves noted.
    pub(super) fn hits(&self, point: &str) -> io::Result<usize> {
        let ledger = std::fs::read_to_string(self.scene.folder().join("points"))?;
        Ok(ledger.lines().filter(|line| *line == point).count())
    }

    /// Everybody who is not content looks at their chat and presses what they are asked about. Whether all are
    /// content.
    fn look(&mut self) -> io::Result<bool> {
        let remote = self.telegram.remote();
        for person in &self.people {
            if self.content.contains(&person.id) {
                continue;
            }
            let chat = remote.chat(person.id)?;
            if person.is_answered(&chat) {
                self.content.insert(person.id);
            }
            for message in chat.by_bot() {
                let Some(data) = pressed(message) else {
                    continue;
                };
                let press = (person.id, message.id, data.to_owned());
                if self.presses.insert(press) {
                    // The button may have gone since they looked; their app shows it still.
                    remote.press_stale(person.id, person.id, message.id, data)?;
                }
            }
        }
        Ok(self.content.len() == self.people.len())
    }

    /// Everything that has happened.
    pub(super) fn evidence(self, crashes: usize) -> io::Result<Evidence> {
        let mut file = StateFile::open(&self.scene.state())?;
        let (events, integrity) = (file.events()?, file.integrity()?);
        file.close()?;
        let remote = self.telegram.remote();
        let chats: io::Result<Vec<_>> = self
            .people
            .iter()
            .map(|person| Ok((*person, remote.chat(person.id)?)))
            .collect();
        let model = self.scene.model();
        Ok(Evidence {
            crashes,
            chats: chats?,
            presses: self.presses,
            marks: self.effects.calls(),
            commands: commands(&self.scene.user_home().join("corvid"))?,
            events,
            integrity,
            pending: remote.pending()?,
            bad_calls: remote.violations()?,
            objections: model.map(ModelServer::violations).unwrap_or_default(),
            outputs: self.outputs,
        })
    }
}

/// What commands have left in the working folders of all sessions.
fn commands(workspace: &Path) -> io::Result<String> {
    let folders = match std::fs::read_dir(workspace) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        folders => folders?,
    };
    let mut found = String::new();
    for folder in folders {
        match std::fs::read_to_string(folder?.path().join(COMMAND_LOG)) {
            Ok(lines) => found.push_str(&lines),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
