//! Taking up a changed config while the daemon runs: who may speak, and the rules; the rest waits for a restart.
//! Invariant: a config that is wrong changes nothing; what was not taken up is named once.
//! It must not know how anything that changes is used.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corvid_gateway::{Access, Served};

use super::live::LivePolicy;
use super::start::Loaded;
use crate::config::{Environment, Home, Layered};
use crate::wiring;

/// The keys that a running daemon takes up.
const LIVE: &[&str] = &[
    "telegram.owners",
    "telegram.members",
    "telegram.groups",
    "policy.preset",
    "policy.rules",
    "daemon.grace_secs",
];

/// Which file it was, in which state: device, number, length, and when it changed, in nanoseconds.
type Fingerprint = (u64, u64, u64, i128);

/// The file at one look; none if it was not there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen(Option<Fingerprint>);

/// What takes up a changed config.
pub(super) struct Reloader {
    home: Home,
    environment: Environment,
    access: Access,
    policy: Arc<LivePolicy>,
    state: Mutex<State>,
}

struct State {
    /// What the daemon began with; keys that are not live stay so.
    begun: Loaded,
    /// What it goes by now.
    now: Loaded,
    seen: Option<Fingerprint>,
    /// The file as it was at the last look, if it had changed then: it may have been in the middle of being written.
    changing: Option<Seen>,
    /// The keys that wait for a restart, as they were told last.
    told: Vec<String>,
}

impl Reloader {
    /// For a daemon that has begun with this config.
    pub(super) fn new(
        loaded: Loaded,
        home: &Home,
        environment: &Environment,
        access: Access,
        policy: Arc<LivePolicy>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                begun: loaded.clone(),
                now: loaded,
                seen: fingerprint(&home.config_file),
                changing: None,
                told: Vec::new(),
            }),
            home: home.clone(),
            environment: environment.clone(),
            access,
            policy,
        }
    }

    /// The milliseconds that turns have to end.
    pub(super) fn grace_ms(&self) -> u64 {
        self.lock().now.config.grace_ms
    }

    /// Takes the config up if its file has changed, and then stayed as it is from one look to the next.
    pub(super) fn look(&self, served: &Served) {
        let seen = fingerprint(&self.home.config_file);
        let mut state = self.lock();
        if seen == state.seen {
            state.changing = None;
            return;
        }
        let settled = state.changing.replace(Seen(seen)) == Some(Seen(seen));
        drop(state);
        if settled {
            self.reload(served);
        }
    }

    /// Whether a daemon could begin with the config as it stands; says so if not.
    pub(super) fn is_sound(&self) -> bool {
        let loaded = Loaded::to_begin(&self.home, &self.environment);
        if let Err(error) = &loaded {
            let error = format!("{error:#}");
            tracing::error!(
                error,
                "not restarted, since none could begin with the config"
            );
        }
        loaded.is_ok()
    }

    /// Takes the config up as it stands.
    pub(super) fn reload(&self, served: &Served) {
        let mut state = self.lock();
        let before = state.seen;
        state.seen = fingerprint(&self.home.config_file);
        state.changing = None;
        if state.seen.is_none() && before.is_some() {
            // No config allows more than one with rules: whoever wants that starts anew.
            tracing::error!(
                "the config file is gone; what it said last holds until `agent restart`"
            );
            return;
        }
        let loaded = match Loaded::load(&self.home, &self.environment) {
            Ok(loaded) => loaded,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the config is wrong; the old one holds");
                return;
            }
        };
        let changed = changed(&state.now.layered, &loaded.layered);
        self.access.set_allowed(wiring::allowed(&loaded.composed));
        self.policy.replace(wiring::policy(&loaded.composed));
        let waiting = waiting(&state.begun, &loaded);
        if waiting != state.told && !waiting.is_empty() {
            let keys = waiting.join(", ");
            tracing::warn!(
                keys,
                "restart needed (`agent restart`) for what was changed"
            );
        }
        let taken: Vec<&str> = changed.iter().map(String::as_str).filter(is_live).collect();
        tracing::info!(keys = taken.join(", "), "the config was read anew");
        state.told = waiting;
        state.now = loaded;
        drop(state);
        served.reload();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_live(key: &&str) -> bool {
    LIVE.contains(key)
}

/// What holds only after a restart.
fn waiting(begun: &Loaded, now: &Loaded) -> Vec<String> {
    let mut waiting = changed(&begun.layered, &now.layered);
    waiting.retain(|key| !is_live(&key.as_str()));
    // A key's file may hold another key now. What is hidden is fixed at the start.
    if waiting.is_empty() && begun.composed.redactor.values() != now.composed.redactor.values() {
        waiting.push("a key in a file".to_owned());
    }
    waiting
}

/// The keys whose values differ.
fn changed(before: &Layered, after: &Layered) -> Vec<String> {
    let differs = |name: &str| {
        let value = |layered: &Layered| layered.get(name).map(|setting| setting.value.clone());
        value(before) != value(after)
    };
    after
        .iter()
        .map(|(name, _)| name)
        .filter(|name| differs(name))
        .map(str::to_owned)
        .collect()
}

fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let about = path.metadata().ok()?;
    let changed_at = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    Some((about.dev(), about.ino(), about.len(), changed_at))
}
