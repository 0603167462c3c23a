//! What the tools that change a file have in common: planned, proven, made whole, and known afterwards.
//! Invariant: what is made is planned anew on the file as it is, and only if nothing else changes it meanwhile.
//! It must not know what any change means.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::redact::{MARK, is_marked};
use corvid_core::wire::Effect;
use corvid_core::{
    Checked, Invocation, Preview, Reconciled, Tool, ToolError, ToolOutput, ToolSpec,
};
use corvid_sandbox::paths::Roots;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plan::{self, Made, Plan};
use super::queue::Queue;
use super::{card, checked, named, roots};
use crate::arguments;
use crate::blocking;
use crate::checkpoint::Checkpoints;
use crate::config::Config;

/// A change of one file: the arguments of the tool that makes it.
pub(crate) trait Change: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What the model reads.
    const DESCRIPTION: &'static str;

    /// The file, as the model named it.
    fn path(&self) -> &str;

    /// Checks what the arguments alone can tell.
    ///
    /// # Errors
    /// One sentence for the model that names the argument and what is allowed.
    fn check(&self, config: &Config) -> Result<(), String>;

    /// Thinks the change through on the file as it is.
    ///
    /// # Errors
    /// The sentence for the model.
    fn plan(&self, config: &Config, roots: &Roots) -> Result<Plan, ToolError>;
}

/// The tool that makes a kind of change.
pub(crate) struct Changer<C> {
    spec: ToolSpec,
    config: Arc<Config>,
    queue: Arc<Queue>,
    change: std::marker::PhantomData<fn() -> C>,
}

impl<C: Change> Changer<C> {
    /// A tool whose changes wait in `queue` for those of the other tools.
    pub(crate) fn new(config: Arc<Config>, queue: Arc<Queue>) -> Self {
        Self {
            spec: ToolSpec {
                name: C::NAME.to_owned(),
                description: C::DESCRIPTION.to_owned(),
                parameters: arguments::schema::<C>(),
            },
            config,
            queue,
            change: std::marker::PhantomData,
        }
    }

    fn asked(&self, given: &Value) -> Result<C, String> {
        arguments::read(&self.spec.parameters, given)
    }

    /// Does something with the change and the folder it is in, off the async threads and to its end: an
    /// act that was begun is awaited.
    async fn with<T: Send + 'static>(
        &self,
        call: &Invocation,
        work: impl FnOnce(&C, &Config, &Roots) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let (config, working_dir) = (Arc::clone(&self.config), call.working_dir.clone());
        blocking::to_the_end(move || work(&asked, &config, &roots(&config, &working_dir)?)).await?
    }
}

#[async_trait]
impl<C: Change> Tool for Changer<C> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let asked = self.asked(given)?;
        named(asked.path())?;
        asked.check(&self.config)?;
        if is_marked(&given.to_string()) {
            return Err(format!(
                "the arguments hold the mark `{MARK}`, which stands for a secret that you cannot see; change the file \
                 without touching that passage"
            ));
        }
        let path = asked.path().to_owned();
        let effect = Effect::Reconcilable;
        Ok(checked(&self.config, effect, path, working_dir))
    }

    async fn preview(&self, call: &Invocation) -> Result<Preview, ToolError> {
        let caller = call.clone();
        self.with(call, move |asked, config, roots| {
            let plan = asked.plan(config, roots)?;
            card::preview(&caller, roots, Path::new(asked.path()), &plan)
        })
        .await
    }

    async fn prepare(&self, call: &Invocation) -> Result<Option<Value>, ToolError> {
        self.with(call, |asked, config, roots| {
            Ok(asked.plan(config, roots)?.proof())
        })
        .await
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        if call.cancel.is_cancelled() {
            return Err(ToolError::Tell("stopped; nothing was changed".to_owned()));
        }
        let queue = Arc::clone(&self.queue);
        let caller = call.clone();
        let made = self.with(call, move |asked, config, roots| {
            let path = Path::new(asked.path());
            let _alone = queue.wait(path);
            let plan = asked.plan(config, roots)?;
            match &config.checkpoints {
                Some(checkpoints) => kept(checkpoints, &caller, roots, path, &plan),
                None => Ok((plan.carry_out(roots, path, &caller.key)?, None)),
            }
        });
        let (made, notice) = made.await?;
        Ok(ToolOutput {
            notice,
            ..ToolOutput::text(made.text)
        })
    }

    async fn reconcile(&self, call: &Invocation, proof: Option<&Value>) -> Reconciled {
        let (key, proof) = (call.key.clone(), proof.cloned());
        let known = self.with(call, move |asked, config, roots| {
            let (path, limit) = (Path::new(asked.path()), config.max_file_bytes);
            Ok(plan::reconcile(roots, path, limit, &key, proof.as_ref()))
        });
        known
            .await
            .unwrap_or_else(|error| Reconciled::Unknown(error.to_string()))
    }
}

/// Keeps what is there, and only then makes the change; with it comes what of it cannot be undone.
fn kept(
    checkpoints: &Checkpoints,
    call: &Invocation,
    roots: &Roots,
    path: &Path,
    plan: &Plan,
) -> Result<(Made, Option<String>), ToolError> {
    let kept = checkpoints.keep(call, roots, path, plan.contents())?;
    match plan.carry_out(roots, path, &call.key) {
        Ok(made) => {
            let notice = kept.done(&made.path);
            Ok((made, notice))
        }
        Err(error) => {
            kept.void();
            Err(error)
        }
    }
}
