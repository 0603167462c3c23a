//! How the crates are put together into a gateway: the one place that sees them all.
//! Invariant: each part is made once and handed on; nothing here decides what a turn does.
//! It must not know the command line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use corvid_channels::telegram;
use corvid_core::wire::{Limits, Patience};
use corvid_core::{Channel, Clock, Models, Outputs, Policy, Tasks, Toolset};
use corvid_gateway::{Access, Allowed, Gateway, JobLimits, Parts, Settings};
use corvid_llm::Catalogue;
use corvid_sandbox::{HostConfig, HostSandbox, Isolation};
use corvid_store::Store;
use corvid_tools::SentPictures;
use corvid_tools::checkpoint::{CheckpointConfig, Checkpoints};
use corvid_tools::policy::{PolicyConfig, RulePolicy};

use crate::config::{Composed, Environment, MIB};

/// Attempts at one step, after faults and after crashes alike (DESIGN §4).
const ATTEMPTS: u32 = 3;

/// The time: the machine's own.
///
/// # Errors
/// Never.
#[cfg(not(feature = "faults"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "with crash points the time may come from a clock server that does not answer"
)]
pub(crate) fn clock(_environment: &Environment) -> anyhow::Result<Arc<dyn Clock>> {
    Ok(Arc::new(corvid_core::SystemClock))
}

/// The time: that of the clock server that `CORVID_CLOCK` names, else the machine's own.
///
/// # Errors
/// If the clock server does not answer.
#[cfg(feature = "faults")]
pub(crate) fn clock(environment: &Environment) -> anyhow::Result<Arc<dyn Clock>> {
    match environment.text("CORVID_CLOCK") {
        Ok(Some(server)) => Ok(Arc::new(corvid_testkit::ServedClock::connect(server)?)),
        Ok(None) => Ok(Arc::new(corvid_core::SystemClock)),
        Err(sentence) => Err(anyhow::anyhow!(sentence)),
    }
}

/// The models.
pub(crate) fn models(composed: &Composed, clock: Arc<dyn Clock>) -> Catalogue {
    let pictures = SentPictures::new(composed.private.clone());
    corvid_llm::catalogue(composed.llm.clone(), clock).seeing(Arc::new(pictures))
}

/// The host sandbox.
pub(crate) fn sandbox(composed: &Composed, environment: &Environment) -> HostSandbox {
    let mut config = HostConfig::new(helper());
    config.private.clone_from(&composed.private);
    config.readable.clone_from(&composed.toolchains);
    config.environment = environment.pairs();
    config
        .variables
        .clone_from(&composed.settings.sandbox.variables);
    for (name, value) in &composed.finders {
        // Found later, the person's own value would win; it is the same or not granted.
        config.environment.retain(|(known, _)| known != name);
        config.environment.push((name.clone(), value.clone()));
        config.variables.push(name.clone());
    }
    config.limits.output_bytes = composed.output_bytes;
    config.redactor = Arc::clone(&composed.redactor);
    config
        .private_hosts
        .clone_from(&composed.settings.network.private_hosts);
    config.isolation = isolation(environment);
    HostSandbox::new(config)
}

/// How much of the system's isolation is used: all of it.
#[cfg(not(feature = "faults"))]
fn isolation(_environment: &Environment) -> Isolation {
    Isolation::Full
}

/// How much of the system's isolation is used: all of it, unless `CORVID_ISOLATION` names a system that has less.
#[cfg(feature = "faults")]
fn isolation(environment: &Environment) -> Isolation {
    match environment.text("CORVID_ISOLATION") {
        Ok(Some("without-landlock")) => Isolation::WithoutLandlock,
        Ok(Some("without-namespaces")) => Isolation::WithoutNamespaces,
        Ok(Some("none")) => Isolation::Nothing,
        _ => Isolation::Full,
    }
}

/// The files as they were before turns changed them.
pub(crate) fn checkpoints(composed: &Composed) -> Checkpoints {
    let settings = &composed.settings.checkpoints;
    Checkpoints::new(CheckpointConfig {
        root: composed.checkpoints.clone(),
        max_bytes: settings.max_mb * MIB,
        keep: Duration::from_hours(24 * settings.keep_days),
        private: composed.private.clone(),
    })
}

