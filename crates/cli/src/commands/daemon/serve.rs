//! A daemon at work: its parts put together, its signals heard, its end seen to.
//! Invariant: it is ready once it takes what comes, and what was begun when it ends has the grace that is set.
//! It must not know how anything is served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use corvid_core::wire::{Millis, Patience};
use corvid_core::{Channel, Clock, Models as _, Policy, TaskKind, Tasks};
use corvid_gateway::{Served, Serving};
use corvid_store::Store;

use super::end::{Wish, wish};
use super::instance::{Instance, Occupant};
use super::live::{LivePolicy, ModelsForPeople, default_model};
use super::parts::{machine, messengers};
use super::reload::Reloader;
use super::signals::{Signals, Wanted};
use super::start::Loaded;
use crate::config::{Environment, Home};
use crate::output::say;
use crate::surroundings::Machine;
use crate::wiring::{self, Ingredients};

/// Tokens of request where no model says how many it takes.
const CONTEXT_TOKENS: u64 = 128_000;

/// How often the config file and what other processes posted are looked at, in milliseconds.
const LOOK_MS: Millis = 2_000;

/// How often checkpoints that are too old go, in milliseconds.
const PRUNE_MS: Millis = 6 * 3_600_000;

/// How long what is left after the grace may take to end.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was stopped.
    Stopped,
    /// It is to begin anew.
    Anew,
    /// Something that everything needs has ended.
    Broken,
}

/// Everything that a daemon at work consists of.
struct Daemon {
    served: Served,
    store: Store,
    reloader: Reloader,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    machine: Arc<Machine>,
}

/// Serves until a signal ends it.
///
/// # Errors
/// If a part cannot be made; with the sentence for the person.
pub(super) async fn serve(
    loaded: Loaded,
    home: &Home,
    environment: &Environment,
    instance: &mut Instance,
    began: Instant,
) -> anyhow::Result<End> {
    let mut signals = Signals::new()?;
    let daemon = Daemon::begin(loaded, home, environment).await?;
    let occupant = Occupant {
        pid: std::process::id(),
        since: daemon.clock.now(),
        socket: Some(daemon.store.owner_socket(daemon.store.owner())),
    };
    let announced = instance.announce(&occupant);
    announced.with_context(|| format!("{} cannot be written", home.state.display()))?;
    daemon.tell_ready(began).await;
    let end = daemon.run(home, &mut signals).await;
    daemon.end(end, home, &mut signals).await;
    Ok(end)
}

impl Daemon {
    async fn begin(loaded: Loaded, home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let Loaded {
            composed, config, ..
        } = &loaded;
        let clock = wiring::clock(environment)?;
        let tasks = Tasks::default();
        let store = wiring::store(composed, &tasks).await?;
        let messengers = messengers(config, &store, &clock, &tasks)?;
        let models = ModelsForPeople(wiring::models(composed, Arc::clone(&clock)));
        let model = default_model(&composed.model.name);
        let opened = models.open(&model);
        let policy = Arc::new(LivePolicy::new(wiring::policy(composed)));
        let access = wiring::access(composed, rustix::process::getuid().as_raw());
        let gateway = Arc::new(wiring::gateway(Ingredients {
            composed,
            environment,
            store: store.clone(),
            model: opened.as_ref().map_or(model, |model| model.id().to_owned()),
            context_tokens: opened.map_or(CONTEXT_TOKENS, |model| model.context_tokens()),
            models: Arc::new(models),
            policy: Arc::clone(&policy) as Arc<dyn Policy>,
            patience: Patience::Park,
            channels: messengers
                .iter()
                .map(|messenger| Arc::clone(messenger) as Arc<dyn Channel>)
                .collect(),
            access: access.clone(),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
        }));
        let machine = Arc::new(machine(composed, config, home, &clock)?);
        let serving = Serving {
            messengers,
            surroundings: Arc::clone(&machine) as Arc<dyn corvid_gateway::Surroundings>,
            max_age_ms: config.max_age_ms,
            zone: config.zone.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let served = gateway.serve(serving).await?;
        Ok(Self {
            served,
            store,
            reloader: Reloader::new(loaded, home, environment, access, policy),
            clock,
            tasks,
            machine,
        })
    }

    /// Says that it is ready, and with what: the one line that whoever started it waits for.
    async fn tell_ready(&self, began: Instant) {
        let status = self.served.status().await;
        let channels = status.channels.iter().map(|channel| {
            let detail = &channel.detail;
            format!("{} {} ({detail})", channel.channel, channel.account)
        });
        let channels: Vec<String> = channels.collect();
        let model = status.model.map_or_else(
            || "no model (`agent model list`)".to_owned(),
            |model| format!("model {model}"),
        );
        let took = began.elapsed().as_millis();
        tracing::info!(
            version = status.version,
            pid = status.pid,
            took_ms = took,
            "ready"
        );
        say(&format!(
            "ready: {} · {model} · {took} ms",
            channels.join(", ")
        ));
    }

    /// Serves until a signal, or the end of a vital task.
    async fn run(&self, home: &Home, signals: &mut Signals) -> End {
        let stopping = self.tasks.stopping();
        let mut look_at = self.clock.now().saturating_add(LOOK_MS);
        let mut prune_at = self.clock.now();
        loop {
            if prune_at <= self.clock.now() {
                self.prune();
                prune_at = self.clock.now().saturating_add(PRUNE_MS);
            }
            tokio::select! {
                () = stopping.cancelled() => return End::Broken,
                wanted = signals.next() => match wanted {
                    Wanted::Reload => self.reloader.reload(&self.served),
                    Wanted::End => match wish(home) {
                        Wish::Stop => return End::Stopped,
                        Wish::Anew if self.reloader.is_sound() => return End::Anew,
                        Wish::Anew => {}
                    },
                },
                () = self.clock.sleep_until(look_at) => {
                    look_at = self.clock.now().saturating_add(LOOK_MS);
                    self.served.look();
                    self.reloader.look(&self.served);
                }
            }
        }
    }

    /// Ends what was begun within the grace. A second signal cuts that short: the process ends at once, or begins anew
    /// at once if `agent restart` sent both.
    async fn end(self, end: End, home: &Home, signals: &mut Signals) {
        let grace = self.reloader.grace_ms();
        tracing::info!(?end, grace_ms = grace, "ending");
        let ending = async {
            if end != End::Broken {
                self.served.drain(grace).await;
            }
            let ended = tokio::time::timeout(LAST_MOMENT, self.tasks.shutdown()).await;
            if ended.is_err() {
                tracing::warn!("something did not end, and is left");
            }
        };
        tokio::select! {
            () = ending => {}
            () = signals.second() => {
                if end == End::Anew && wish(home) == Wish::Anew {
                    tracing::info!("begins anew at once; what was running goes on then");
                    return;
                }
                say("ended at once; what was running goes on with the next start");
                std::process::exit(1);
            }
        }
        tracing::info!("ended");
    }

    /// Lets old checkpoints go, beside everything else.
    fn prune(&self) {
        let (checkpoints, now) = (Arc::clone(&self.machine.checkpoints), self.clock.now());
        let task = async move {
            let pruned = tokio::task::spawn_blocking(move || checkpoints.prune(now)).await;
            if let Ok(Err(error)) = pruned {
                tracing::warn!(%error, "old checkpoints stay");
            }
        };
        self.tasks.spawn(TaskKind::Service, "checkpoints", task);
    }
}
