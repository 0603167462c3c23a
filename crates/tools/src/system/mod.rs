//! `system.run`: one shell command in the sandbox.
//! Invariant: nothing runs but through the sandbox port, and a command that was begun is never run again.
//! It must not know how the sandbox confines or keeps its records.

mod asked;
mod background;
mod beyond;
mod card;
mod lacks;
mod place;
mod report;
mod undoable;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{
    Checked, CommandEnding, CommandRecord, CommandSpec, Invocation, Preview, Reconciled, Sandbox,
    Tool, ToolError, ToolOutput, ToolSpec, draw,
};
use corvid_sandbox::boot_id;
use serde_json::{Value, json};

use crate::blocking;
use crate::config::{Config, milliseconds};

use asked::Asked;
use lacks::Lacks;
use place::{beginning_in, private_folder, subfolder};
use report::Most;
use work::{Lines, Reins, Told, Work};

/// The tool's name.
const NAME: &str = "system.run";

/// The proof's key for the machine's run in which the call was prepared.
const BOOT: &str = "boot";

/// The folder of the records of commands that began as jobs, in that of all records. They begin and end whenever
/// they like, and must not forget the record of the turn's own command before its end is in the journal.
const JOBS: &str = "jobs";

/// Runs a shell command.
pub(crate) struct Run {
    spec: ToolSpec,
    config: Arc<Config>,
    sandbox: Arc<dyn Sandbox>,
    lacks: Lacks,
}

impl Run {
    pub(crate) fn new(config: Arc<Config>, sandbox: Arc<dyn Sandbox>) -> Self {
        let description = "Run a shell command in the sandbox, in the working folder, without input. Gives the \
                           exit code and standard output and error mixed, long output cut in the middle."
            .to_owned();
        Self {
            spec: ToolSpec {
                name: NAME.to_owned(),
                description,
                parameters: asked::schema(&config),
            },
            config,
            sandbox,
            lacks: Lacks::default(),
        }
    }

    fn asked(&self, given: &Value) -> Result<Asked, String> {
        Asked::read(&self.spec.parameters, given)
    }

    /// What the sandbox lacks for a call that is looked at, which is remembered for its run.
    fn lacking(&self, given: &Value, working_dir: &Path) -> Vec<String> {
        let lacking = self.sandbox.lacking(working_dir);
        self.lacks.note(given, working_dir, &lacking);
        lacking
    }

    /// The command as the sandbox is handed it, to begin in `folder` (a real path; none for the working folder).
    /// Where its record is kept is the same for the same call in every process.
    fn command(
        &self,
        call: &Invocation,
        asked: &Asked,
        folder: Option<&Path>,
    ) -> Result<CommandSpec, String> {
        let records = call.outputs.records(&call.session);
        let lacking = self.lacks.known(&call.arguments, &call.working_dir);
        Ok(CommandSpec {
            key: call.key.clone(),
            command: beginning_in(folder, &asked.command),
            working_dir: call.working_dir.clone(),
            timeout: Duration::from_millis(call.timeout_ms),
            output: call.outputs.file(&call.session, call.call),
            record_dir: if asked.background {
                records.join(JOBS)
            } else {
                records
            },
            kept: Vec::new(),
            wider: asked.wider(&self.config, &call.working_dir, lacking)?,
        })
    }

    fn told(&self, call: &Invocation) -> Told {
        Told {
            call: call.call,
            chars: self.config.output_chars,
            most: Most {
                waited: self.config.max_timeout,
                beside: self.config.max_background,
            },
        }
    }

    /// The command, ready to run, in a place that is there.
    async fn work(&self, call: &Invocation, asked: &Asked) -> Result<Work, ToolError> {
        let folder = begins_in(call, asked).await?;
        let command = self.command(call, asked, folder.as_deref());
        let mut command = command.map_err(ToolError::Tell)?;
        if !asked.background {
            // The turn keeps its time itself: what it moves to the background is to go on.
            command.timeout = command.timeout.max(self.config.background);
        }
        let folder = call.outputs.session_dir(&call.session);
        blocking::to_the_end(move || private_folder(&folder))
            .await?
            .map_err(ToolError::Fatal)?;
        Ok(Work {
            sandbox: Arc::clone(&self.sandbox),
            command,
            session: call.session.clone(),
            jobs: Arc::clone(&call.jobs),
            told: self.told(call),
            reins: Reins::default(),
            lines: Lines::shown(&call.progress),
        })
    }

    /// What became of the command itself.
    async fn became(&self, call: &Invocation, asked: &Asked, proof: Option<&Value>) -> Reconciled {
        // Where it began matters no more.
        let command = match self.command(call, asked, None) {
            Ok(command) => command,
            Err(error) => return Reconciled::Unknown(error),
        };
        let end = match self.sandbox.reconcile(&command).await {
            CommandRecord::NotStarted if is_of_this_boot(proof) => return Reconciled::NotDone,
            CommandRecord::NotStarted => {
                let reason = "the machine was started anew meanwhile, and no record is left";
                return Reconciled::Unknown(reason.to_owned());
            }
            CommandRecord::Unknown(reason) => return Reconciled::Unknown(reason),
            CommandRecord::Ended(end) => end,
        };
        let output = match self.told(call).output(&command, &end, &[]).await {
            Ok(output) => output,
            // That it ended is known; only what it printed is lost.
            Err(error) => ToolOutput::text(error.to_string()),
        };
        let checkpoints = self.config.checkpoints.as_ref();
        let output = undoable::interrupted(checkpoints, call, output).await;
        if end.ending == CommandEnding::Stopped {
            Reconciled::Interrupted(output)
        } else {
            Reconciled::Done(output)
        }
    }
}