/// The built-in tools.
pub(crate) fn tools(composed: &Composed, environment: &Environment) -> Toolset {
    let sandbox = Arc::new(sandbox(composed, environment));
    let mut config = composed.tools.clone();
    if composed.settings.checkpoints.max_mb > 0 {
        config.checkpoints = Some(Arc::new(checkpoints(composed)));
    }
    corvid_tools::builtin(config, sandbox)
}

/// The policy.
pub(crate) fn policy(composed: &Composed) -> RulePolicy {
    let settings = &composed.settings.policy;
    RulePolicy::new(PolicyConfig {
        preset: settings.preset,
        rules: settings.rules.clone(),
    })
}

/// Opens the store.
///
/// # Errors
/// With the store's own sentence, which names the file and the fix.
pub(crate) async fn store(composed: &Composed, tasks: &Tasks) -> anyhow::Result<Store> {
    Ok(Store::open(&composed.store, tasks).await?)
}

/// Whom the config lets in on each channel.
pub(crate) fn allowed(composed: &Composed) -> Vec<Allowed> {
    let telegram = &composed.settings.telegram;
    let ids = |ids: &[i64]| ids.iter().map(i64::to_string).collect();
    vec![Allowed {
        channel: telegram::NAME.to_owned(),
        owners: ids(&telegram.owners),
        members: ids(&telegram.members),
        groups: ids(&telegram.groups),
    }]
}

/// Who may speak: the local user, and whom the config lets in.
pub(crate) fn access(composed: &Composed, user: u32) -> Access {
    let access = Access::local(user);
    access.set_allowed(allowed(composed));
    access
}

/// What a gateway is made of.
pub(crate) struct Ingredients<'a> {
    /// The composed config.
    pub(crate) composed: &'a Composed,
    /// The environment.
    pub(crate) environment: &'a Environment,
    /// The open store.
    pub(crate) store: Store,
    /// The models.
    pub(crate) models: Arc<dyn Models>,
    /// The model of a message that names none, `provider/model`.
    pub(crate) model: String,
    /// How many tokens of request it takes.
    pub(crate) context_tokens: u64,
    /// What may run.
    pub(crate) policy: Arc<dyn Policy>,
    /// Whether a turn waits for an outage to end.
    pub(crate) patience: Patience,
    /// What it hosts.
    pub(crate) channels: Vec<Arc<dyn Channel>>,
    /// Who may speak.
    pub(crate) access: Access,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where tasks run.
    pub(crate) tasks: Tasks,
}

/// The gateway made of these.
pub(crate) fn gateway(of: Ingredients<'_>) -> Gateway {
    let turn = &of.composed.settings.turn;
    let settings = Settings {
        default_model: of.model,
        limits: Limits {
            max_steps: turn.max_steps,
            parallel_calls: turn.parallel_calls,
            attempts: ATTEMPTS,
            patience: of.patience,
            question_ms: of.composed.settings.approvals.timeout_secs * 1_000,
        },
        context_tokens: of.context_tokens,
    };
    let tools = tools(of.composed, of.environment);
    Gateway::new(Parts {
        store: of.store,
        access: of.access,
        models: of.models,
        tools: with_probes(tools, of.environment),
        policy: of.policy,
        clock: of.clock,
        channels: of.channels,
        outputs: Outputs::new(&of.composed.outputs),
        redactor: Arc::clone(&of.composed.redactor),
        job_limits: JobLimits {
            parallel: of.composed.settings.jobs.parallel,
            ..JobLimits::default()
        },
        tasks: of.tasks,
        settings,
    })
}

/// Under the feature `faults`: the probe tools beside the built-in ones, if there is an effect server.
#[cfg(feature = "faults")]
fn with_probes(tools: Toolset, environment: &Environment) -> Toolset {
    let Ok(Some(server)) = environment.text("CORVID_EFFECT_SERVER") else {
        return tools;
    };
    let builtin = tools
        .specs()
        .iter()
        .filter_map(|spec| tools.get(&spec.name).cloned());
    Toolset::new(
        builtin
            .chain(corvid_testkit::probes(server))
            .collect::<Vec<_>>(),
    )
}

#[cfg(not(feature = "faults"))]
fn with_probes(tools: Toolset, _environment: &Environment) -> Toolset {
    tools
}

/// This program, to be run again as the sandbox's stages. The link also leads to a binary that was replaced
/// meanwhile.
fn helper() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() {
        return link;
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("agent"))
}
