//! `agent start`: taking the home's one place, serving, and ending or beginning anew.
//! Invariant: nothing is served without the lock, and the lock is kept until everything has ended.
//! It must not know what is served.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::instance::{Instance, Taken, There};
use super::serve::{End, serve};
use crate::commands::block_on;
use crate::config::{Composed, DaemonConfig, Environment, Home, Layered};
use crate::exit::{Exit, Refused};
use crate::logs;

/// How to get a first channel, where there is none.
const NO_CHANNEL: &str = "\
no channel is set up, so nobody could reach the agent; to add Telegram, get a bot's token from @BotFather, then
  agent config set telegram.token TOKEN
  agent start";

/// A config that a daemon can go by.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) layered: Layered,
    pub(super) composed: Composed,
    pub(super) config: DaemonConfig,
}

impl Loaded {
    /// Reads the config whole.
    ///
    /// # Errors
    /// With every problem, each with its fix.
    pub(super) fn load(home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let layered = Layered::load(home, environment)?;
        let composed = Composed::of(&layered, home, environment)?;
        let config = DaemonConfig::of(&layered, &composed, home, environment)?;
        Ok(Self {
            layered,
            composed,
            config,
        })
    }

    /// As [`Loaded::load`], for a daemon that is to begin with it: somebody must be able to reach it.
    ///
    /// # Errors
    /// With every problem, or how to get a first channel.
    pub(super) fn to_begin(home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let loaded = Self::load(home, environment)?;
        if loaded.config.telegram.is_none() {
            bail!(NO_CHANNEL);
        }
        Ok(loaded)
    }
}

/// Serves messengers until it is stopped.
///
/// # Errors
/// If the config is wrong ([`Exit::Usage`]), another process serves this home, or the store or the system fails.
pub(in crate::commands) fn start(home: &Home, environment: &Environment) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let program = std::env::current_exe().context("this program cannot be found")?;
    let loaded = Loaded::to_begin(home, environment);
    let loaded = loaded.map_err(|error| Refused::new(Exit::Usage, format!("{error:#}")))?;
    let mut instance = take(home)?;
    logs::hide(&loaded.composed.redactor);
    logs::keep(&home.state)?;
    raise_file_limit();
    let serving = serve(loaded, home, environment, &mut instance, began);
    match block_on(serving)? {
        End::Stopped => Ok(Exit::Done),
        End::Broken => Err(anyhow!(
            "something that everything needs has ended; `agent logs` tells what"
        )),
        End::Anew => Err(anew(&instance, &program)),
    }
}

fn take(home: &Home) -> anyhow::Result<Instance> {
    let state = home.state.display();
    let taken = Instance::take(&home.state);
    match taken.with_context(|| format!("the lock in {state} cannot be taken"))? {
        Taken::Ours(instance) => Ok(instance),
        Taken::Theirs(there) => {
            let who = match there {
                There::One(occupant) => format!("process {}", occupant.pid),
                There::Somebody | There::Nobody => "another process".to_owned(),
            };
            Err(anyhow!(
                "{who} runs for this home already ({state}); `agent status` says how it is, `agent stop` ends it"
            ))
        }
    }
}

/// Runs the program anew in this process, with the lock in its hands; returns only if that fails.
fn anew(instance: &Instance, program: &Path) -> anyhow::Error {
    if let Err(error) = instance.hand_over() {
        return anyhow!("the lock cannot be handed over: {error}");
    }
    let mut command = Command::new(program);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let error = command.args(std::env::args_os().skip(1)).exec();
    anyhow!(
        "it has stopped, and {} cannot be run again: {error}; `agent start` begins anew",
        program.display()
    )
}

/// Lets this process have as many files open as it may: each conversation may need some.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of open files stays");
    }
}