#[async_trait]
impl Tool for Run {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        let mut rules = self.sandbox.rules(working_dir);
        // Where nothing is enforced there is nothing more to get.
        if self.sandbox.report().enforced {
            let escalate = "`escalate` gives one command named hosts, or places to write, once a person has allowed \
                            it; ask for no more than it needs.";
            rules.push(escalate.to_owned());
        }
        rules
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let asked = self.asked(given)?;
        let lacking = self.lacking(given, working_dir);
        let wider = asked.wider(&self.config, working_dir, lacking)?;
        wider.as_ref().map_or(Ok(()), beyond::asks_for_something)?;
        Ok(Checked {
            effect: Effect::Reconcilable,
            wider,
            timeout_ms: milliseconds(asked.timeout(&self.config)?),
            inquiry: None,
            resource: asked.command,
            also: Vec::new(),
        })
    }

    async fn preview(&self, call: &Invocation) -> Result<Preview, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let folder = begins_in(call, &asked).await?;
        self.lacking(&call.arguments, &call.working_dir);
        let command = self.command(call, &asked, folder.as_deref());
        let command = command.map_err(ToolError::Tell)?;
        let (sandbox, described) = (Arc::clone(&self.sandbox), command.clone());
        let described = blocking::looking(call, move |_| {
            let described = sandbox.describe(&described);
            described.map_err(|error| ToolError::Tell(error.to_string()))
        });
        let folder = folder.as_deref().unwrap_or(&call.working_dir);
        Ok(card::preview(
            call,
            &asked,
            folder,
            &command,
            described.await?,
        ))
    }

    /// Names the machine's present run: a record that a power loss may have swallowed says nothing.
    async fn prepare(&self, _call: &Invocation) -> Result<Option<Value>, ToolError> {
        // Nothing but the commit stands between the call and its command now.
        self.sandbox.expect();
        Ok(boot())
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let work = self.work(call, &asked).await?;
        let start = background::start(call, NAME, &asked.command, work.command.timeout, boot());
        let checkpoints = self.config.checkpoints.as_ref();
        if asked.background {
            let told = background::begin(call, start, work).await?;
            return Ok(undoable::beside(checkpoints, call, told).await);
        }
        let wider = work.command.wider.clone();
        let run = background::attend(call, start, work);
        undoable::attended(checkpoints, call, wider, run).await
    }

    async fn reconcile(&self, call: &Invocation, proof: Option<&Value>) -> Reconciled {
        let asked = match self.asked(&call.arguments) {
            Ok(asked) => asked,
            Err(error) => return Reconciled::Unknown(error),
        };
        let job = draw::job_id(&call.key);
        match call.jobs.list(&call.session).await {
            // Its end, too, is told as the job's.
            Ok(jobs) if jobs.iter().any(|known| known.job == job) => {
                Reconciled::Done(background::told(&job))
            }
            // A job begins only after it was noted.
            Ok(_) if asked.background => Reconciled::NotDone,
            Ok(_) => self.became(call, &asked, proof).await,
            Err(reason) => Reconciled::Unknown(reason),
        }
    }

    async fn job_end(&self, call: &Invocation, proof: Option<&Value>) -> Reconciled {
        let asked = match self.asked(&call.arguments) {
            Ok(asked) => asked,
            Err(error) => return Reconciled::Unknown(error),
        };
        self.became(call, &asked, proof).await
    }

    async fn job_told(&self, call: &Invocation) {
        let command = self
            .asked(&call.arguments)
            .and_then(|asked| self.command(call, &asked, None));
        if let Ok(command) = command {
            self.sandbox.forget(&command).await;
        }
    }
}

/// The folder in which the command begins, with no link on the way, so that a person is shown that very one; none for
/// the working folder itself.
async fn begins_in(call: &Invocation, asked: &Asked) -> Result<Option<PathBuf>, ToolError> {
    let Some(folder) = asked.working_dir.clone() else {
        return Ok(None);
    };
    let root = call.working_dir.clone();
    let found = blocking::to_the_end(move || subfolder(&root, &folder)).await?;
    found.map(Some).map_err(ToolError::Tell)
}

/// The machine's present run, as a proof.
fn boot() -> Option<Value> {
    boot_id().ok().map(|boot| json!({ BOOT: boot }))
}

/// Whether a call was prepared since the machine was last started, as far as it was noted.
fn is_of_this_boot(proof: Option<&Value>) -> bool {
    let noted = proof.and_then(|proof| proof.get(BOOT)?.as_str());
    noted.is_none_or(|noted| boot_id().is_ok_and(|boot| boot == noted))
}
