//! The seam to tools: what a tool declares, how a call is checked, run and reconciled.
//! Invariant: `check` is pure and decides from the arguments alone; `preview` and `prepare` read as well; only `run`
//! acts, and `reconcile` and `job_end` find out what it did.
//! It must not know which tools there are, nor who called them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::job::Jobs;
use crate::policy::Wider;
use crate::posts::Posts;
use crate::wire::{
    Address, CallId, CallKey, Card, CardForm, Effect, Inquiry, OutputRef, Requester, SessionId,
};

/// Something the agent can do.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What the tool declares.
    fn spec(&self) -> &ToolSpec;

    /// What calls in that working folder can and cannot do, one sentence each, for the prompt.
    fn rules(&self, _working_dir: &Path) -> Vec<String> {
        Vec::new()
    }

    /// Checks the arguments against the schema and says what the call would do in that working folder.
    ///
    /// # Errors
    /// One sentence for the model that names the argument and what is allowed.
    fn check(&self, arguments: &Value, working_dir: &Path) -> Result<Checked, String>;

    /// What a person is shown before they allow the call, and what their answer is bound to. Reads, and no more.
    ///
    /// # Errors
    /// As [`Tool::run`]; the call then has that outcome and nobody is asked.
    async fn preview(&self, call: &Invocation) -> Result<Preview, ToolError> {
        Ok(Preview::of_arguments(&call.arguments))
    }

    /// What reconciliation will need, read just before the call starts and journalled with its start. What the call
    /// needs of this process may be got ready, too.
    ///
    /// # Errors
    /// As [`Tool::run`]; the call then has that outcome and does not start.
    async fn prepare(&self, _call: &Invocation) -> Result<Option<Value>, ToolError> {
        Ok(None)
    }

    /// Runs the call to its end; on cancellation it ends what it began and returns.
    ///
    /// # Errors
    /// See [`ToolError`].
    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError>;

    /// What became of a call that an earlier process started.
    async fn reconcile(&self, _call: &Invocation, _proof: Option<&Value>) -> Reconciled {
        Reconciled::Unknown("the tool keeps no record".to_owned())
    }

    /// What became of a job that the call was made into and that an earlier process had.
    async fn job_end(&self, _call: &Invocation, _proof: Option<&Value>) -> Reconciled {
        Reconciled::Unknown("the tool keeps no record".to_owned())
    }

    /// The end of such a job is in the journal: what was kept for finding out about it may go.
    async fn job_told(&self, _call: &Invocation) {}
}

/// What a tool declares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolSpec {
    /// The name with dots, e.g. `file.read`.
    pub name: String,
    /// What the model reads: what it does, what it cannot do.
    pub description: String,
    /// JSON Schema of the arguments, an object.
    pub parameters: Value,
}

/// A checked call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What repeating the call would do.
    pub effect: Effect,
    /// What it acts on, for the policy: a command, a path, a host.
    pub resource: String,
    /// Other names of the same, which rules may know it by: where the links of a path lead. Empty for most.
    pub also: Vec<String>,
    /// What it would get beyond the sandbox; none if it stays inside.
    pub wider: Option<Wider>,
    /// How long it may run, in milliseconds.
    pub timeout_ms: u64,
    /// The call is itself this question to a person; it is never run.
    pub inquiry: Option<Inquiry>,
}

/// What a call would do, shown before it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// For the person, whole.
    pub card: Card,
    /// Equal values mean that exactly the same would happen.
    pub binding: Value,
    /// Whether the same bytes always do the same, so that they may be allowed for a session. False for shells,
    /// interpreters and wrappers, and for what goes by files in the folder: hooks, build scripts, settings.
    pub repeatable: bool,
}

impl Preview {
    /// The arguments as they are.
    pub fn of_arguments(arguments: &Value) -> Self {
        Self {
            card: Card {
                title: "call a tool".to_owned(),
                facts: Vec::new(),
                body: format!("{arguments:#}"),
                form: CardForm::Text,
            },
            binding: arguments.clone(),
            repeatable: false,
        }
    }
}

