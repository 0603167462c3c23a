//! Tools that do what a test tells them and write every beginning and end into one ledger.
//! Invariant: the ledger tells what really ran, whatever the journal says.
//! It must not know the lane.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use corvid_core::wire::{Effect, Inquiry};
use corvid_core::{
    Checked, Invocation, Preview, Reconciled, Tool, ToolError, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::model::Gate;

/// How long a call may run by its own word, in milliseconds.
pub(super) const TIMEOUT_MS: u64 = 30_000;

/// How one run goes.
#[derive(Clone)]
pub(super) enum Run {
    /// It yields this.
    Yields(&'static str),
    /// It fails and the model is told.
    Tells(&'static str),
    /// It fails and the turn ends.
    Fatal(&'static str),
    /// It panics.
    Panics,
    /// It waits until as many calls run at once as the barrier wants.
    Meets(Arc<Barrier>),
    /// It runs until it is cancelled, passes the gate and yields.
    UntilCancelled(Arc<Gate>),
    /// It runs until it is asked to go on beside the turn.
    UntilBackground,
    /// It passes the gate and yields.
    Passes(Arc<Gate>),
}

/// What became of everything that ran, in order.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    fn note(&self, line: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }

    /// Every line so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// One tool of a test.
pub(super) struct FakeTool {
    spec: ToolSpec,
    effect: Effect,
    runs: Mutex<VecDeque<Run>>,
    found: Option<Reconciled>,
    unprepared: Option<&'static str>,
    preparing: Option<Arc<Gate>>,
    world: Mutex<VecDeque<&'static str>>,
    repeatable: bool,
    pub(super) ledger: Ledger,
}

impl FakeTool {
    /// A tool whose calls go as `runs` says, one after the other, and yield `ok` after that.
    pub(super) fn new(name: &str, effect: Effect, runs: impl IntoIterator<Item = Run>) -> Self {
        Self {
            spec: ToolSpec {
                name: name.to_owned(),
                description: format!("the tool {name}"),
                parameters: json!({ "type": "object" }),
            },
            effect,
            runs: Mutex::new(runs.into_iter().collect()),
            found: None,
            unprepared: None,
            preparing: None,
            world: Mutex::default(),
            repeatable: true,
            ledger: Ledger::default(),
        }
    }

    /// What is found out about a call that an earlier process started; without this it is what the ledger
    /// tells, and for an unsafe call nothing.
    pub(super) fn found(self, found: Reconciled) -> Self {
        Self {
            found: Some(found),
            ..self
        }
    }

    /// Calls cannot be prepared.
    pub(super) fn unprepared(self, why: &'static str) -> Self {
        Self {
            unprepared: Some(why),
            ..self
        }
    }

    /// Each preview finds the world as the next of these says.
    pub(super) fn in_worlds(self, worlds: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            world: Mutex::new(worlds.into_iter().collect()),
            ..self
        }
    }

    /// The same bytes may do something else each time.
    pub(super) fn unrepeatable(self) -> Self {
        Self {
            repeatable: false,
            ..self
        }
    }

    /// Calls pass the gate before they are prepared.
    pub(super) fn preparing(self, gate: &Arc<Gate>) -> Self {
        Self {
            preparing: Some(Arc::clone(gate)),
            ..self
        }
    }

    fn next_run(&self) -> Run {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.pop_front().unwrap_or(Run::Yields("ok"))
    }
}

/// An output without a file.
pub(super) fn output(text: &str) -> ToolOutput {
    ToolOutput::text(text)
}

#[async_trait]
impl Tool for FakeTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        let name = &self.spec.name;
        vec![format!("{name} works in {}", working_dir.display())]
    }

    fn check(&self, arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        if arguments.get("bad").is_some() {
            return Err("`bad` is not an argument".to_owned());
        }
        Ok(Checked {
            effect: self.effect,
            resource: String::new(),
            also: Vec::new(),
            wider: None,
            timeout_ms: TIMEOUT_MS,
            inquiry: arguments["question"].as_str().map(|text| Inquiry {
                text: text.to_owned(),
                choices: Vec::new(),
            }),
        })
    }

    async fn preview(&self, call: &Invocation) -> Result<Preview, ToolError> {
        let mut preview = Preview::of_arguments(&call.arguments);
        preview.repeatable = self.repeatable;
        // What would run depends on more than the arguments: here, on what was done before.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        preview.binding = json!([preview.binding, world.pop_front()]);
        Ok(preview)
    }

    async fn prepare(&self, call: &Invocation) -> Result<Option<Value>, ToolError> {
        if let Some(gate) = &self.preparing {
            gate.pass().await;
        }
        match self.unprepared {
            Some(why) => Err(ToolError::Tell(why.to_owned())),
            None => Ok(Some(json!({ "prepared": call.call }))),
        }
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let name = &self.spec.name;
        self.ledger.note(format!("begin {name} {}", call.call));
        let result = match self.next_run() {
            Run::Yields(text) => Ok(output(text)),
            Run::Tells(text) => Err(ToolError::Tell(text.to_owned())),
            Run::Fatal(text) => Err(ToolError::Fatal(text.to_owned())),
            Run::Panics => panic!("as the test wants it"),
            Run::Meets(barrier) => {
                call.progress.show("waiting for the others");
                barrier.wait().await;
                Ok(output("met"))
            }
            Run::UntilCancelled(gate) => {
                call.cancel.cancelled().await;
                gate.pass().await;
                Ok(output("half"))
            }
            Run::UntilBackground => {
                call.background.cancelled().await;
                Ok(output("moved"))
            }
            Run::Passes(gate) => {
                gate.pass().await;
                Ok(output("passed"))
            }
        };
        self.ledger.note(format!("end {name} {}", call.call));
        result
    }

    async fn reconcile(&self, call: &Invocation, proof: Option<&Value>) -> Reconciled {
        let name = &self.spec.name;
        let proof = proof.map(Value::to_string).unwrap_or_default();
        self.ledger
            .note(format!("reconcile {name} {} {proof}", call.call));
        let end = format!("end {name} {}", call.call);
        match (&self.found, self.effect) {
            (Some(found), _) => found.clone(),
            (None, Effect::Unsafe) => Reconciled::Unknown("the tool keeps no record".to_owned()),
            (None, _) if self.ledger.lines().contains(&end) => Reconciled::Done(output("ok")),
            (None, _) => Reconciled::NotDone,
        }
    }
}
