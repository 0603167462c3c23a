//! The stage of one trial: a scene, the scripted model, the effect server, and runs of the real binary on it.
//! Invariant: every process that is started leaves a run in the evidence, however it ends.
//! It must not judge.

use std::io;
use std::path::Path;

use serde_json::json;

use crate::model_server::{Entry, Reply, Script, When};
use crate::process::{LIMIT, Output, Process};
use crate::state_file::{RecordedInput, StateFile};
use crate::{EffectServer, Scene};

use super::evidence::Evidence;
use super::hands::Approval;
use super::run::{NOTED, Run, question};

/// The session that every run of a trial is on.
const SESSION: &str = "crash-suite";

/// The file in the working folder to which every command adds a line.
const COMMAND_LOG: &str = "commands.log";

/// The same for every background job.
const JOB_LOG: &str = "jobs.log";

/// The file to which every edit adds a line beneath its first one, so that an edit made twice shows.
const EDITED: &str = "edited.txt";
const FIRST_LINE: &str = "the edits:";

/// A stage and what has happened on it.
pub(super) struct Stage {
    scene: Scene,
    effects: EffectServer,
    evidence: Evidence,
}

/// How one process is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cue<'a> {
    /// The key of its input; the text asked follows from it.
    pub(super) id: &'a str,
    /// Whether it prints JSON lines.
    pub(super) json: bool,
    /// Whether it waits for answers from elsewhere; else nobody can be asked.
    pub(super) waits: bool,
    /// `point:hit`, where it is killed.
    pub(super) crash: Option<&'a str>,
}

/// A process on the stage.
pub(super) struct Acting {
    id: String,
    json: bool,
    process: Process,
}

/// A model that asks for every kind of effect, one after the other, and then answers. Each gate holds one
/// first answer to the input of that id back, in the order of the gates.
fn script(gates: &[(&str, &str)]) -> Script {
    let note = json!({ "note": "{{user}}" });
    let command = json!({ "command": format!("echo '{{{{user}}}}' >> {COMMAND_LOG}") });
    let edit =
        json!({ "path": EDITED, "old": FIRST_LINE, "new": format!("{FIRST_LINE}\n{{{{user}}}}") });
    let first = Reply::call("probe.pure", &note).and_call("probe.idempotent", &note);
    let held = |script: Script, (id, gate): &(&str, &str)| {
        let when = When::user(question(id)).results(0);
        script.once(when, first.clone().gate(*gate))
    };
    gates
        .iter()
        .fold(Script::new(), held)
        .on(When::any().results(0), first)
        .on(When::any().results(2), Reply::call("probe.unsafe", &note))
        .on(When::any().results(3), Reply::call("system.run", &command))
        .on(When::any().results(4), Reply::call("file.edit", &edit))
        .otherwise(Reply::text("answer to {{user}}"))
}

/// A model that has a job begun, makes an effect that is to be asked about, and edits a file; a job's end it
/// takes note of.
fn script_of_hands() -> Script {
    let note = json!({ "note": "{{user}}" });
    // It ends after the edit that the turn makes last: what it tells before that joins the turn and ends it.
    let job = format!(
        "until grep -qF '{{{{user}}}}' {EDITED}; do sleep 0.01; done; echo '{{{{user}}}}' >> {JOB_LOG}"
    );
    let job = json!({ "command": job, "background": true });
    let edit =
        json!({ "path": EDITED, "old": FIRST_LINE, "new": format!("{FIRST_LINE}\n{{{{user}}}}") });
    let first = Reply::call("probe.idempotent", &note).and_call("system.run", &job);
    Script::new()
        .on(When::user("Job j-"), Reply::text(NOTED))
        .on(When::any().results(0), first)
        .on(When::any().results(2), Reply::call("probe.unsafe", &note))
        .on(When::any().results(3), Reply::call("file.edit", &edit))
        .otherwise(Reply::text("answer to {{user}}"))
}

/// What a person is asked about on a stage of hands.
const ASKS: &str =
    "[[policy.rules]]\ntool = \"probe.unsafe\"\nresource = \"*\"\neffect = \"ask\"\n";

impl Stage {
    /// An empty stage on which a call is to be asked about and a job runs.
    pub(super) fn of_hands(agent: &Path, defect: Option<&str>) -> io::Result<Self> {
        Self::set(agent, defect, script_of_hands(), ASKS)
    }

    /// An empty stage for the binary `agent`, perhaps with a defect seeded. Each gate `(id, name)` holds one
    /// answer back.
    pub(super) fn new(
        agent: &Path,
        defect: Option<&str>,
        gates: &[(&str, &str)],
    ) -> io::Result<Self> {
        Self::set(agent, defect, script(gates), "")
    }

    /// An empty stage with this model and this config.
    pub(super) fn set(
        agent: &Path,
        defect: Option<&str>,
        script: Script,
        config: &str,
    ) -> io::Result<Self> {
        let effects = EffectServer::start()?;
        let mut scene = Scene::new(agent)?
            .with_model(script)?
            .with_config(config)?
            .with_file(EDITED, &format!("{FIRST_LINE}\n"))?
            .with_variable("CORVID_EFFECT_SERVER", effects.url());
        if let Some(defect) = defect {
            scene = scene.with_variable("CORVID_DEFECT", defect);
        }
        let ledger = scene.folder().join("points");
        scene = scene.with_variable("CORVID_CRASH_LEDGER", ledger);
        Ok(Self {
            scene,
            effects,
            evidence: Evidence::default(),
        })
    }