/// One call about to run.
#[derive(Clone)]
pub struct Invocation {
    /// The session.
    pub session: SessionId,
    /// The call.
    pub call: CallId,
    /// The key of its effect.
    pub key: CallKey,
    /// The checked arguments.
    pub arguments: Value,
    /// The turn's working folder, absolute.
    pub working_dir: PathBuf,
    /// How long it may run, in milliseconds, as it was decided.
    pub timeout_ms: u64,
    /// Where outputs are kept.
    pub outputs: Outputs,
    /// Where the turn's reply goes.
    pub origin: Address,
    /// With whose authority the call runs.
    pub requester: Requester,
    /// Takes calls that go on beside the turn.
    pub jobs: Arc<dyn Jobs>,
    /// Takes what the call sends into a conversation.
    pub posts: Arc<dyn Posts>,
    /// Ends the call.
    pub cancel: CancellationToken,
    /// Asks the call to go on as a job; a tool that cannot does not listen.
    pub background: CancellationToken,
    /// Takes what there is to show meanwhile.
    pub progress: Arc<dyn Progress>,
}

/// Takes what a running call has to show.
pub trait Progress: Send + Sync {
    /// One line, newest wins.
    fn show(&self, line: &str);

    /// A host that a command wanted and did not get, and why, one sentence. The call's outcome must say it beside
    /// the output; whoever makes no outcome does not listen.
    fn turned_away(&self, _why: &str) {}
}

/// Where the whole outputs of calls are kept: a folder a session, a file a call.
#[derive(Clone, Debug)]
pub struct Outputs {
    root: PathBuf,
}

impl Outputs {
    /// Keeps outputs below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of one session.
    pub fn session_dir(&self, session: &SessionId) -> PathBuf {
        self.root.join(session.as_str())
    }

    /// The file of one call's output.
    pub fn file(&self, session: &SessionId, call: CallId) -> PathBuf {
        self.session_dir(session).join(format!("{call}.out"))
    }

    /// The folder of the records of one session's commands.
    pub fn records(&self, session: &SessionId) -> PathBuf {
        self.session_dir(session).join("commands")
    }

    /// The copies of files that wait to be sent; no session has that name.
    pub fn outgoing(&self) -> PathBuf {
        self.root.join(".outgoing")
    }

    /// The folder below which everything is kept.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// What a call yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOutput {
    /// What the model is told, at most 10,000 characters and a marker (DESIGN §5).
    pub text: String,
    /// Where the whole output is, if `text` is only its head and tail.
    pub output: Option<OutputRef>,
    /// What the person should know of it beside the reply, one sentence.
    pub notice: Option<String>,
}

impl ToolOutput {
    /// Text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            output: None,
            notice: None,
        }
    }
}

/// Why a call yields nothing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The model is told and may do something else.
    #[error("{0}")]
    Tell(String),
    /// The turn ends; the person is told.
    #[error("{0}")]
    Fatal(String),
}

/// What became of a call that an earlier process started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It did not happen, and may run now under the same key.
    NotDone,
    /// It happened to its end, and this is what it yields.
    Done(ToolOutput),
    /// It was cut off; the model is told this and it is not run again.
    Interrupted(ToolOutput),
    /// Nothing can tell.
    Unknown(String),
}

/// The tools that a lane offers, by name.
#[derive(Clone, Default)]
pub struct Toolset {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    specs: Arc<[ToolSpec]>,
}

impl Toolset {
    /// Offers these tools, in the order of their names.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let tools: BTreeMap<_, _> = tools
            .into_iter()
            .map(|tool| (tool.spec().name.clone(), tool))
            .collect();
        let specs = tools.values().map(|tool| tool.spec().clone()).collect();
        Self { tools, specs }
    }

    /// The tool of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    /// What their calls in that working folder can and cannot do, in the order of their names.
    pub fn rules(&self, working_dir: &Path) -> Vec<String> {
        let rules = self.tools.values().map(|tool| tool.rules(working_dir));
        rules.flatten().collect()
    }

    /// What is offered, in a stable order.
    pub fn specs(&self) -> &Arc<[ToolSpec]> {
        &self.specs
    }
}