    /// Starts a process.
    pub(super) fn enter(&self, cue: Cue<'_>) -> io::Result<Acting> {
        let mut command = self.scene.command();
        command
            .args(["run", "-s", SESSION, "--id", cue.id, "-e"])
            .arg(question(cue.id));
        if cue.waits {
            command.arg("--wait");
        }
        if cue.json {
            command.arg("--json");
        }
        if let Some(crash) = cue.crash {
            command.env("CORVID_CRASH", crash);
        }
        Ok(Acting {
            id: cue.id.to_owned(),
            json: cue.json,
            process: Process::start(command, b"")?,
        })
    }

    /// Waits for a process and keeps what it left. What it asks meanwhile is allowed from another terminal.
    pub(super) fn leave(&mut self, acting: Acting) -> io::Result<Output> {
        self.allow_all(&acting, None)?;
        let Acting { id, json, process } = acting;
        let output = process.wait()?;
        let stored = self.stored()?;
        self.evidence.runs.push(Run {
            id,
            json,
            output: output.clone(),
            stored,
        });
        Ok(output)
    }

    /// Allows whatever a process asks until it ends; `crash` is where the first process that answers is killed.
    /// Says whether it was.
    pub(super) fn allow_all(&mut self, acting: &Acting, crash: Option<&str>) -> io::Result<bool> {
        let mut crash = crash;
        let mut reached = false;
        let mut answered: Vec<String> = Vec::new();
        while let Some(question) = acting.asks(&answered) {
            let killed = self.answer(&question, &["approve"], crash.take())?;
            if killed.was_killed() {
                reached = true;
                self.answer(&question, &["approve"], None)?;
            }
            answered.push(question);
        }
        Ok(reached)
    }

    /// Answers a question from another terminal.
    pub(super) fn answer(
        &mut self,
        question: &str,
        how: &[&str],
        crash: Option<&str>,
    ) -> io::Result<Output> {
        let mut command = self.scene.command();
        command.arg("approvals").args(how).arg(question);
        if let Some(crash) = crash {
            command.env("CORVID_CRASH", crash);
        }
        let output = Process::start(command, b"")?.wait()?;
        self.evidence.approvals.push(Approval {
            question: question.to_owned(),
            output: output.clone(),
        });
        Ok(output)
    }

    /// Runs a process to its end.
    pub(super) fn play(&mut self, cue: Cue<'_>) -> io::Result<Output> {
        let acting = self.enter(cue)?;
        self.leave(acting)
    }

    /// How often each crash point was hit so far, as the processes themselves noted.
    pub(super) fn hits(&self, point: &str) -> io::Result<usize> {
        let ledger = read_if_there(&self.scene.folder().join("points"))?;
        Ok(ledger.lines().filter(|line| *line == point).count())
    }

    /// Blocks until the model has so many requests; false if that does not come.
    pub(super) fn await_requests(&self, count: usize) -> bool {
        let enough = |entries: &[Entry]| entries.len() >= count;
        let model = self.scene.model();
        model.is_some_and(|model| model.wait_for(LIMIT, enough))
    }

    /// Opens a gate.
    pub(super) fn open(&self, gate: &str) {
        if let Some(model) = self.scene.model() {
            model.open(gate);
        }
    }

    /// The scene itself.
    pub(super) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The inputs in the store now.
    pub(super) fn stored(&self) -> io::Result<Vec<RecordedInput>> {
        match StateFile::open(&self.scene.state()) {
            Ok(mut file) => {
                let inputs = file.inputs()?;
                file.close()?;
                Ok(inputs)
            }
            // A process that dies early enough leaves none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Everything that has happened.
    pub(super) fn evidence(mut self) -> io::Result<Evidence> {
        let mut file = StateFile::open(&self.scene.state())?;
        self.evidence.integrity = file.integrity()?;
        self.evidence.events = file.events()?;
        self.evidence.undelivered = file.undelivered()?;
        file.close()?;
        self.evidence.marks = self.effects.calls();
        self.evidence.commands = read_if_there(&self.scene.work().join(COMMAND_LOG))?;
        self.evidence.jobs = read_if_there(&self.scene.work().join(JOB_LOG))?;
        self.evidence.edits = read_if_there(&self.scene.work().join(EDITED))?;
        if let Some(model) = self.scene.model() {
            self.evidence.objections = model.violations();
        }
        Ok(self.evidence)
    }
}

impl Acting {
    /// The next question that it shows beside those, once it does; none if it ends before.
    pub(super) fn asks(&self, answered: &[String]) -> Option<String> {
        self.process
            .hear_aside(|said| questions(said).find(|question| !answered.contains(question)))
    }

    /// The process.
    pub(super) fn process(&self) -> &Process {
        &self.process
    }
}

/// The questions that a process said it waits for.
fn questions(said: &str) -> impl Iterator<Item = String> {
    let after = said.split("agent approvals approve ").skip(1);
    // An id is whole once what follows it is there.
    after.filter_map(|rest| Some(rest.split_once('`')?.0.to_owned()))
}

fn read_if_there(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}
